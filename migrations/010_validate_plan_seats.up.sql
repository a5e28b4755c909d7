ALTER TABLE plans VALIDATE CONSTRAINT plans_seats_positive;

ALTER TABLE plans DROP CONSTRAINT plans_seats_positive;

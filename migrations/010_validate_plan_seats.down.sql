-- A constraint cannot lose its validation: it is made anew.
ALTER TABLE plans DROP CONSTRAINT plans_seats_positive;
ALTER TABLE plans ADD CONSTRAINT plans_seats_positive CHECK (seats > 0) NOT VALID;

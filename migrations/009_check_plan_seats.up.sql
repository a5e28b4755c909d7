-- inlay: lock_timeout=2s
-- NOT VALID takes its lock for a moment only; the next migration looks at the rows.
ALTER TABLE plans ADD CONSTRAINT plans_seats_positive CHECK (seats > 0) NOT VALID;

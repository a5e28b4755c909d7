-- Filled from what we know, then required. The table is small enough for one statement; a large
-- one would be filled in parts by a no-transaction migration of its own.
ALTER TABLE members ADD COLUMN display_name text;

UPDATE members SET display_name = split_part(email, '@', 1) WHERE display_name IS NULL;

ALTER TABLE members ALTER COLUMN display_name SET NOT NULL;

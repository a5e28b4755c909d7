--- table-rewrite: a wider integer
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
ALTER TABLE orders ALTER COLUMN total TYPE bigint; --!
--- good
ALTER TABLE orders ADD COLUMN total_big bigint;
--- table-rewrite: a shorter text
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
--- bad
ALTER TABLE orders ALTER COLUMN note TYPE varchar(50); --!
--- good
ALTER TABLE orders ADD CONSTRAINT note_length CHECK (length(note) <= 50) NOT VALID;
--- good
ALTER TABLE orders VALIDATE CONSTRAINT note_length;
--- table-rewrite: a longer text is none
CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(10));
--- good
ALTER TABLE orders ALTER COLUMN note TYPE varchar(20);
--- good
ALTER TABLE orders ALTER COLUMN note TYPE text;
--- table-rewrite: a timestamp gets a zone
CREATE TABLE orders (id bigint PRIMARY KEY, at timestamp);
--- bad
ALTER TABLE orders
    ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'Europe/Berlin';
--!-2
--- good
SET LOCAL timezone = 'UTC';
ALTER TABLE orders ALTER COLUMN at TYPE timestamptz;
--- table-rewrite: numbers that were text
CREATE TABLE orders (id bigint PRIMARY KEY, total text);
--- bad
SELECT 1;
ALTER TABLE orders ALTER COLUMN total TYPE numeric USING total::numeric; --!
--- good
ALTER TABLE orders ADD COLUMN amount numeric;
--- table-rewrite: a random default
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN key uuid DEFAULT gen_random_uuid(); --!
--- good
ALTER TABLE orders ADD COLUMN key uuid;
ALTER TABLE orders ALTER COLUMN key SET DEFAULT gen_random_uuid();
--- table-rewrite: the time of each row
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN seen timestamptz NOT NULL DEFAULT clock_timestamp(); --!
--- good
ALTER TABLE orders ADD COLUMN seen timestamptz NOT NULL DEFAULT now();
--- table-rewrite: serial
CREATE TABLE orders (code text PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN number bigserial; --!
--- good
CREATE SEQUENCE order_number;
ALTER TABLE orders ADD COLUMN number bigint;
ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('order_number');
--- table-rewrite: identity
CREATE TABLE orders (code text PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY; --!
--- good
CREATE SEQUENCE order_number;
ALTER TABLE orders ADD COLUMN number bigint;
ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('order_number');
--- table-rewrite: a stored column
CREATE TABLE orders (id bigint PRIMARY KEY, net int NOT NULL);
--- bad
ALTER TABLE orders ADD COLUMN gross int GENERATED ALWAYS AS (net * 119 / 100) STORED; --!
--- good
ALTER TABLE orders ADD COLUMN gross int;
CREATE FUNCTION fill_gross() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.gross := NEW.net * 119 / 100; RETURN NEW; END $$;
CREATE TRIGGER fill_gross BEFORE INSERT OR UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION fill_gross();
--- table-rewrite: unlogged
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders SET UNLOGGED; --!
--- table-rewrite: logged
CREATE UNLOGGED TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders SET LOGGED; --!
--- table-rewrite: cluster
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
CLUSTER orders USING orders_pkey; --!
--- table-rewrite: vacuum full
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad alone
VACUUM FULL orders; --!
--- good alone
VACUUM orders;
--- table-rewrite: a materialized view
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE MATERIALIZED VIEW sums AS SELECT id, count(*) FROM orders GROUP BY id;
CREATE UNIQUE INDEX ON sums (id);
--- bad
REFRESH MATERIALIZED VIEW sums; --!
--- good
REFRESH MATERIALIZED VIEW CONCURRENTLY sums;
--- table-rewrite: in a block
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE relname = 'orders') THEN
        ALTER TABLE orders ALTER COLUMN total TYPE bigint;
    END IF;
END $$;
--!-5
--- table-rewrite: the parent of partitions
CREATE TABLE orders (id bigint, total int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
--- bad
ALTER TABLE orders ALTER COLUMN total TYPE bigint; --!
--- good
ALTER TABLE orders ADD COLUMN total_big bigint;
--- table-rewrite: a domain with a check
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
--- bad
ALTER TABLE orders ADD COLUMN seats positive DEFAULT 1; --!
--- good
ALTER TABLE orders ADD COLUMN seats int DEFAULT 1;
--- table-rewrite: what this release makes
CREATE TABLE orders (id bigint PRIMARY KEY);
--- good
CREATE TABLE parts (id bigint PRIMARY KEY, total int);
--- good
ALTER TABLE parts ALTER COLUMN total TYPE bigint;
CREATE INDEX parts_total ON parts (total);
UPDATE parts SET total = 1;
ALTER TABLE parts ADD CHECK (total > 0);
ALTER TABLE parts ALTER COLUMN total SET NOT NULL;
ALTER TABLE parts DROP COLUMN total;
--- scan-under-lock: not null
CREATE TABLE orders (id bigint PRIMARY KEY, total int DEFAULT 0);
--- bad
ALTER TABLE orders ALTER COLUMN total SET NOT NULL; --!
--- good
ALTER TABLE orders ADD CONSTRAINT total_there CHECK (total IS NOT NULL) NOT VALID;
--- good
ALTER TABLE orders VALIDATE CONSTRAINT total_there;
--- good
ALTER TABLE orders ALTER COLUMN total SET NOT NULL;
ALTER TABLE orders DROP CONSTRAINT total_there;
--- scan-under-lock: a partition is attached
CREATE TABLE orders (id bigint NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE orders_1 (id bigint NOT NULL PRIMARY KEY);
--- bad
ALTER TABLE orders ATTACH PARTITION orders_1 FOR VALUES FROM (0) TO (10); --!
--- good
ALTER TABLE orders_1 ADD CONSTRAINT bounds CHECK (id >= 0 AND id < 10) NOT VALID;
--- good
ALTER TABLE orders_1 VALIDATE CONSTRAINT bounds;
--- good
ALTER TABLE orders ATTACH PARTITION orders_1 FOR VALUES FROM (0) TO (10);
--- scan-under-lock: a default partition is read
CREATE TABLE orders (id bigint NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
--- bad
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10); --!
--- good
ALTER TABLE orders_rest ADD CONSTRAINT bounds CHECK (NOT (id >= 0 AND id < 10)) NOT VALID;
--- good
ALTER TABLE orders_rest VALIDATE CONSTRAINT bounds;
--- good
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
--- scan-under-lock: a domain gets a rule
CREATE DOMAIN seats AS int;
CREATE TABLE orders (id bigint PRIMARY KEY, seats seats);
--- bad
ALTER DOMAIN seats ADD CHECK (VALUE > 0); --!
--- good
ALTER DOMAIN seats ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
--- scan-under-lock: rows are read for another table
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
ALTER TABLE orders ADD COLUMN seats int;
CREATE TABLE totals AS SELECT 1 AS id, sum(total) FROM orders; --! --! table-without-key
--- good
CREATE TABLE totals (id bigint PRIMARY KEY, total bigint);
INSERT INTO totals SELECT 1, sum(total) FROM orders;
--- scan-under-lock: another table is read meanwhile
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
CREATE TABLE plans (id bigint PRIMARY KEY, name text);
--- bad
ALTER TABLE plans ADD COLUMN seats int;
DO $$ BEGIN PERFORM sum(total) FROM orders; END $$; --!
--- good
DO $$ BEGIN PERFORM sum(total) FROM orders; END $$;
ALTER TABLE plans ADD COLUMN seats int;
--- scan-under-lock: a column of a composite type
CREATE TABLE orders (id bigint PRIMARY KEY);
--- good
ALTER TABLE orders ADD COLUMN seats int NOT NULL DEFAULT 1;
ALTER TABLE orders ALTER COLUMN seats SET STATISTICS 500;
--- index-not-concurrent: an index
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
CREATE INDEX orders_total ON orders (total); --!
--- good alone
CREATE INDEX CONCURRENTLY orders_total ON orders (total);
--- index-not-concurrent: a unique index
CREATE TABLE orders (id bigint PRIMARY KEY, code text);
--- bad

CREATE UNIQUE INDEX IF NOT EXISTS orders_code ON orders (lower(code)); --!
--- good alone
CREATE UNIQUE INDEX CONCURRENTLY orders_code ON orders (lower(code));
--- index-not-concurrent: a unique constraint
CREATE TABLE orders (id bigint PRIMARY KEY, code text);
--- bad
ALTER TABLE orders ADD CONSTRAINT orders_code UNIQUE (code); --!
--- good alone
CREATE UNIQUE INDEX CONCURRENTLY orders_code ON orders (code);
--- good
ALTER TABLE orders ADD CONSTRAINT orders_code UNIQUE USING INDEX orders_code;
--- index-not-concurrent: a primary key
CREATE TABLE orders (id bigint NOT NULL);
--- bad
ALTER TABLE orders ADD PRIMARY KEY (id); --!
--- good alone
CREATE UNIQUE INDEX CONCURRENTLY orders_pkey ON orders (id);
--- good
ALTER TABLE orders ADD PRIMARY KEY USING INDEX orders_pkey;
--- index-not-concurrent: an exclusion
CREATE TABLE orders (id bigint PRIMARY KEY, during tstzrange);
--- bad
ALTER TABLE orders ADD EXCLUDE USING gist (during WITH &&); --!
--- index-not-concurrent: a unique column
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN code text UNIQUE; --!
--- good
ALTER TABLE orders ADD COLUMN code text;
--- good alone
CREATE UNIQUE INDEX CONCURRENTLY orders_code ON orders (code);
--- good
ALTER TABLE orders ADD UNIQUE USING INDEX orders_code;
--- index-not-concurrent: a partial index
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
CREATE INDEX orders_large ON orders (total) WHERE total > 1000; --!
--- index-not-concurrent: gin
CREATE TABLE orders (id bigint PRIMARY KEY, tags text[]);
--- bad
CREATE INDEX orders_tags ON orders USING gin (tags); --!
--- index-not-concurrent: of a materialized view
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE MATERIALIZED VIEW sums AS SELECT id, count(*) FROM orders GROUP BY id;
--- good
CREATE UNIQUE INDEX sums_id ON sums (id);
--- index-not-concurrent: in a block
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
DO $$ BEGIN
    EXECUTE 'CREATE INDEX orders_total ON orders (total)';
END $$;
--!-3
--- index-not-concurrent: an index of partitions
CREATE TABLE orders (id bigint PRIMARY KEY, total int) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
--- bad
CREATE INDEX orders_total ON orders (total); --!
--- good
CREATE INDEX orders_total ON ONLY orders (total);
--- good alone
CREATE INDEX CONCURRENTLY orders_1_total ON orders_1 (total);
--- good
ALTER INDEX orders_total ATTACH PARTITION orders_1_total;
--- index-not-concurrent: of a table that was emptied
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
TRUNCATE orders; --! update-without-where
CREATE INDEX orders_net ON orders (net);
--- index-not-concurrent: built again
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
CREATE INDEX orders_total ON orders (total);
--- bad
REINDEX INDEX orders_total; --!
--- good alone
REINDEX INDEX CONCURRENTLY orders_total;
--- index-not-concurrent: all of a table built again
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
REINDEX TABLE orders; --!
--- good alone
REINDEX TABLE CONCURRENTLY orders;
--- validated-at-once: a check
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0); --!
--- good
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
--- good
ALTER TABLE orders VALIDATE CONSTRAINT total_positive;
--- validated-at-once: a column with a check
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN seats int DEFAULT 1 CHECK (seats > 0); --!
--- good
ALTER TABLE orders ADD COLUMN seats int DEFAULT 1;
ALTER TABLE orders ADD CONSTRAINT seats_positive CHECK (seats > 0) NOT VALID;
--- validated-at-once: a foreign key
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
CREATE INDEX ON orders (user_id);
--- bad
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users; --!
--- good
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users NOT VALID;
--- good
ALTER TABLE orders VALIDATE CONSTRAINT orders_user;
--- validated-at-once: a foreign key without a name
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
CREATE INDEX ON orders (user_id);
--- bad
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE; --!
--- validated-at-once: validated in the same file
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT total_positive; --!
--- validated-at-once: a foreign key in the same file
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
CREATE INDEX ON orders (user_id);
--- bad
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_user; --!
--- validated-at-once: of a new table
CREATE TABLE users (id bigint PRIMARY KEY);
--- good
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
CREATE INDEX orders_user ON orders (user_id);
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users;
--- validated-at-once: a new column that refers
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
--- good
ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users;
--- good alone
CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);
--- validated-at-once: in a block
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
--- bad
DO $$ BEGIN ALTER TABLE orders ADD CHECK (total > 0); END $$; --!
--- several-tables-locked: two columns
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE TABLE plans (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE plans ADD COLUMN note text; --!
--- good
ALTER TABLE orders ADD COLUMN note text;
--- good
ALTER TABLE plans ADD COLUMN note text;
--- several-tables-locked: three, and the second is where it begins
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE TABLE plans (id bigint PRIMARY KEY);
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders SET (fillfactor = 90);
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE plans ADD COLUMN note text; --!
ALTER TABLE users ADD COLUMN note text;
--- several-tables-locked: a table and what refers to it
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE TABLE parts (id bigint PRIMARY KEY, order_id bigint REFERENCES orders);
CREATE INDEX ON parts (order_id);
--- good
ALTER TABLE parts DROP CONSTRAINT parts_order_id_fkey;
--- several-tables-locked: a new one and an old one
CREATE TABLE orders (id bigint PRIMARY KEY);
--- good
CREATE TABLE plans (id bigint PRIMARY KEY);
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE plans ADD COLUMN note text;
--- several-tables-locked: partitions in one statement
CREATE TABLE orders (id bigint, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (10) TO (20);
--- good
ALTER TABLE orders ADD COLUMN note text;
--- rows-under-lock: a column and its backfill
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN gross int;
UPDATE orders SET gross = net WHERE gross IS NULL; --!
--- good
ALTER TABLE orders ADD COLUMN gross int;
--- good
UPDATE orders SET gross = net WHERE gross IS NULL;
--- rows-under-lock: old rows go
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN gross int;
DELETE FROM orders WHERE net < 0; --!
--- rows-under-lock: another table's rows
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE plans (id bigint PRIMARY KEY);
--- bad
ALTER TABLE plans ADD COLUMN seats int;
UPDATE orders SET net = 0 WHERE net < 0; --!
--- rows-under-lock: copied to a new table
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
CREATE TABLE totals (id bigint PRIMARY KEY, net int);
ALTER TABLE orders ADD COLUMN gross int;
INSERT INTO totals SELECT id, net FROM orders; --!
--- good
CREATE TABLE totals (id bigint PRIMARY KEY, net int);
INSERT INTO totals SELECT id, net FROM orders;
--- rows-under-lock: in one block
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
DO $$ BEGIN
    ALTER TABLE orders ADD COLUMN gross int;
    UPDATE orders SET gross = net WHERE gross IS NULL;
END $$;
--!-4
--- rows-under-lock: with a trigger that is off
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders DISABLE TRIGGER USER;
UPDATE orders SET net = 0 WHERE net IS NULL; --!
ALTER TABLE orders ENABLE TRIGGER USER;
--- rows-under-lock: with WITH
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN gross int;
WITH old AS (SELECT id FROM orders) UPDATE orders o SET gross = 0 FROM old WHERE o.id = old.id; --!
--- rows-under-lock: by what is in another table
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE plans (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN gross int;
UPDATE orders SET gross = plans.net FROM plans WHERE plans.id = orders.id; --!
--- good
ALTER TABLE orders ADD COLUMN gross int;
--- good
UPDATE orders SET gross = plans.net FROM plans WHERE plans.id = orders.id;
--- rows-under-lock: by what is in a new table
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
CREATE TABLE plans (id bigint PRIMARY KEY, net int);
ALTER TABLE orders ADD COLUMN gross int;
UPDATE orders SET gross = plans.net FROM plans WHERE plans.id = orders.id; --!
--- rows-under-lock: a row by its key, and new rows
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- good
ALTER TABLE orders ADD COLUMN gross int;
UPDATE orders SET gross = 1 WHERE id = 1;
INSERT INTO orders (id, net, gross) VALUES (1, 2, 3);
--- breaks-older-binary: a column
CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL);
--- bad
ALTER TABLE orders DROP COLUMN note; --!
--- good
ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;
--- breaks-older-binary: a column whose values are kept elsewhere
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
--- bad
ALTER TABLE orders ADD COLUMN remark text;
UPDATE orders SET remark = note WHERE note <> ''; --! rows-under-lock
ALTER TABLE orders DROP COLUMN note; --!
--- breaks-older-binary: another column of the name
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
--- bad
ALTER TABLE orders RENAME COLUMN note TO remark; --!
ALTER TABLE orders ADD COLUMN note text;
--- breaks-older-binary: a column of another type
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders DROP COLUMN net; --!
ALTER TABLE orders ADD COLUMN net numeric;
CREATE VIEW nets AS SELECT net FROM orders;
--- breaks-older-binary: two columns
CREATE TABLE orders (id bigint PRIMARY KEY, note text, mark text);
--- bad
ALTER TABLE orders DROP COLUMN note, --!
    DROP COLUMN mark; --!-1
--- breaks-older-binary: a table
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
DROP TABLE orders; --!
--- breaks-older-binary: a view
CREATE VIEW orders AS SELECT 1 AS id;
--- bad
DROP VIEW orders; --!
--- good
CREATE OR REPLACE VIEW orders AS SELECT 2 AS id, 3 AS net;
--- breaks-older-binary: a view that is made again
CREATE VIEW orders AS SELECT 1 AS id;
--- good
DROP VIEW orders;
CREATE VIEW orders AS SELECT 'x' AS id;
--- breaks-older-binary: a view that is made again without a column
CREATE VIEW orders AS SELECT 1 AS id, 2 AS net;
--- bad
DROP VIEW orders; --!
CREATE VIEW orders AS SELECT 1 AS id;
--- good
DROP VIEW orders;
CREATE VIEW orders AS SELECT 2 AS net, 1 AS id, 3 AS vat;
--- breaks-older-binary: a view that is made again in a block
CREATE VIEW orders AS SELECT 1 AS id, 2 AS net;
--- bad
DO $$ BEGIN
    DROP VIEW orders;
    CREATE VIEW orders AS SELECT 1 AS id;
END $$;
--!-4
--- good
DO $$ BEGIN
    DROP VIEW orders;
    CREATE VIEW orders AS SELECT 2 AS net, 1 AS id;
END $$;
--- breaks-older-binary: a table in the place of a view
CREATE VIEW orders AS SELECT 1 AS id;
--- good
DROP VIEW orders;
CREATE TABLE orders (id bigint PRIMARY KEY);
--- breaks-older-binary: a function
CREATE FUNCTION price(net int) RETURNS int LANGUAGE sql AS 'SELECT net * 2';
--- bad
DROP FUNCTION price(int); --!
--- good
CREATE OR REPLACE FUNCTION price(net int) RETURNS int LANGUAGE sql AS 'SELECT net * 3';
--- breaks-older-binary: a function that is made again
CREATE FUNCTION price(net int) RETURNS int LANGUAGE sql AS 'SELECT net * 2';
--- good
DROP FUNCTION price(int);
CREATE FUNCTION price(net int) RETURNS bigint LANGUAGE sql AS 'SELECT net * 2::bigint';
--- breaks-older-binary: a function of other arguments
CREATE FUNCTION price(net int) RETURNS int LANGUAGE sql AS 'SELECT net * 2';
--- bad
DROP FUNCTION price(int); --!
CREATE FUNCTION price(net text) RETURNS int LANGUAGE sql AS 'SELECT 2';
--- breaks-older-binary: a renamed function
CREATE FUNCTION price(net int) RETURNS int LANGUAGE sql AS 'SELECT net * 2';
--- bad
ALTER FUNCTION price(int) RENAME TO old_price; --!
CREATE FUNCTION price(net text) RETURNS int LANGUAGE sql AS 'SELECT 2';
--- good
ALTER FUNCTION price(int) RENAME TO old_price;
CREATE FUNCTION price(net int) RETURNS int LANGUAGE sql AS 'SELECT old_price(net)';
--- breaks-older-binary: a trigger's function is nobody's
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
--- good
DROP FUNCTION touch();
--- breaks-older-binary: a type
CREATE TYPE mood AS ENUM ('good', 'bad');
--- bad
DROP TYPE mood; --!
--- good
ALTER TYPE mood ADD VALUE 'fair';
--- breaks-older-binary: a value is renamed
CREATE TYPE mood AS ENUM ('good', 'bad');
--- bad
ALTER TYPE mood RENAME VALUE 'bad' TO 'poor'; --!
--- breaks-older-binary: a type is made again
CREATE TYPE mood AS ENUM ('good', 'bad');
--- good
ALTER TYPE mood RENAME TO mood_old;
CREATE TYPE mood AS ENUM ('good', 'bad', 'fair');
DROP TYPE mood_old;
--- breaks-older-binary: a type is made again without a value
CREATE TYPE mood AS ENUM ('good', 'bad');
--- bad
ALTER TYPE mood RENAME TO mood_old; --!
CREATE TYPE mood AS ENUM ('good', 'fair');
DROP TYPE mood_old;
--- breaks-older-binary: a renamed column
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders RENAME COLUMN net TO net_cents; --!
--- good
ALTER TABLE orders ADD COLUMN net_cents int;
CREATE FUNCTION same_net() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' OR NEW.net IS DISTINCT FROM OLD.net THEN
        NEW.net_cents := coalesce(NEW.net, NEW.net_cents);
    END IF;
    NEW.net := NEW.net_cents;
    RETURN NEW;
END $$;
CREATE TRIGGER same_net BEFORE INSERT OR UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION same_net();
--- breaks-older-binary: a renamed table
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders RENAME TO purchases; --!
--- good
ALTER TABLE orders RENAME TO purchases;
CREATE VIEW orders AS SELECT * FROM purchases;
--- breaks-older-binary: a renamed table behind a view
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders RENAME TO purchases; --!
CREATE VIEW orders AS SELECT id FROM purchases;
--- good
ALTER TABLE orders RENAME COLUMN net TO amount;
ALTER TABLE orders RENAME TO purchases;
CREATE VIEW orders AS SELECT id, amount AS net FROM purchases;
--- good
ALTER TABLE purchases RENAME TO sales;
ALTER TABLE sales RENAME COLUMN amount TO cents;
CREATE VIEW purchases AS SELECT id, cents AS amount FROM sales;
--- breaks-older-binary: a renamed type
CREATE TYPE mood AS ENUM ('good', 'bad');
--- bad
ALTER TYPE mood RENAME TO feeling; --!
--- breaks-older-binary: another schema
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
CREATE SCHEMA other_{case};
ALTER TABLE orders SET SCHEMA other_{case}; --!
--- breaks-older-binary: not null
CREATE TABLE orders (id bigint PRIMARY KEY, net int, CONSTRAINT net_there CHECK (net IS NOT NULL));
--- bad
ALTER TABLE orders ALTER COLUMN net SET NOT NULL; --!
--- good
ALTER TABLE orders ALTER COLUMN net SET DEFAULT 0;
--- good
ALTER TABLE orders ALTER COLUMN net SET NOT NULL;
--- breaks-older-binary: a column that must have a value
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN net int NOT NULL; --!
--- good
ALTER TABLE orders ADD COLUMN net int NOT NULL DEFAULT 0;
--- breaks-older-binary: the table is made anew
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
DROP TABLE orders; --!
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- breaks-older-binary: a whole schema
CREATE SCHEMA gone_{case};
CREATE TABLE gone_{case}.orders (id bigint PRIMARY KEY);
--- bad
DROP SCHEMA gone_{case} CASCADE; --!
--- breaks-older-binary: a schema is renamed
CREATE SCHEMA old_{case};
CREATE TABLE old_{case}.orders (id bigint PRIMARY KEY);
--- bad
SELECT 1;
ALTER SCHEMA old_{case} RENAME TO new_{case}; --!
CREATE SCHEMA old_{case};
--- good
CREATE SCHEMA newest_{case};
ALTER SCHEMA newest_{case} RENAME TO latest_{case};
--- breaks-older-binary: a view is made again without a column, statement by statement
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE VIEW sold AS SELECT * FROM orders;
CREATE VIEW bought AS SELECT * FROM orders;
--- bad alone
DROP VIEW sold; --!
CREATE VIEW sold AS SELECT id FROM orders;
--- bad alone
ALTER VIEW bought RENAME TO got; --!
CREATE VIEW bought AS SELECT id FROM orders;
--- good alone
DROP VIEW sold;
CREATE VIEW sold AS SELECT id, 0 AS more, net FROM orders;
--- breaks-older-binary: what no program names
CREATE TABLE orders (id bigint PRIMARY KEY, net int CHECK (net > 0));
CREATE INDEX orders_net ON orders (net);
--- good
ALTER TABLE orders DROP CONSTRAINT orders_net_check;
--- good alone
DROP INDEX CONCURRENTLY orders_net;
--- foreign-key-without-index: in a new table
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users); --!
--- good
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
CREATE INDEX orders_user ON orders (user_id);
--- foreign-key-without-index: in a new column
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
SELECT 1;
ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users; --!
--- good
ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users;
--- good alone
CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);
--- foreign-key-without-index: two columns in the wrong order
CREATE TABLE users (id bigint, team bigint, PRIMARY KEY (id, team));
--- bad
CREATE TABLE orders (id bigint, user_id bigint, team bigint, --!
    PRIMARY KEY (id, user_id, team),
    FOREIGN KEY (user_id, team) REFERENCES users);
--- good
CREATE TABLE orders (id bigint, user_id bigint, team bigint,
    PRIMARY KEY (user_id, team, id),
    FOREIGN KEY (user_id, team) REFERENCES users);
--- foreign-key-without-index: its index is dropped
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, note text, "by, whom" bigint REFERENCES users,
    seller bigint REFERENCES users);
CREATE INDEX orders_by ON orders ("by, whom", id);
CREATE INDEX orders_note ON orders (note);
--- bad
SELECT 1;
DROP INDEX orders_by; --!
--- good
DROP INDEX orders_note;
--- good alone
CREATE INDEX CONCURRENTLY orders_whom ON orders ("by, whom");
--- good
DROP INDEX orders_by;
--- foreign-key-without-index: its index goes with a column
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, note text, user_id bigint REFERENCES users);
CREATE INDEX orders_user ON orders (user_id, note);
--- bad
ALTER TABLE orders DROP COLUMN note; --! --! breaks-older-binary
--- foreign-key-type: int to bigint
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, user_id int REFERENCES users); --!
CREATE INDEX orders_user ON orders (user_id);
--- good
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
CREATE INDEX orders_user ON orders (user_id);
--- duplicate-index: twice the same
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
CREATE TABLE parts (id bigint PRIMARY KEY, net int);
CREATE INDEX parts_net ON parts (net);
CREATE INDEX parts_net_again ON parts (net); --!
--- good
CREATE TABLE parts (id bigint PRIMARY KEY, net int);
CREATE INDEX parts_net ON parts (net);
CREATE INDEX parts_net_down ON parts (net DESC NULLS LAST);
--- duplicate-index: the primary key again
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad alone
CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id); --!
--- good alone
CREATE INDEX CONCURRENTLY orders_id_net ON orders (id, net);
--- invalid-index: of partitions, not attached
CREATE TABLE orders (id bigint PRIMARY KEY, net int) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
--- bad
CREATE INDEX orders_net ON ONLY orders (net); --!
--- good
CREATE INDEX orders_net ON ONLY orders (net);
--- good alone
CREATE INDEX CONCURRENTLY orders_1_net ON orders_1 (net);
--- good
ALTER INDEX orders_net ATTACH PARTITION orders_1_net;
--- table-without-key: a new table
SELECT 1;
--- bad
CREATE TABLE log (at timestamptz, line text); --!
--- good
CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, line text);
--- table-without-key: the key is dropped
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders DROP CONSTRAINT orders_pkey; --!
--- update-without-where: update
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
UPDATE orders SET net = 0; --!
--- good
UPDATE orders SET net = 0 WHERE net IS NULL;
--- update-without-where: delete
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
DELETE FROM orders; --!
--- good
DELETE FROM orders WHERE net < 0;
--- update-without-where: where in another query
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
UPDATE orders SET net = (SELECT max(id) FROM orders WHERE id < 5); --!
--- update-without-where: within WITH
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE old (id bigint PRIMARY KEY, net int);
--- bad
WITH gone AS (DELETE FROM orders RETURNING *) INSERT INTO old SELECT * FROM gone WHERE id > 0; --!
--- good
WITH gone AS (DELETE FROM orders WHERE id > 0 RETURNING *) INSERT INTO old SELECT * FROM gone;
--- update-without-where: in a block
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
DO $$ BEGIN
    UPDATE orders SET net = 0;
END $$;
--!-3
--- good
DO $$ BEGIN
    UPDATE orders SET net = 0 WHERE id BETWEEN 1 AND 1000;
END $$;
--- update-without-where: in a block whose tag is not ASCII
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
DO /* $t$ */ $größe_1$ BEGIN UPDATE orders SET net = 0; END $größe_1$; --!
--- update-without-where: truncate
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
TRUNCATE orders; --!
--- update-without-where: what does not run, and new tables
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- good
CREATE FUNCTION clear() RETURNS void LANGUAGE sql AS 'UPDATE orders SET net = 0';
CREATE TABLE parts (id bigint PRIMARY KEY, net int);
INSERT INTO parts SELECT id, net FROM orders ON CONFLICT (id) DO UPDATE SET net = 0;
UPDATE parts SET net = 0;
DELETE FROM parts;
--- lock-table: at the beginning
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; --!
ALTER TABLE orders ADD COLUMN note text;
--- good
ALTER TABLE orders ADD COLUMN note text;
--- password-in-clear: create role
SELECT 1;
--- bad
CREATE ROLE app_{case} LOGIN PASSWORD 'secret'; --!
--- good
CREATE ROLE good_{case} LOGIN;
--- password-in-clear: alter user
CREATE ROLE app_{case};
--- bad
ALTER USER app_{case} WITH ENCRYPTED PASSWORD $$secret$$; --!
--- good
ALTER USER app_{case} PASSWORD NULL;
--- password-in-clear: in a connection
CREATE FUNCTION dblink_connect(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
--- bad
SELECT dblink_connect('host=db user=app password=secret'); --!
--- good
SELECT dblink_connect('service=app');
--- security-definer: without a path
SELECT 1;
--- bad
CREATE FUNCTION safe() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; --!
--- good
CREATE FUNCTION safe() RETURNS int LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
--- security-definer: afterwards
CREATE FUNCTION safe() RETURNS int LANGUAGE sql AS 'SELECT 1';
--- bad
ALTER FUNCTION safe() SECURITY DEFINER; --!
--- good
ALTER FUNCTION safe() SECURITY DEFINER;
ALTER FUNCTION safe() SET search_path = pg_catalog, pg_temp;
--- grant-to-public: a table
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE ROLE reader_{case};
--- bad
GRANT SELECT ON orders TO PUBLIC; --!
--- good
GRANT SELECT ON orders TO reader_{case};
REVOKE ALL ON orders FROM PUBLIC;
--- grant-to-public: what will be there
CREATE ROLE reader_{case};
--- bad
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; --!
--- good
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader_{case};

--- table-rewrite: one character less
CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(256));
--- bad
ALTER TABLE orders ALTER COLUMN code TYPE varchar(255); --!
--- good
ALTER TABLE orders ALTER COLUMN code TYPE varchar(1024);
--- table-rewrite: char to varchar
CREATE TABLE orders (id bigint PRIMARY KEY, code char(36));
--- bad
ALTER TABLE orders ALTER COLUMN code TYPE varchar(255); --!
--- table-rewrite: an enum is changed for another
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE orders (id bigint PRIMARY KEY, mood mood NOT NULL);
--- bad
CREATE TYPE mood_new AS ENUM ('good', 'fair');
ALTER TABLE orders ALTER COLUMN mood TYPE mood_new USING (mood::text::mood_new); --!
DROP TYPE mood; --! breaks-older-binary
ALTER TYPE mood_new RENAME TO mood;
--- table-rewrite: text to jsonb
CREATE TABLE orders (id bigint PRIMARY KEY, data varchar(6000));
--- bad
ALTER TABLE orders ALTER COLUMN data SET DATA TYPE jsonb USING data::jsonb; --!
--- table-rewrite: two columns, one after the other
CREATE TABLE orders (id bigint PRIMARY KEY, net int, gross int);
--- bad
ALTER TABLE orders ALTER COLUMN net TYPE bigint; --!
ALTER TABLE orders ALTER COLUMN gross TYPE bigint; --!
--- table-rewrite: what only changes the catalog
CREATE TABLE orders (id bigint PRIMARY KEY);
--- good
ALTER TABLE orders ADD COLUMN made timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, ADD COLUMN data jsonb;
COMMENT ON COLUMN orders.data IS 'anything';
--- scan-under-lock: filled and required in one file
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN gross int DEFAULT 0;
UPDATE orders SET gross = net WHERE net > 0; --! rows-under-lock
ALTER TABLE orders ALTER COLUMN gross SET NOT NULL; --!
--- scan-under-lock: a materialized view is made meanwhile
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN note text;
CREATE MATERIALIZED VIEW sums AS SELECT sum(net) FROM orders; --!
--- index-not-concurrent: under the lock of an earlier statement
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE INDEX orders_net ON orders (net);
--- bad
DROP INDEX orders_net;
CREATE INDEX orders_net ON orders (net DESC, id); --!
--- index-not-concurrent: of several tables
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE plans (id bigint PRIMARY KEY, net int);
--- bad
CREATE INDEX orders_net ON orders (net); --!
CREATE INDEX plans_net ON plans (net); --!
CREATE TABLE parts (id bigint PRIMARY KEY, net int);
CREATE INDEX parts_net ON parts (net);
--- index-not-concurrent: of a column that is new and empty
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN code text;
CREATE INDEX IF NOT EXISTS orders_code ON orders (code) WHERE code IS NOT NULL; --!
--- index-not-concurrent: two keys of one table
CREATE TABLE orders (run text, phase text);
--- bad
ALTER TABLE orders ADD COLUMN id text DEFAULT 'x';
ALTER TABLE orders ADD PRIMARY KEY (id); --!
ALTER TABLE orders ADD UNIQUE (run, phase); --!
--- index-not-concurrent: built again after all rows were changed
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders DISABLE TRIGGER ALL;
UPDATE orders SET net = 0 WHERE net < 0; --! rows-under-lock
ALTER TABLE orders ENABLE TRIGGER ALL;
REINDEX TABLE orders; --!
--- index-not-concurrent: a table that can only be empty
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE TABLE plans (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN plan_id bigint NOT NULL, ADD CONSTRAINT orders_plan FOREIGN KEY (plan_id) REFERENCES plans; --! breaks-older-binary
CREATE INDEX orders_plan ON orders (plan_id);
ALTER TABLE orders ADD CHECK (plan_id > 0);
--- good alone
SET lock_timeout = 0;
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_id ON orders (id) WHERE id > 0;
SET lock_timeout = '5s';
--- validated-at-once: in a block, with ON UPDATE
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
CREATE INDEX ON orders (user_id);
--- bad
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'orders_user_{case}') THEN
        ALTER TABLE orders ADD CONSTRAINT orders_user_{case} FOREIGN KEY (user_id)
            REFERENCES users (id) ON DELETE CASCADE ON UPDATE NO ACTION;
    END IF;
END $$;
--!-6
--- validated-at-once: changed for another one in one statement
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user REFERENCES users);
CREATE INDEX ON orders (user_id);
--- bad
ALTER TABLE orders DROP CONSTRAINT orders_user, ADD CONSTRAINT orders_users FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE; --!
--- validated-at-once: a new column, and its foreign key as a constraint
CREATE TABLE kinds (kind text PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN kind text, ADD CONSTRAINT orders_kind FOREIGN KEY (kind) REFERENCES kinds; --!
CREATE INDEX orders_kind ON orders (kind); --! index-not-concurrent
--- validated-at-once: a new column with a value that refers
CREATE TABLE kinds (kind int PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
INSERT INTO kinds VALUES (0);
ALTER TABLE orders ADD COLUMN kind int NOT NULL DEFAULT 0 REFERENCES kinds; --! --! foreign-key-without-index
--- validated-at-once: the same in two tables
CREATE TABLE kinds (kind text PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE TABLE plans (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN kind text, ADD CONSTRAINT orders_kind FOREIGN KEY (kind) REFERENCES kinds NOT VALID;
CREATE INDEX orders_kind ON orders (kind); --! index-not-concurrent
ALTER TABLE orders VALIDATE CONSTRAINT orders_kind; --!
ALTER TABLE plans ADD COLUMN kind text, ADD CONSTRAINT plans_kind FOREIGN KEY (kind) REFERENCES kinds NOT VALID; --! several-tables-locked
CREATE INDEX plans_kind ON plans (kind); --! index-not-concurrent
ALTER TABLE plans VALIDATE CONSTRAINT plans_kind; --!
--- rows-under-lock: by an index that is not unique
CREATE TABLE orders (id bigint PRIMARY KEY, kind text, note text);
CREATE INDEX orders_kind ON orders (kind);
--- bad
ALTER TABLE orders ALTER COLUMN note TYPE varchar;
DELETE FROM orders WHERE kind = 'old' AND note IS NULL; --!
UPDATE orders SET kind = 'goal' WHERE kind = 'goals'; --!
--- good
UPDATE orders SET kind = 'goal' WHERE kind = 'goals';
--- rows-under-lock: one row, by its key
CREATE TABLE orders (id bigint PRIMARY KEY, code text NOT NULL UNIQUE, note text, kind text);
--- good
ALTER TABLE orders ADD COLUMN seats int;
UPDATE orders SET seats = 2 WHERE code = 'a' AND note IS NULL;
UPDATE orders o SET seats = 3 WHERE o.id IN (1, 2);
DELETE FROM orders WHERE id = 7;
--- bad
ALTER TABLE orders ADD COLUMN seats int;
UPDATE orders SET seats = 2 WHERE code = 'a' OR kind = 'b'; --!
--- rows-under-lock: a catalog, by the name of the table
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- good
ALTER TABLE orders DISABLE TRIGGER ALL;
UPDATE pg_attribute SET attstattarget = attstattarget WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = 'orders' AND relnamespace = 0);
ALTER TABLE orders ENABLE TRIGGER ALL;
--- rows-under-lock: by what is in another table
CREATE TABLE users (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, name text);
--- bad
ALTER TABLE orders ALTER COLUMN name SET DEFAULT '';
WITH named AS (SELECT id, name FROM users WHERE name <> '')
UPDATE orders o SET name = n.name FROM named n WHERE o.user_id = n.id;
--!-2
DELETE FROM orders a USING orders b WHERE a.user_id = b.user_id AND a.id > b.id; --!
--- rows-under-lock: while writers of the other table wait
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
CREATE TABLE copies (id bigint PRIMARY KEY REFERENCES orders, net int);
INSERT INTO copies SELECT id, net FROM orders; --!
--- good
CREATE TABLE copies (id bigint PRIMARY KEY, net int);
INSERT INTO copies SELECT id, net FROM orders;
--- rows-under-lock: those that have none
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user REFERENCES users);
CREATE INDEX ON orders (user_id);
--- bad
ALTER TABLE orders DROP CONSTRAINT orders_user;
UPDATE orders SET user_id = 0 WHERE user_id IS NULL; --!
--- rows-under-lock: in batches, each in a transaction
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- good alone
ALTER TABLE orders ADD COLUMN gross int;
CREATE PROCEDURE fill_{case}() LANGUAGE plpgsql AS $$ BEGIN
    LOOP
        UPDATE orders SET gross = net WHERE id IN (SELECT id FROM orders WHERE gross IS NULL LIMIT 500);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END $$;
DROP PROCEDURE fill_{case}();
--- several-tables-locked: indexes are dropped
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE plans (id bigint PRIMARY KEY, net int);
CREATE INDEX orders_net ON orders (net);
CREATE INDEX plans_net ON plans (net);
--- bad
DROP INDEX orders_net;
DROP INDEX plans_net; --!
--- several-tables-locked: triggers are dropped
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE plans (id bigint PRIMARY KEY, net int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION touch();
--- bad
DROP TRIGGER touch ON orders;
DROP TRIGGER touch ON plans; --!
DROP FUNCTION touch();
--- good
DROP TRIGGER touch ON orders;
--- several-tables-locked: a table that refers to another is dropped
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
CREATE TABLE plans (id bigint PRIMARY KEY);
CREATE INDEX ON orders (user_id);
--- bad
ALTER TABLE plans ADD COLUMN note text;
DROP TABLE orders; --! --! breaks-older-binary
--- several-tables-locked: a foreign key locks both
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE teams (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT o_u REFERENCES users, team_id bigint CONSTRAINT o_t REFERENCES teams);
CREATE INDEX ON orders (user_id);
CREATE INDEX ON orders (team_id);
--- bad
ALTER TABLE orders DROP CONSTRAINT o_u;
ALTER TABLE orders DROP CONSTRAINT o_t; --!
--- several-tables-locked: columns of one table
CREATE TABLE orders (id bigint PRIMARY KEY);
--- good
ALTER TABLE orders ADD COLUMN a boolean NOT NULL DEFAULT false;
ALTER TABLE orders ADD COLUMN b boolean NOT NULL DEFAULT false;
CREATE TABLE parts (id bigint PRIMARY KEY);
--- breaks-older-binary: a new column, filled and then required
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
ALTER TABLE orders ADD COLUMN gross int;
UPDATE orders SET gross = net WHERE net > 0; --! rows-under-lock
ALTER TABLE orders ALTER COLUMN gross SET NOT NULL; --! --! scan-under-lock
--- good
ALTER TABLE orders ADD COLUMN gross int DEFAULT 0;
--- breaks-older-binary: a new column becomes the key
CREATE TABLE orders (name text);
--- bad
ALTER TABLE orders ADD COLUMN id text;
ALTER TABLE orders ADD PRIMARY KEY (id); --! --! index-not-concurrent
--- breaks-older-binary: its default is taken away
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders ADD COLUMN net int NOT NULL DEFAULT 0; --!
ALTER TABLE orders ALTER COLUMN net DROP DEFAULT;
--- good
ALTER TABLE orders ADD COLUMN net int DEFAULT 0;
ALTER TABLE orders ALTER COLUMN net DROP DEFAULT;
--- breaks-older-binary: the column moves to a new table
CREATE TABLE orders (id bigint PRIMARY KEY, street text, town text);
--- bad
CREATE TABLE addresses (id bigint PRIMARY KEY, street text, town text);
ALTER TABLE orders DROP COLUMN street, DROP COLUMN town; --! --!
--- breaks-older-binary: a type of the name of a new column
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE feeling AS ENUM ('good', 'bad');
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, mood text);
DROP TYPE mood; --!
--- good
CREATE TYPE "Mood" AS ENUM ('good');
CREATE OR REPLACE FUNCTION mood() RETURNS text LANGUAGE sql AS 'SELECT ''good''';
--- breaks-older-binary: a column of the same name, of another type
CREATE TABLE orders (id bigint PRIMARY KEY, code int NOT NULL);
--- bad
ALTER TABLE orders DROP COLUMN code;
ALTER TABLE orders ADD COLUMN code text; --!-1
--- breaks-older-binary: a view is made anew, and a trigger's function
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE VIEW order_list AS SELECT * FROM orders;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
--- good
ALTER TABLE orders ADD COLUMN deleted boolean NOT NULL DEFAULT false;
DROP TRIGGER IF EXISTS touch ON orders;
DROP FUNCTION IF EXISTS touch();
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
DROP VIEW order_list;
CREATE VIEW order_list AS SELECT * FROM orders WHERE NOT deleted;
--- breaks-older-binary: another table takes its name
CREATE TABLE orders (id bigint PRIMARY KEY, name text);
--- bad
CREATE TABLE new_orders (id bigint PRIMARY KEY, user_id bigint);
ALTER TABLE orders RENAME TO orders_old;
ALTER TABLE new_orders RENAME TO orders; --!-1
--- breaks-older-binary: a table and its column are renamed
CREATE TABLE agents (id bigint PRIMARY KEY, name text);
--- bad
ALTER TABLE agents RENAME TO runners; --!
ALTER TABLE runners RENAME COLUMN name TO title; --!
--- foreign-key-without-index: an index of all that are not null
CREATE TABLE users (id bigint PRIMARY KEY);
--- good
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
CREATE INDEX orders_user ON orders (user_id) WHERE user_id IS NOT NULL;
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, gone timestamptz, user_id bigint REFERENCES users); --!
CREATE INDEX orders_user ON orders (user_id) WHERE gone IS NULL;
--- foreign-key-without-index: the column is the second one
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, app text NOT NULL, user_id bigint NOT NULL REFERENCES users); --!
CREATE UNIQUE INDEX orders_app ON orders (app, user_id);
--- good
CREATE TABLE orders (user_id bigint REFERENCES users, app text, PRIMARY KEY (user_id, app));
--- foreign-key-without-index: dropped and made again
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user REFERENCES users);
CREATE INDEX orders_user ON orders (user_id);
--- bad
DROP INDEX orders_user;
ALTER TABLE orders DROP CONSTRAINT orders_user; --! several-tables-locked
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) --! validated-at-once
    REFERENCES users ON DELETE SET NULL;
--!-2
--- foreign-key-without-index: made in a block
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
DO $$ BEGIN
    ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users;
END $$;
--!-3
--- foreign-key-type: text and number
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, user_id smallint);
CREATE INDEX orders_user ON orders (user_id);
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users; --!
--- duplicate-index: the primary key again, unique
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, app text);
CREATE UNIQUE INDEX orders_id ON orders (id); --!
CREATE INDEX orders_app_id ON orders (app, id);
--- duplicate-index: a unique one after a plain one
CREATE TABLE users (id bigint PRIMARY KEY);
--- bad
CREATE TABLE orders (id bigint PRIMARY KEY, app text, kind text);
CREATE INDEX orders_app ON orders (app, kind);
CREATE UNIQUE INDEX orders_app_unique ON orders (app, kind); --!
--- good
CREATE TABLE orders (id bigint PRIMARY KEY, app text, kind text);
CREATE INDEX orders_app ON orders (app);
CREATE UNIQUE INDEX orders_app_unique ON orders (app, kind);
CREATE INDEX orders_app_pattern ON orders (app text_pattern_ops);
CREATE INDEX orders_app_some ON orders (app) WHERE kind IS NULL;
--- duplicate-index: without a name, and with a comment
SELECT 1;
--- bad
CREATE TABLE orders (a int, b int, PRIMARY KEY (a, b));
CREATE UNIQUE INDEX ON orders (a, b); --!
COMMENT ON INDEX orders_a_b_idx IS 'again';
--- duplicate-index: named twice in one table
SELECT 1;
--- good
CREATE TABLE settings (name text NOT NULL CONSTRAINT settings_unique UNIQUE, PRIMARY KEY (name));
--- duplicate-index: dropped again
SELECT 1;
--- good
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE UNIQUE INDEX orders_id ON orders (id);
--- good
DROP INDEX orders_id;
--- table-without-key: a unique index will do
SELECT 1;
--- bad
CREATE TABLE members (team_id bigint NOT NULL, name text NOT NULL); --!
CREATE INDEX members_team ON members (team_id);
--- good
CREATE TABLE members (team_id bigint NOT NULL, name text NOT NULL);
CREATE UNIQUE INDEX members_unique ON members (team_id, name);
--- update-without-where: then a column that must have a value
CREATE TABLE orders (id bigint PRIMARY KEY);
--- bad
DELETE FROM orders; --!
ALTER TABLE orders ADD COLUMN token bytea NOT NULL; --! breaks-older-binary
--- update-without-where: the value of another column
CREATE TABLE orders (id bigint PRIMARY KEY, tag text, kind text);
--- bad
UPDATE orders SET kind = CASE WHEN tag = 'a' THEN 'b' ELSE replace(tag, 'c', 'd') END; --!
--- good
UPDATE orders SET kind = p.tag FROM (SELECT id, tag FROM orders WHERE tag <> '') AS p WHERE p.id = orders.id;
--- update-without-where: counted in another table
CREATE TABLE sites (id bigint PRIMARY KEY, users bigint);
CREATE TABLE users (id bigint PRIMARY KEY, gone boolean);
--- bad
UPDATE sites SET users = (SELECT count(*) FROM users WHERE NOT gone); --!
--- rows-under-lock: a locked table is read for a new one
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
--- bad
CREATE TABLE copies (id bigint PRIMARY KEY, net int);
ALTER TABLE orders ADD COLUMN note text;
UPDATE copies AS c SET net = o.net FROM orders AS o WHERE o.id = c.id; --!
--- index-not-concurrent: of a table that has got another name
CREATE TABLE orders (id bigint PRIMARY KEY, net int);
CREATE TABLE plans (id bigint PRIMARY KEY);
--- bad
ALTER TABLE orders RENAME TO purchases; --! breaks-older-binary
CREATE INDEX purchases_net ON purchases (net); --!
UPDATE purchases SET net = 0 WHERE net < 0; --! rows-under-lock

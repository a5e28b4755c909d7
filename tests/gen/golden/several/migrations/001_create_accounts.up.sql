-- Who pays.
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL DEFAULT 'a "new"?? \account'
);

CREATE FUNCTION account_name(bigint) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT name FROM accounts WHERE id = $1;
END;

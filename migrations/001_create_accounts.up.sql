-- An account is a customer: everything else belongs to one.
CREATE TABLE accounts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug       text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{1,40}$'),
    title      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

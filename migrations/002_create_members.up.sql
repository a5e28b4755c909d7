CREATE TYPE member_role AS ENUM ('owner', 'agent', 'reader');

CREATE TABLE members (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email      text NOT NULL,
    role       member_role NOT NULL DEFAULT 'reader',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, email)
);

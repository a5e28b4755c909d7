CREATE TYPE ticket_state AS ENUM ('open', 'closed');

CREATE TABLE tickets (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    author_id   bigint NOT NULL REFERENCES members (id),
    assignee_id bigint REFERENCES members (id),
    subject     text NOT NULL,
    body        text NOT NULL DEFAULT '',
    state       ticket_state NOT NULL DEFAULT 'open',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

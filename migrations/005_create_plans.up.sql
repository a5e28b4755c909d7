CREATE TABLE plans (
    code        text PRIMARY KEY,
    title       text NOT NULL,
    seats       integer NOT NULL,
    price_cents bigint NOT NULL
);

INSERT INTO plans (code, title, seats, price_cents) VALUES
    ('free', 'Free', 2, 0),
    ('team', 'Team; up to ten people', 10, 4900),
    ('company', 'Company', 200, 49000);

CREATE TABLE subscriptions (
    account_id bigint PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    plan_code  text NOT NULL REFERENCES plans (code),
    started_at timestamptz NOT NULL DEFAULT now(),
    ends_at    timestamptz
);

-- An enum cannot shrink: the type is made anew without the value. What waits is open again.
DROP INDEX tickets_open_idx;
ALTER TABLE tickets ALTER COLUMN state DROP DEFAULT;
ALTER TYPE ticket_state RENAME TO ticket_state_old;

CREATE TYPE ticket_state AS ENUM ('open', 'closed');
ALTER TABLE tickets ALTER COLUMN state TYPE ticket_state
    USING (CASE state WHEN 'waiting' THEN 'open' ELSE state::text END)::ticket_state;

ALTER TABLE tickets ALTER COLUMN state SET DEFAULT 'open';
CREATE INDEX tickets_open_idx ON tickets (account_id, created_at DESC) WHERE state = 'open';
DROP TYPE ticket_state_old;

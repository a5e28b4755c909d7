-- The list that every agent looks at all day: the newest open tickets of an account.
CREATE INDEX tickets_open_idx ON tickets (account_id, created_at DESC) WHERE state = 'open';

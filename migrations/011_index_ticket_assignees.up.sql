-- inlay: no-transaction
-- Built beside running writes: on a large table a plain CREATE INDEX would stop them for minutes.
CREATE INDEX CONCURRENTLY tickets_assignee_idx ON tickets (assignee_id, state);

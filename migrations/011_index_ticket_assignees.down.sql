-- inlay: no-transaction
DROP INDEX CONCURRENTLY tickets_assignee_idx;

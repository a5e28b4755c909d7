-- A new value cannot be used in the transaction that adds it: whatever uses it comes later.
ALTER TYPE ticket_state ADD VALUE 'waiting' BEFORE 'closed';

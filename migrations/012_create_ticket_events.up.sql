-- What happened to a ticket, for people who ask why.
CREATE TABLE ticket_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id  bigint NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    member_id  bigint REFERENCES members (id) ON DELETE SET NULL,
    happened   text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ticket_events_ticket_idx ON ticket_events (ticket_id, at);

INSERT INTO ticket_events (ticket_id, member_id, happened, at)
SELECT id, author_id, 'opened', created_at FROM tickets;

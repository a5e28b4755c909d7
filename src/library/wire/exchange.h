/* One conversation with the server in pipeline mode: messages out, their results in. */
#ifndef INLAY_EXCHANGE_H
#define INLAY_EXCHANGE_H

#include "wire/wire.h"

struct message {
    const char *sql; /* where `prepared`: the name of the prepared statement */
    bool prepared;
    size_t length; /* of sql, where it is not NUL-terminated; 0: it is */
    int parameter_count;
    const char *const *parameters; /* in text form */
    bool sync;                     /* a Sync follows */
    bool joined;                   /* of a few questions: this one goes without */
    bool flush;                    /* the server shall answer up to here without a Sync */
};

enum exchange_next {
    EXCHANGE_SEND, /* `message` is filled */
    EXCHANGE_WAIT, /* nothing to send before more is answered */
    EXCHANGE_END   /* nothing to send any more; what is open gets its Sync */
};

/* One conversation: a source of messages and a reader of their results, in the same order. */
struct exchange {
    enum exchange_next (*next)(struct exchange *exchange, struct message *message);
    /* Takes each result of the oldest open message, and clears it. */
    void (*result)(struct exchange *exchange, PGresult *result);
    void (*answered)(struct exchange *exchange); /* the oldest open message has no more results */
    int64_t cancel_at;  /* from then on the server is asked to stop what runs; 0: never */
    int64_t give_up_at; /* a server that is silent until then counts as lost; 0: never */
    bool overdue;       /* it was asked to stop */
    bool single_rows;   /* rows come one by one, so that a large result needs no memory */
    bool cleanup;       /* must be heard even after a request to stop: is not cancelled */
    bool unsent;        /* there was no memory for a message: it and what follows is not sent */
};

/* Runs an exchange to its end. INLAY_OK when every message is answered, well or badly: that is the
 * reader's to know; INLAY_E_FAILED (a statement was a COPY from or to the client: the connection is
 * of no use any more); INLAY_E_LOST; INLAY_E_STOPPED (what ran was cancelled, and is answered);
 * INLAY_E_MEMORY: a message could not be sent, and those before it are answered; or an answer
 * could not be taken, and the connection is of no use any more. */
int inlay_exchange_run(struct session *session, struct exchange *exchange, struct inlay_error *err);

/* Before a caller's connection is given back: is no cancel on its way to it any more? Waits for
 * one, but not for ever. */
bool inlay_exchange_settle(struct session *session);

#endif

/* The connection: the only room that talks to the server.
 *
 * Everything is sent in libpq's pipeline mode and waited for with poll() over the socket and
 * stop_fd; nothing blocks. Outside of BEGIN...COMMIT every statement has a Sync of its own: between
 * two Syncs the server would make one implicit transaction of them, in which a failing read undoes
 * the SET before it and a read sees the snapshot of the first statement. Several Syncs travel in
 * one round trip all the same. */
#ifndef INLAY_SESSION_H
#define INLAY_SESSION_H

#include "base/error.h"

#include <libpq-fe.h>

/* How often a wait lets the host draw progress. */
#define INLAY_TICK_MS 500

struct session {
    PGconn *conn;
    const struct inlay_options *options; /* complete: never shorter than our struct */
    bool owned;                          /* we opened it and close it */
    bool was_nonblocking;                /* of a caller's connection */
    PQnoticeReceiver receiver;           /* of a caller's connection, where ours stands in for it */
    bool touched;                        /* session settings were changed */
    bool abandoned;                      /* libpq cannot go on with it */
    bool stopping;                       /* stop_fd was readable */
    int64_t stopped_at;                  /* when, see inlay_clock_ms */
    int64_t last_cancel;
    struct cancel *cancel; /* a request that may be on its way, or NULL */
    size_t in_flight;      /* messages and Syncs that are not answered */
    bool heard;            /* the oldest of them has a result */
    size_t unsynced;       /* messages sent after the last Sync */
    size_t unflushed;      /* bytes queued since libpq's buffer was last empty, roughly */
    int64_t next_tick;
    void (*tick)(void *context); /* every 500 ms of any wait */
    void *tick_context;
    const char *label; /* what the server's notices are about; NULL: the session */
};

/* Milliseconds of a clock that never goes back. */
int64_t inlay_clock_ms(void);

/* Takes the caller's connection or opens one, retrying for `wait_ms` while no server answers.
 * To be closed after a failure too. INLAY_OK, INLAY_E_ARGUMENT, _CONNECTION, _REFUSED,
 * _STOPPED, _MEMORY. */
int inlay_session_open(struct session *session, const struct inlay_options *options,
                       int64_t wait_ms, struct inlay_error *err);

/* Closes our own connection; gives a caller's back as the header promises. False where that could
 * not be done. */
bool inlay_session_close(struct session *session);

struct message {
    const char *sql; /* where `prepared`: the name of the prepared statement */
    bool prepared;
    size_t length; /* of sql, where it is not NUL-terminated; 0: it is */
    int parameter_count;
    const char *const *parameters; /* in text form */
    bool sync;                     /* a Sync follows */
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
    bool single_rows; /* rows come one by one, so that a large result needs no memory */
    bool cleanup;     /* must be heard even when we are told to stop: is not cancelled */
    bool unsent;      /* there was no memory for a message: it and what follows is not sent */
};

/* Runs an exchange to its end. INLAY_OK when every message is answered, well or badly: that is the
 * reader's to know; INLAY_E_FAILED (a statement was a COPY from or to the client: the connection is
 * of no use any more); INLAY_E_LOST; INLAY_E_STOPPED (what ran was cancelled, and is answered);
 * INLAY_E_MEMORY: a message could not be sent, and those before it are answered; or an answer
 * could not be taken, and the connection is of no use any more. */
int inlay_session_exchange(struct session *session, struct exchange *exchange,
                           struct inlay_error *err);

/* Sends queries, each with a Sync of its own, in one round trip. results[i] is the answer of
 * queries[i], good or bad; the caller clears them (inlay_session_clear), after a failure too. */
int inlay_session_ask(struct session *session, const struct message *queries, size_t count,
                      PGresult **results, struct inlay_error *err);

/* The same where every one has to succeed: the error of the first that failed gets this code. */
int inlay_session_demand(struct session *session, const struct message *queries, size_t count,
                         PGresult **results, enum inlay_code code, struct inlay_error *err);

/* As inlay_session_ask, with every row dropped as it comes: for statements that are not ours. */
int inlay_session_execute(struct session *session, const struct message *queries, size_t count,
                          PGresult **results, struct inlay_error *err);

/* Ends a transaction that was left open. */
void inlay_session_rollback(struct session *session);

/* One statement that cleans up. A cancel that is still on its way may hit it: it is
 * sent again until it is not. */
int inlay_session_insist(struct session *session, const struct message *query, PGresult **result,
                         struct inlay_error *err);

/* The same with a statement whose answer does not matter. */
void inlay_session_tidy(struct session *session, const char *sql);

void inlay_session_clear(PGresult **results, size_t count);

/* Waits; ticks meanwhile. INLAY_OK or INLAY_E_STOPPED. */
int inlay_session_sleep(struct session *session, int64_t ms, struct inlay_error *err);

/* Did this result fail, and with which state? */
bool inlay_result_failed(const PGresult *result);
bool inlay_result_has_state(const PGresult *result, const char *sqlstate);

/* The number of the column with this name; -1: there is none. */
int inlay_result_column(const PGresult *result, const char *name);

/* A value; NULL where it is SQL's, or there is no such column (-1). */
const char *inlay_result_text(const PGresult *result, int row, int column);

/* INLAY_OK, or the error of the first that failed, with this code. */
int inlay_results_check(PGresult *const *results, size_t count, enum inlay_code code,
                        struct inlay_error *err);

/* Fills the error from a failed result: message, SQLSTATE, detail, hint, context. */
int inlay_result_error(const PGresult *result, enum inlay_code code, struct inlay_error *err);

#endif

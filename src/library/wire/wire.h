/* The connection, and every wait. This is the only room that talks to the server.
 *
 * Everything is sent in libpq's pipeline mode and waited for with poll() over the socket and
 * stop_fd; nothing blocks. Outside of BEGIN...COMMIT every statement has a Sync of its own: between
 * two Syncs the server would make one implicit transaction of them, in which a failing read undoes
 * the SET before it and a read sees the snapshot of the first statement. Several Syncs travel in
 * one round trip all the same. */
#ifndef INLAY_WIRE_H
#define INLAY_WIRE_H

#include "base/error.h"

#include <libpq-fe.h>

/* How often a wait lets the host draw progress. */
#define INLAY_TICK_MS 500

struct session {
    PGconn *conn;
    const struct inlay_options *options; /* complete: never shorter than our struct */
    const char *conninfo;                /* of the attempt to connect; NULL: the environment's */
    bool owned;                          /* we opened it and close it */
    bool was_nonblocking;                /* of a caller's connection */
    PQnoticeReceiver receiver;           /* of a caller's connection, where ours stands in for it */
    char encoding[32];                   /* of a caller's connection, where it is not ours */
    bool touched;                        /* session settings were changed, beside that */
    bool abandoned;                      /* libpq cannot continue with it */
    bool stopping;                       /* stop_fd was readable */
    bool deaf;                           /* stop_fd was closed */
    int64_t stopped_at;                  /* when, see inlay_clock_ms */
    int64_t last_cancel;
    int64_t answer_ms;     /* so long a question may take, see query.h; 0: for ever */
    int64_t answer_by;     /* and until then the server may take to answer the cancel */
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

/* Waits for the socket (not where it is -1), for stop_fd, or until `deadline`; ticks. Returns the
 * socket's revents. */
int inlay_wire_poll(struct session *session, int socket, short events, int64_t deadline);

/* Waits; ticks meanwhile. INLAY_OK or INLAY_E_STOPPED. */
int inlay_wire_sleep(struct session *session, int64_t ms, struct inlay_error *err);

/* Fills the error of a run that was asked to stop, and returns INLAY_E_STOPPED. */
int inlay_wire_stopped(struct inlay_error *err);

/* Logs a notice; a PQnoticeReceiver, whose context is the session. */
void inlay_wire_hear_notice(void *context, const PGresult *result);

#endif

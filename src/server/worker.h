/* The thread that talks to the database: it brings it up to date when the server starts, then keeps
 * an eye on it. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "readiness.h"

struct worker {
    struct state *state;
    struct inlay_options options;
    bool migrates;       /* until the set is applied, or cannot be */
    enum condition said; /* what was logged last ... */
    char said_why[1024]; /* ... and the message with it */
    int stop_pipe[2];
    pthread_t thread;
};

/* Starts the thread; `options` are those of the command line. False, with errno, where that is not
 * possible. */
bool worker_start(struct worker *worker, struct state *state, const struct inlay_options *options);

/* Stops what runs, rolls it back, and waits for the thread. */
void worker_stop(struct worker *worker);

#endif

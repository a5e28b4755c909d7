/* The thread that talks to the database: migrates at boot, then keeps an eye on it. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "state.h"

struct worker {
    struct state *state;
    const struct inlay_set *set;
    struct inlay_options options;
    bool migrate; /* false: --no-migrate */
    int stop_pipe[2];
    pthread_t thread;
    char complaint[1024]; /* the last that was logged */
};

/* Starts the thread; `options` are those of the command line. False where that is not possible. */
bool worker_start(struct worker *worker, const struct inlay_set *set, struct state *state,
                  const struct inlay_options *options, bool migrate);

/* Stops whatever runs, rolls it back and waits for the thread. */
void worker_stop(struct worker *worker);

#endif

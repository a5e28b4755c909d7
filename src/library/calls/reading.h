/* A call that only reads: it connects, looks once, takes what it was called for and lets go. */
#ifndef INLAY_READING_H
#define INLAY_READING_H

#include "run/run.h"

/* Takes what is wanted while the connection is open; `context` is the caller's, who has the run. */
typedef int (*inlay_take)(void *context, struct inlay_error *err);

/* What to do once connected. A question that travels with the look is filled by `prepare` when the
 * run has begun; its answer is the caller's, who clears it. */
struct reading {
    inlay_take take;
    void *context;
    struct message (*prepare)(void *context); /* or NULL */
    PGresult **answer;
};

/* Begins the run, and disconnects whatever happens; the caller ends it (inlay_run_end), after a
 * failure too. Returns the code for the caller, whose `err` may be NULL. */
int inlay_reading(struct run *run, const struct inlay_set *set, const struct inlay_options *options,
                  const struct reading *reading, struct inlay_error *err);

/* The call's `parameter` for its result is NULL. INLAY_E_ARGUMENT; `err` may be NULL. */
int inlay_reading_nowhere(const char *parameter, struct inlay_error *err);

/* There was no memory for what the call is to return. INLAY_E_MEMORY; `err` may be NULL. */
int inlay_reading_memory(struct inlay_error *err);

#endif

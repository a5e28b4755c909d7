/* A call that changes a database: connects, looks, takes its turn, does its work under the lock,
 * and does so again if the connection is lost and the goal allows it. */
#ifndef INLAY_PURSUE_H
#define INLAY_PURSUE_H

#include "run/run.h"

/* What is done under the lock, with a plan as of after it was taken. */
struct task {
    int (*work)(struct run *run, void *context, struct inlay_error *err);
    void *context;     /* the arguments of the call */
    struct kept *kept; /* a connection that outlives the call, or NULL */
};

/* Connects, looks, takes the lock and does the work; if the connection is lost and the goal allows
 * it, once more. Everything is released at the end. */
int inlay_pursue_until_done(struct run *run, const struct task *task, struct inlay_error *err);

/* Is this the name of the database? The one that was confirmed: a URL may lead somewhere else than
 * its writer believes. `outcome` is that of the refusal. INLAY_OK or INLAY_E_ARGUMENT. */
int inlay_pursue_confirmed(const struct snapshot *now, const char *name, const char *outcome,
                           struct inlay_error *err);

/* A whole public call: begins the run, pursues the goal and gives result and error to the caller.
 * `result` and `err` may be NULL. */
int inlay_pursue(const struct inlay_set *set, const struct inlay_options *options,
                 const struct goal *goal, const struct task *task, struct inlay_result *result,
                 struct inlay_error *err);

#endif

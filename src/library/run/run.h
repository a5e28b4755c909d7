/* What every call has at hand, in four parts. Functions take the part that they need. */
#ifndef INLAY_RUN_H
#define INLAY_RUN_H

#include "history/lock.h"
#include "history/snapshot.h"
#include "plan/goal.h"
#include "plan/steps.h"
#include "run/limits.h"
#include "run/report.h"
#include "run/watch.h"

/* What was asked for. It does not change while the call lasts. */
struct request {
    const struct inlay_set *set;
    struct inlay_options options; /* complete, whatever size the caller's has */
    struct history_name name;
    struct goal goal;
};

/* A connection of ours that stays open between runs (calls/many). */
struct kept {
    struct session session; /* conn is NULL where there is none */
    PGresult *limits;       /* the answer to inlay_limits_sql: our settings are made; or NULL */
};

/* What we work through. */
struct connection {
    struct kept *kept; /* where it comes from and goes to; NULL: it is closed at the end */
    struct session session;
    struct lock lock;
    bool writes_refused; /* the last server was a standby, or read-only */
    bool keeps_lock;     /* until the end, and not only until the goal is reached */
    bool seal_ready;     /* prepared ahead of the look that found both tables fit */
    struct limits limits;
};

/* What we know: the last look at the database, and what follows from it. */
struct knowledge {
    struct snapshot snapshot;
    struct plan plan; /* points into set and snapshot */
    size_t unmade;    /* times that our tables could not be made */
};

struct run {
    struct request request;
    struct connection connection;
    struct knowledge known;
    struct report report;
    struct watch *watch; /* looks at each statement outside of a pipeline; or NULL */
    int64_t deadline;    /* of a call that only reads; 0: the wait for the migration lock counts */
};

/* Validates set and options. INLAY_OK or INLAY_E_ARGUMENT. */
int inlay_run_begin(struct run *run, const struct inlay_set *set,
                    const struct inlay_options *options, struct inlay_error *err);

/* Connects, or takes the caller's connection. */
int inlay_run_connect(struct connection *connection, const struct request *request,
                      struct report *report, int64_t wait_ms, struct inlay_error *err);

/* Frees the last look, and the plan that follows from it. */
void inlay_knowledge_forget(struct knowledge *known);

/* May the goal be pursued, as the plan stands? INLAY_OK or the refusal. */
int inlay_run_verdict(const struct request *request, const struct plan *plan,
                      struct inlay_error *err);
void inlay_run_warn_unknown(const struct request *request, const struct plan *plan);

/* Releases lock and connection. Returns `rc`, the code of what was done; INLAY_E_LOST in the place
 * of INLAY_OK where a caller's connection could not be given back. */
int inlay_run_disconnect(struct connection *connection, const struct request *request,
                         const struct report *report, int rc, struct inlay_error *err);

/* The same, and memory. Safe after any failure and more than once. */
void inlay_run_end(struct run *run);

#endif

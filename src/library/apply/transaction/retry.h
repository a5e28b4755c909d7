/* Trying a migration again that met another session: a lock that it was not given in time, a
 * deadlock, a serialization failure. */
#ifndef INLAY_RETRY_H
#define INLAY_RETRY_H

#include "base/backoff.h"
#include "plan/steps.h"
#include "run/run.h"

struct retry {
    struct connection *connection;
    struct report *report;
    const struct step *step; /* that is tried again; NULL: none yet */
    int64_t begun_at;        /* its first failure */
    size_t attempts;         /* that failed */
    bool long_try;           /* the last one was long enough to end an autovacuum */
    struct backoff backoff;
};

/* After the rollback of a migration that met such a failure, at this statement (NULL: not known):
 * says whom it waited for, and waits. INLAY_OK: try again; INLAY_E_LOCKED: the time is over, with
 * the way out; INLAY_E_STOPPED. */
int inlay_retry_wait(struct retry *retry, const struct step *step,
                     const struct inlay_statement *statement, struct inlay_error *err);

#endif

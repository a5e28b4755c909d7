/* Trying a migration again that met somebody else: a lock that it was not given in time, a
 * deadlock, a serialization failure. */
#ifndef INLAY_RETRY_H
#define INLAY_RETRY_H

#include "base/backoff.h"
#include "plan/steps.h"
#include "run/run.h"

struct retry {
    const struct step *step; /* that is tried again; NULL: none yet */
    int64_t begun_at;        /* its first failure */
    size_t attempts;         /* that failed */
    struct backoff backoff;
};

/* After the rollback of a migration that met such a failure, at this statement (NULL: not known):
 * says whom it waited for, and waits. INLAY_OK: try again; INLAY_E_FAILED: the time is over, with
 * the way out; INLAY_E_STOPPED. */
int inlay_retry_wait(struct run *run, struct retry *retry, const struct step *step,
                     const struct inlay_statement *statement, struct inlay_error *err);

#endif

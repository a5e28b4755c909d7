/* Where a run works, for another program that is to go there. */
#ifndef INLAY_ENVIRONMENT_H
#define INLAY_ENVIRONMENT_H

#include "wire/wire.h"

struct environment {
    struct inlay_target known;
    char **variables; /* what known.environment points to */
};

/* Describes the session's connection. INLAY_OK or INLAY_E_MEMORY; finish it in any case. */
int inlay_environment_init(struct environment *environment, const struct session *session,
                           struct inlay_error *err);
void inlay_environment_finish(struct environment *environment);

#endif

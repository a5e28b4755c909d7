/* Where a run works, for another program that is to go there. */
#ifndef INLAY_ENVIRONMENT_H
#define INLAY_ENVIRONMENT_H

#include "wire/wire.h"

struct target {
    struct inlay_target known;
    char **environment; /* what known.environment points to */
};

/* Describes the session's connection. INLAY_OK or INLAY_E_MEMORY; finish it in any case. */
int inlay_target_init(struct target *target, const struct session *session,
                      struct inlay_error *err);
void inlay_target_finish(struct target *target);

#endif

/* Repeatable migrations: what is recorded of them and what is to run. Pure. */
#ifndef INLAY_REPEATABLE_H
#define INLAY_REPEATABLE_H

#include "plan/plan.h"

/* Merges the repeatables of set and history by name. An older binary leaves them alone: the plan's
 * unknown versions are counted before. INLAY_OK or INLAY_E_MEMORY. */
int inlay_repeatable_plan(const struct inlay_set *set, const struct history *history,
                          struct plan *plan, struct inlay_error *err);

static inline bool inlay_is_repeatable(const struct inlay_migration *migration)
{
    return migration->version == INLAY_REPEATABLE;
}

#endif

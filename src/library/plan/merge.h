/* Set and history side by side become a plan. Pure. */
#ifndef INLAY_MERGE_H
#define INLAY_MERGE_H

#include "plan/plan.h"

/* Merges set and history. The plan points into both. INLAY_OK or INLAY_E_MEMORY; the caller frees
 * it with inlay_plan_free, after a failure too. */
int inlay_merge(const struct inlay_set *set, const struct history *history, struct plan *plan,
                struct inlay_error *err);

#endif

/* May a plan run? Every refusal that follows from set and history alone, in words. Pure. */
#ifndef INLAY_VERDICT_H
#define INLAY_VERDICT_H

#include "plan/plan.h"

/* May this plan run up to version `last`, or boot where nothing is pending? INLAY_OK or
 * INLAY_E_MISMATCH with the reason and the ways out. `strict` refuses all unknown rows. */
int inlay_verdict(const struct inlay_set *set, const struct plan *plan,
                  const struct history_name *name, bool strict, int64_t last,
                  struct inlay_error *err);

/* Refuses pending versions, of those up to one, that lie below an applied one: INLAY_OK where there
 * are none, or INLAY_E_MISMATCH. */
int inlay_verdict_late(const struct inlay_set *set, const struct plan *plan, int64_t up_to,
                       struct inlay_error *err);

#endif

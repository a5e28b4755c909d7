/* Migrations that replace others: where none of those is applied it runs; where some are, those
 * that are missing run, and it is recorded. Pure. */
#ifndef INLAY_SQUASH_H
#define INLAY_SQUASH_H

#include "plan/plan.h"

/* Lists the covers of a plan whose entries are there, and what they change about these.
 * INLAY_OK or INLAY_E_MEMORY. */
int inlay_squash_plan(const struct inlay_set *set, const struct history *history, struct plan *plan,
                      struct inlay_error *err);

/* INLAY_E_MISMATCH where a migration up to `last` can be neither run nor recorded, or where
 * something is pending that another one stands for. */
int inlay_squash_verdict(const struct inlay_set *set, const struct plan *plan, int64_t last,
                         struct inlay_error *err);

/* Is this history that of our own set, although not one of its names is embedded? */
bool inlay_squash_related(const struct inlay_set *set, const struct plan *plan);

/* Is there a row for this version, or one for a migration that stands for it? */
bool inlay_squash_is_done(const struct plan *plan, int64_t version);

#endif

/* Going to a goal under the lock: the steps that lead there, one after another. */
#ifndef INLAY_MIGRATE_H
#define INLAY_MIGRATE_H

#include "calls/pursue.h"

/* Runs the steps that lead to the goal of the run; `context` is not used. */
int inlay_migrate_work(struct run *run, void *context, struct inlay_error *err);

/* Warns of versions that are applied late. */
void inlay_migrate_warn_late(const struct request *request, const struct plan *plan);

#endif

/* Running a no-transaction migration: statement by statement, with its progress recorded. */
#ifndef INLAY_STEPWISE_H
#define INLAY_STEPWISE_H

#include "apply/transaction/apply.h"
#include "plan/steps.h"

/* Runs one no-transaction migration, from where an earlier run stopped if there was one. Returns
 * as inlay_apply; what was done before a failure stays, and the outcome says so. */
int inlay_stepwise(struct run *run, const struct step *step, struct inlay_error *err);

#endif

/* What became of the statement that an earlier run had begun when it ended. */
#ifndef INLAY_RESUME_H
#define INLAY_RESUME_H

#include "apply/stepwise/statement.h"

/* Looks, and moves `done` on where the statement is done, or clears the way for running it again.
 * INLAY_E_REFUSED where only a person can know; INLAY_E_MISMATCH: it is done, and its text was
 * edited since; else as inlay_statement_run. */
int inlay_resume(struct stepwise *stepwise, const struct intent *intent);

#endif

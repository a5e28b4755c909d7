/* Running transactional migrations: claim, body, reset, seal and commit, one pipeline for many. */
#ifndef INLAY_APPLY_H
#define INLAY_APPLY_H

#include "failure.h"

/* Somebody else applied a migration that was pending: look again and go on. Not an error. */
#define INLAY_AGAIN 1

/* Runs the steps in order, each in a transaction of its own. INLAY_OK; INLAY_AGAIN; INLAY_E_FAILED
 * with place and outcome, those before it committed, nothing left open; INLAY_E_LOST;
 * INLAY_E_STOPPED; INLAY_E_MEMORY. */
int inlay_apply(struct run *run, const struct step *steps, size_t count, struct inlay_error *err);

#endif

/* The sessions that held the lock which a migration was not given. */
#ifndef INLAY_BLOCKERS_H
#define INLAY_BLOCKERS_H

#include "plan/steps.h"
#include "run/run.h"

/* Looked for after the rollback, for there is one connection and it waited: transactions that hold
 * locks on tables whose names occur in the statement and are older than the wait was; where there
 * are none, younger ones; or else those that hold locks on other tables. Writes them into the
 * buffer, nothing where there are none at all any more. Is one of them an autovacuum? */
bool inlay_blockers_find(struct connection *connection, const struct step *step,
                         const struct inlay_statement *statement, char *buffer, size_t size);

#endif

/* Running a no-transaction migration: statement by statement, with its progress recorded. */
#ifndef INLAY_STEPWISE_H
#define INLAY_STEPWISE_H

#include "apply.h"

/* Runs one no-transaction migration, from where an earlier run stopped if there was one. Returns
 * as inlay_apply; what was done before a failure stays, and the outcome says so. */
int inlay_stepwise(struct run *run, const struct step *step, struct inlay_error *err);

/* The checksum of the first `count` statements: what must not change once they are done. Line ends
 * do not count. */
void inlay_stepwise_checksum(const struct inlay_script *script, size_t count, char checksum[32]);

#endif

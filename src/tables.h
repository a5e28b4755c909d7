/* Our own tables. */
#ifndef INLAY_TABLES_H
#define INLAY_TABLES_H

#include "run.h"

/* Under the lock: creates what is missing of schema, tables and columns, in one transaction. */
int inlay_tables_ensure(struct run *run, struct inlay_error *err);
/* The same inside a transaction that is open. */
int inlay_tables_ensure_inside(struct run *run, struct inlay_error *err);

/* Did they fail because somebody else made them at the same moment? Only without the lock. */
bool inlay_tables_lost_race(const struct run *run, const struct inlay_error *err);

#endif

/* Our own tables. */
#ifndef INLAY_TABLES_H
#define INLAY_TABLES_H

#include "run.h"

/* Under the lock: creates what is missing of schema, tables and columns, in one transaction. */
int inlay_tables_ensure(struct run *run, struct inlay_error *err);

#endif

/* Our own tables. */
#ifndef INLAY_TABLES_H
#define INLAY_TABLES_H

#include "run/run.h"

enum { TABLES_MOST = 8 };

/* What is missing of schema, tables and columns, as statements. */
struct tables {
    char *texts[TABLES_MOST];
    size_t count;
};

/* Lists it; the caller frees, after a failure too. INLAY_OK or INLAY_E_MEMORY. */
int inlay_tables_list(const struct run *run, struct tables *tables, struct inlay_error *err);
void inlay_tables_free(struct tables *tables);

/* The messages of the transaction that makes it: none, where nothing is missing. */
size_t inlay_tables_messages(const struct tables *tables);
const char *inlay_tables_message(const struct tables *tables, size_t index);

/* Says that it is about to be made, and that it could not be. */
void inlay_tables_announce(const struct run *run, const struct tables *tables);
int inlay_tables_refuse(struct run *run, struct inlay_error *err);

/* Under the lock: creates what is missing of schema, tables and columns, in one transaction. */
int inlay_tables_ensure(struct run *run, struct inlay_error *err);
/* The same inside a transaction that is open. */
int inlay_tables_ensure_inside(struct run *run, struct inlay_error *err);

/* Did they fail because somebody else made them at the same moment? Only without the lock. */
bool inlay_tables_lost_race(const struct run *run, const struct inlay_error *err);

#endif

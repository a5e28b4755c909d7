/* Another tool's table: found, and told from others. */
#ifndef INLAY_FOREIGN_TABLE_H
#define INLAY_FOREIGN_TABLE_H

#include "foreign/tools.h"
#include "history/snapshot.h"
#include "wire/query.h"

struct foreign_table {
    PGresult *catalog[2]; /* of BEGIN, and the rest points into this */
    const char *schema;   /* NULL: there is no such table */
    const char *quoted;
    const char *lock_table; /* where the tool keeps a row while it is at work; empty: nowhere */
    const char *block;      /* the statement that keeps writers out; NULL without the right to */
    const char *columns;    /* what is read of it */
};

/* Finds the table of a source, in a transaction that `begin` begins, or in none. A generic source
 * becomes that of the tool in the list whose table it is. INLAY_OK, also if there is no such table;
 * INLAY_E_REFUSED: not the tool's; or the codes of inlay_query_ask. The caller frees the table,
 * after a failure too. */
int inlay_foreign_table_find(struct session *session, const struct history_name *name,
                             const char *begin, struct foreign_source *source,
                             struct foreign_table *table, struct inlay_error *err);

void inlay_foreign_table_free(struct foreign_table *table);

#endif

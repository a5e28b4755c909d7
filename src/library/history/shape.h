/* What a history must be: an ordinary, permanent table with a key and nothing that acts on its
 * own. A view, a rule or a trigger could make a claim vanish or hit another row. */
#ifndef INLAY_SHAPE_H
#define INLAY_SHAPE_H

#include "history/columns.h"
#include "history/name.h"

#include <libpq-fe.h>

/* One of our tables as the catalogs describe it. */
struct shape {
    bool exists;
    char kind;        /* pg_class.relkind */
    char persistence; /* pg_class.relpersistence */
    bool row_security;
    bool rules;    /* there may be some; a closer look makes sure */
    bool triggers; /* the same */
    bool owned;    /* by a role that we are in */
    char owner[64];
    bool described;              /* its columns could be seen: what follows is known */
    bool key;                    /* unique on the columns that identify a row */
    int64_t types[COLUMNS_MOST]; /* OIDs of the columns in the order of CREATE TABLE; 0: missing */
};

/* Takes types and key: from any answer that has the columns of the table by their names, and the
 * keys as inlay_snapshot's query has them. */
void inlay_shape_describe_history(struct shape *shape, const PGresult *columns, const char *keys);
void inlay_shape_describe_state(struct shape *shape, const PGresult *columns, const char *keys);

/* Is this a table that we can work with? Refuses by name: INLAY_OK or INLAY_E_REFUSED. */
int inlay_shape_check_history(const struct shape *shape, const struct history_name *name,
                              struct inlay_error *err);
int inlay_shape_check_state(const struct shape *shape, const struct history_name *name,
                            struct inlay_error *err);

#endif

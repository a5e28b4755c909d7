/* What a history must be: an ordinary, permanent table with a key and nothing that acts on its
 * own. A view, a rule or a trigger could make a claim vanish or hit another row. sql_fit.c asks the
 * same inside a transaction. */
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
    bool secured;     /* has row security */
    bool hidden;      /* by which rows may be hidden from our role */
    bool rules;       /* there may be some; a closer look makes sure */
    bool triggers;    /* the same */
    bool children;    /* the same of tables that inherit from it */
    bool owned;       /* by a role that we are in */
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

enum { UNFIT_HINT_MOST = 352 };

/* What is unfit of which table. */
struct unfit {
    const char *quoted;         /* the table */
    char what[128];             /* it is or has, and with what effect */
    char hint[UNFIT_HINT_MOST]; /* how to repair it, or empty */
};

/* What inlay_sql_unfit raises where the fault at this place of all faults is found, and what that
 * means. False: there are no more. */
enum { UNFIT_RAISED_MOST = 64 };
bool inlay_shape_fault(size_t place, const struct history_name *name,
                       char raised[UNFIT_RAISED_MOST], struct unfit *unfit);

/* Did the server raise what inlay_sql_unfit asks for? */
bool inlay_shape_unfit(const PGresult *result, const struct history_name *name,
                       struct unfit *unfit);

#endif

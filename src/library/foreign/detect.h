/* The guard: another tool's table that has rows, or one that the first migration would create, in a
 * database without a history of inlay's. */
#ifndef INLAY_DETECT_H
#define INLAY_DETECT_H

#include "history/snapshot.h"

/* What the guard looks at. */
struct detection {
    struct session *session;
    const struct inlay_set *set;
    const struct history_name *name; /* of our history */
    const struct snapshot *now;
    const struct inlay_migration *first; /* that would run; NULL: no version would */
};

/* Examines what inlay_detect_message has found. INLAY_OK: no migration is recorded there, nor seems
 * to have run; INLAY_E_REFUSED, with the command that takes the record over, or makes one;
 * INLAY_E_LOCKED: such a table is; or the codes of inlay_query_ask. */
int inlay_detect_check(const struct detection *detection, const PGresult *found,
                       struct inlay_error *err);

#endif

/* The guard: another tool's table that has rows, in a database without a history of inlay's. */
#ifndef INLAY_DETECT_H
#define INLAY_DETECT_H

#include "history/snapshot.h"

/* What the guard looks at. */
struct detection {
    struct session *session;
    const struct inlay_set *set;
    const struct history_name *name; /* of our history */
    const struct snapshot *now;
    int64_t first_pending; /* -1: no version is */
};

/* Examines what inlay_detect_message has found. INLAY_OK: no migration is recorded there;
 * INLAY_E_REFUSED, with the command that takes the record over; INLAY_E_LOCKED: such a table is; or
 * the codes of inlay_query_ask. */
int inlay_detect_check(const struct detection *detection, const PGresult *found,
                       struct inlay_error *err);

#endif

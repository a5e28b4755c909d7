/* What the answers to inlay_sql_rows and inlay_sql_state say, as a history. */
#ifndef INLAY_ROWS_H
#define INLAY_ROWS_H

#include "history/history.h"

#include <libpq-fe.h>

/* Both leave in the history what they had read when they fail; inlay_history_free frees it.
 * INLAY_OK, INLAY_E_REFUSED or INLAY_E_MEMORY. */
int inlay_rows_read(const PGresult *result, const struct history_name *name,
                    struct history *history, struct inlay_error *err);
int inlay_rows_read_state(const PGresult *result, struct history *history, struct inlay_error *err);

#endif

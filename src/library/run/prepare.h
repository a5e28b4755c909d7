/* Making our tables when a run needs them. */
#ifndef INLAY_PREPARE_H
#define INLAY_PREPARE_H

#include "history/tables.h"
#include "run/run.h"

/* Is the state table missing and wanted? */
bool inlay_prepare_needs_state(const struct request *request, const struct knowledge *known);

/* Lists what is missing, and logs that it is about to be made. The caller frees the list, after a
 * failure too. INLAY_OK or INLAY_E_MEMORY. */
int inlay_prepare_list(const struct request *request, const struct knowledge *known,
                       struct tables *tables, struct inlay_error *err);

/* Says that it could not be made; returns the code of the error. */
int inlay_prepare_refuse(const struct request *request, struct knowledge *known,
                         struct inlay_error *err);

/* Under the lock: makes what is missing of schema, tables and columns, in one transaction. */
int inlay_prepare(struct session *session, const struct request *request, struct knowledge *known,
                  struct inlay_error *err);
/* The same inside a transaction that is open. */
int inlay_prepare_inside(struct session *session, const struct request *request,
                         struct knowledge *known, struct inlay_error *err);

/* Did they fail because another process made them at the same moment? Only without the lock. */
bool inlay_prepare_lost_race(const struct request *request, const struct knowledge *known,
                             const struct inlay_error *err);

#endif

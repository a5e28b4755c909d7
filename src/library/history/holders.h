/* The sessions that hold a table while a statement of ours waits for it. */
#ifndef INLAY_HOLDERS_H
#define INLAY_HOLDERS_H

#include "history/name.h"
#include "wire/query.h"

/* "pid 4711 (psql, in its transaction for 42 s) holds AccessExclusiveLock on public.history"; the
 * strongest locks, of three sessions at most. Empty where there is none, or it is not for this
 * role to see. `name`: of the history, or NULL: whatever keeps readers from any table. INLAY_OK,
 * INLAY_E_LOST, INLAY_E_STOPPED. */
int inlay_holders_ask(struct session *session, const struct history_name *name, char *buffer,
                      size_t size, struct inlay_error *err);

/* INLAY_E_LOCKED: a lock on `what` was not obtained in time, for those hold it; where none is seen,
 * the message that `err` has is kept as the detail. */
int inlay_holders_refuse(const char *what, const char *holders, struct inlay_error *err);
extern const char inlay_holders_hint[];

#endif

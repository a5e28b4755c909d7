/* The guard: another tool's table that has rows, in a database without a history of inlay's. */
#ifndef INLAY_DETECT_H
#define INLAY_DETECT_H

#include "run/run.h"

/* Examines what inlay_sql_foreign has found. INLAY_OK: no migration is recorded there;
 * INLAY_E_REFUSED, with the command that takes the record over; or the codes of inlay_session_ask.
 */
int inlay_detect_check(struct run *run, const PGresult *found, struct inlay_error *err);

#endif

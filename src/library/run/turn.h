/* The migrator's advisory lock. */
#ifndef INLAY_TURN_H
#define INLAY_TURN_H

#include "run/admission.h"

/* Waits for the lock, re-reading the history each time: most of a fleet finds nothing to do any
 * more without ever holding it. The first time what is to be asked before goes along. On INLAY_OK
 * either run->locked is set and look and plan are as of after it was given, or nothing is pending
 * any more. INLAY_E_LOCKED, INLAY_E_MISMATCH, or the codes of inlay_look and inlay_gate_entered. */
int inlay_lock(struct run *run, struct admission *admission, struct inlay_error *err);

/* Gives the lock back and says so when it was no longer ours. */
void inlay_unlock(struct run *run);

/* The answer to inlay_sql_unlock, where that was part of another conversation. */
void inlay_unlock_heard(struct run *run, const PGresult *result);

/* Does this session still hold the lock? INLAY_OK or an error. */
int inlay_lock_verify(struct run *run, struct inlay_error *err);

#endif

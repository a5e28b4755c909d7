/* The migrator's advisory lock. */
#ifndef INLAY_TURN_H
#define INLAY_TURN_H

#include "run/admission.h"

/* Waits for the lock, re-reading the history each time: most of a fleet finds nothing to do any
 * more without ever holding it. The first time what is to be asked before goes along. On INLAY_OK
 * either run->connection.lock.held is set and look and plan are as of after it was given, or
 * nothing is pending any more. INLAY_E_LOCKED, INLAY_E_MISMATCH, or the codes of
 * inlay_snapshot_read and inlay_admission_entered. */
int inlay_turn_wait(struct run *run, struct admission *admission, struct inlay_error *err);

#endif

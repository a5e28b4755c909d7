/* Adopting: recording in the history what another tool has applied. */
#ifndef INLAY_TAKEOVER_H
#define INLAY_TAKEOVER_H

#include "run/run.h"

/* Takes over the record that `context`, a const char **, names: under the lock, in one transaction.
 * INLAY_OK also if it is so already; INLAY_E_REFUSED: the table is not there, not the tool's, or
 * the history says otherwise; INLAY_E_MISMATCH: versions are missing on either side;
 * INLAY_E_LOCKED: the tool is at work. */
int inlay_takeover_work(struct run *run, void *context, struct inlay_error *err);

/* Does so at the first start on a database that the set says to adopt, under the lock, and looks
 * again. If the tool's table is not there, the gate's questions about other tools' tables are asked
 * after all. */
int inlay_takeover_first(struct run *run, struct inlay_error *err);

#endif

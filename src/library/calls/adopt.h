/* Adopting: recording in the history what another tool has applied. */
#ifndef INLAY_ADOPT_H
#define INLAY_ADOPT_H

#include "run/run.h"

/* From run->request.goal.source, under the lock, in one transaction. INLAY_OK also where it is so
 * already; INLAY_E_REFUSED: the table is not there, not the tool's, or the history says otherwise;
 * INLAY_E_MISMATCH: versions are missing on either side; INLAY_E_LOCKED: the tool is at work. */
int inlay_adopt_source(struct run *run, struct inlay_error *err);

/* Is this perhaps the first start on a database that the build says to adopt? */
bool inlay_adopt_is_due(const struct run *run);

/* Then does so, under the lock, and looks anew; where the tool's table is not there, what the gate
 * asks of other tools' tables is asked after all. */
int inlay_adopt_first(struct run *run, struct inlay_error *err);

#endif

/* May we write here? What must hold before the first change, and the tables that it needs. */
#ifndef INLAY_GATE_H
#define INLAY_GATE_H

#include "run.h"

/* Before the lock: a server that takes writes, no pooler, our tables or the right to create them,
 * no other tool's history. INLAY_OK or INLAY_E_REFUSED. */
int inlay_gate(struct run *run, struct inlay_error *err);

/* The same, and in the same round trip the session settings that a run needs; nothing is set before
 * there is something to do, because behind a pooler a setting would stay in somebody else's
 * connection. */
int inlay_gate_enter(struct run *run, struct inlay_error *err);

/* Is there another tool's history with rows, and none of ours? Then INLAY_E_REFUSED. */
int inlay_gate_foreign(struct run *run, struct inlay_error *err);

/* Is the state table missing and wanted? */
bool inlay_gate_needs_state(const struct run *run);

#endif

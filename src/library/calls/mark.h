/* Changing the history alone: what a person knows better than the history. */
#ifndef INLAY_MARK_H
#define INLAY_MARK_H

#include "run/run.h"

/* Each works on run->request.goal.version, under the lock, in one transaction. INLAY_OK also where
 * it is so already; INLAY_E_ARGUMENT where there is no such version. */
int inlay_edit_baseline(struct run *run, struct inlay_error *err);
int inlay_edit_mark(struct run *run, struct inlay_error *err);
int inlay_edit_unmark(struct run *run, struct inlay_error *err);
int inlay_edit_accept(struct run *run, struct inlay_error *err);
/* With run->request.goal.count as the statement; INLAY_E_REFUSED where the version is applied. */
int inlay_edit_resume_at(struct run *run, struct inlay_error *err);

#endif

/* Looking at the database, and planning what follows. */
#ifndef INLAY_LOOK_H
#define INLAY_LOOK_H

#include "run/run.h"

/* Looks and plans again, after other questions (see snapshot.h) where `before` is not NULL. */
int inlay_run_look(struct run *run, const struct questions_before *before, enum snapshot_lock lock,
                   struct inlay_error *err);

#endif

/* Running towards a goal: connect, look, lock, run the steps. */
#ifndef INLAY_MIGRATE_H
#define INLAY_MIGRATE_H

#include "plan/steps.h"
#include "run/run.h"

/* What is done under the lock, with a plan as of after it was taken. */
typedef int (*inlay_work)(struct run *run, struct inlay_error *err);

/* Runs the steps that lead to run->request.goal. */
int inlay_run_goal(struct run *run, struct inlay_error *err);

/* Connects, looks, takes the lock and does the work; where the connection is lost and the goal
 * allows it, once more. Everything is released at the end. */
int inlay_work_until_done(struct run *run, inlay_work work, struct inlay_error *err);

#endif

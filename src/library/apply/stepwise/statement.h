/* One statement of a no-transaction migration: running it so that it is known afterwards, whatever
 * happens, whether it is done. */
#ifndef INLAY_STATEMENT_H
#define INLAY_STATEMENT_H

#include "apply/stepwise/progress.h"
#include "plan/steps.h"

struct stepwise {
    struct run *run;
    const struct step *step;
    size_t done;     /* statements */
    bool unrecorded; /* the next one is done too, perhaps, and that could not be recorded */
    bool doubtful;   /* only a person knows how much of the next one is done */
    struct progress progress;
    struct inlay_error *err;
};

/* Runs the statement after those that are done, and records it. INLAY_OK; INLAY_E_FAILED with its
 * place; INLAY_E_LOCKED: another session builds an index on the same table; or the codes of
 * inlay_query_ask. */
int inlay_statement_run(struct stepwise *stepwise);

/* Runs one by itself, and records nothing. */
int inlay_statement_execute(struct stepwise *stepwise, size_t index);

/* Records that `done` statements are done and nothing is begun after them. */
int inlay_statement_save(struct stepwise *stepwise, size_t done);

/* Does some work on indexes without timeouts, unless the file has its own: such work waits for the
 * transactions of others by its nature, and what is ended half way leaves an INVALID index. */
int inlay_statement_without_timeouts(struct stepwise *stepwise,
                                     int (*work)(struct stepwise *stepwise,
                                                 const struct intent *intent),
                                     const struct intent *intent);

/* Session timeouts in milliseconds, lock and statement; NULL leaves one as it is. */
int inlay_statement_timeouts(struct stepwise *stepwise, const char *const values[2]);

/* Names the ways out where only a person knows whether the next statement is done. */
void inlay_statement_ways_out(const struct stepwise *stepwise);

#endif

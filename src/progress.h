/* How far a no-transaction migration got: its row in the state table. */
#ifndef INLAY_PROGRESS_H
#define INLAY_PROGRESS_H

#include "apply.h"

struct progress {
    const struct step *step;
    char *sql;

    /* Parameters of the last messages; libpq copies them when they are sent. */
    char version[24];
    char done[24];
    char checksum[32];
    const char *values[3];
    const char *role[1]; /* that the run began with */
};

/* False without memory. Finish it in any case. */
bool inlay_progress_init(struct progress *progress, const struct run *run, const struct step *step);
void inlay_progress_finish(struct progress *progress);

enum { PROGRESS_MESSAGES = 3 };

/* Fills the messages that record, inside a transaction, that `done` statements are done. They are
 * valid until the next. */
void inlay_progress_compose(struct progress *progress, size_t done, struct message *messages);

/* Records it in a transaction of its own. Returns as inlay_session_ask, or INLAY_E_FAILED. */
int inlay_progress_save(struct progress *progress, struct session *session, size_t done,
                        struct inlay_error *err);

/* Says what a migration that did not come to its end leaves behind. Without an answer the statement
 * that ran may be done or not. */
void inlay_progress_tell(const struct progress *progress, size_t done, bool answered,
                         struct inlay_error *err);

/* The checksum of the first `count` statements: what must not change once they are done. Line ends
 * do not count. */
void inlay_progress_checksum(const struct inlay_script *script, size_t count, char checksum[32]);

#endif

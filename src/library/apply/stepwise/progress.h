/* How far a no-transaction migration got: writing its row in the state table. See plan/partial.h.
 */
#ifndef INLAY_PROGRESS_H
#define INLAY_PROGRESS_H

#include "apply/transaction/apply.h"
#include "plan/partial.h"
#include "plan/steps.h"

/* Enough for an index that is qualified and quoted. */
enum { INDEX_NAME_MAX = 264 };

struct progress {
    const struct step *step;
    char *sql;

    /* Parameters of the last messages; libpq copies them when they are sent. */
    char version[24];
    char done[24];
    char checksum[32];
    char body[64 + INDEX_NAME_MAX];
    const char *values[4];
    const char *role[1]; /* that the run began with */
};

/* False without memory. Finish it in any case. */
bool inlay_progress_init(struct progress *progress, const struct history_name *name,
                         const char *role, const struct step *step);
void inlay_progress_finish(struct progress *progress);

enum { PROGRESS_MESSAGES = 5 };

/* Fills the messages that record, inside a transaction, that `done` statements are done. They are
 * valid until the next. */
void inlay_progress_compose(struct progress *progress, size_t done, struct message *messages);

/* Records in a transaction of its own that `done` statements are done, and what the next one is
 * about. Only `kind` and `index` of the intent are read. Returns as inlay_query_ask, or
 * INLAY_E_FAILED. */
int inlay_progress_save(struct progress *progress, struct session *session, size_t done,
                        const struct intent *intent, struct inlay_error *err);

/* Was recording barred because the session is read-only? Then the error says so. */
bool inlay_progress_is_barred(struct inlay_error *err);

/* Says what a migration that did not come to its end leaves, and how it continues. */
void inlay_progress_tell(const struct progress *progress, size_t done, const char *rest,
                         struct inlay_error *err);

#endif

/* How far a no-transaction migration got: its row in the state table.
 *
 * A statement that cannot share a transaction with the row is announced in its body before it runs:
 *
 *     building 4 fnv1a64:0123456789abcdef public.t_a
 *
 * What is done with it, which statement, the checksum of all up to and with it, and for an index
 * its name. Whoever goes on from the row knows then that this statement may be done, or half done.
 */
#ifndef INLAY_PROGRESS_H
#define INLAY_PROGRESS_H

#include "apply/transaction/apply.h"
#include "plan/steps.h"

enum intent_kind {
    INTENT_NONE,
    INTENT_BEGUN,    /* it may be done, or not */
    INTENT_BUILDING, /* the same of an index that was not there before: `index` */
    INTENT_DROPPING, /* the same of an index that was there: `index` */
    INTENT_FAILED    /* it failed, and may have left an INVALID index: `index`, where it has one */
};

/* The statement behind those that are done, as the row tells of it. */
struct intent {
    enum intent_kind kind;
    char checksum[32]; /* of all statements up to and with it, as they were */
    const char *index; /* qualified and quoted, or empty; points into the row */
};

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
bool inlay_progress_init(struct progress *progress, const struct run *run, const struct step *step);
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

/* What the row tells of the statement behind those that are done. A body that cannot be read is
 * that of a statement of which nothing is known. */
struct intent inlay_progress_intent(const struct history_progress *row);

/* Is it still the statement that the intent is about? */
bool inlay_progress_unchanged(const struct inlay_script *script, size_t done,
                              const struct intent *intent);

/* Says what a migration that did not come to its end leaves behind, and how it goes on. */
void inlay_progress_tell(const struct progress *progress, size_t done, const char *rest,
                         struct inlay_error *err);

/* The checksum of the first `count` statements: what must not change once they are done. Line ends
 * do not count. */
void inlay_progress_checksum(const struct inlay_script *script, size_t count, char checksum[32]);

#endif

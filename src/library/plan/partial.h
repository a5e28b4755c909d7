/* What the history says of a no-transaction migration that has begun and has not ended: its row in
 * the state table. Pure.
 *
 * A statement that cannot share a transaction with the row is announced in its body before it runs:
 *
 *     building 4 fnv1a64:0123456789abcdef public.t_a
 *
 * What is done with it, which statement, the checksum of all up to and with it, and for an index
 * its name. A run that continues from the row knows then that this statement may be done, or half
 * done. A checksum of statements of a down script begins with "down:", so that none is taken for
 * the other.
 */
#ifndef INLAY_PARTIAL_H
#define INLAY_PARTIAL_H

#include "history/history.h"

enum intent_kind {
    INTENT_NONE,
    INTENT_BEGUN,    /* it may be done, or not */
    INTENT_BUILDING, /* the same of an index that was not there before: `index` */
    INTENT_DROPPING, /* the same of an index that was there: `index` */
    INTENT_FAILED    /* it failed, and may have left an INVALID index: `index`, where it has one */
};

/* The statement after those that are done, as the row has it. */
struct intent {
    enum intent_kind kind;
    char checksum[32]; /* of all statements up to and with it, as they were */
    const char *index; /* qualified and quoted, or empty; points into the row */
};

const char *inlay_partial_word(enum intent_kind kind);

/* What the row tells of the statement after those that are done. A body that cannot be read is that
 * of a statement of which nothing is known. */
struct intent inlay_partial_intent(const struct history_progress *row);

/* Is it still the statement that the intent is about? */
bool inlay_partial_unchanged(const struct inlay_script *script, bool down, size_t done,
                             const struct intent *intent);

/* The checksum of the first `count` statements: what must not change once they are done. Line ends
 * do not count. */
void inlay_partial_checksum(const struct inlay_script *script, bool down, size_t count,
                            char checksum[32]);

/* Is the row about a down script? */
bool inlay_partial_is_down(const struct history_progress *row);

/* May a statement be done, or half done? */
bool inlay_partial_has_begun(const struct history_progress *row);

/* Are the statements that the row is about those of this up script? */
bool inlay_partial_is_of(const struct history_progress *row, const struct inlay_script *up);

#endif

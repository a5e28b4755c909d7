/* What the database says: the rows of both tables, their shapes, and the server's state. Data
 * only; snapshot.c reads it. */
#ifndef INLAY_HISTORY_H
#define INLAY_HISTORY_H

#include "history/name.h"

struct history_row {
    int64_t version;
    char *name;
    char *applied_at; /* NULL: unknown */
    char *checksum;   /* NULL: unknown */
    int64_t batch;    /* -1: unknown */
    int64_t elapsed_ms;
};

/* A no-transaction migration that was begun and is not finished, up or down: its checksum tells
 * which (plan/partial.h). */
struct history_progress {
    int64_t version;
    int64_t done;   /* statements */
    char *checksum; /* of those statements */
    char *body;     /* what was begun after them; NULL: nothing. See plan/partial.h */
};

/* A migration that was applied for others: whoever does not have it knows from this that their
 * versions are not to run. It counts while the history has a row for it. */
struct history_cover {
    int64_t version;
    int64_t first, last; /* what it replaces */
    int64_t count;       /* versions that there were in between; 0: not known */
};

/* A repeatable migration as it ran last. */
struct history_repeatable {
    char *name;
    char *checksum;
    char *applied_at;
    int64_t batch;
};

struct history {
    bool exists;
    bool state_denied;        /* there is a state table, and we may not read it */
    struct history_row *rows; /* ascending by version */
    size_t row_count;
    struct history_progress *progress;
    size_t progress_count;
    struct history_cover *covers;
    size_t cover_count;
    struct history_repeatable *repeatables; /* ascending by name */
    size_t repeatable_count;
    int64_t *downs; /* ascending: versions whose down script is stored */
    size_t down_count;
};

/* Fills an empty history in which everything up to a version of the set is applied. False without
 * memory; it is freed in any case. */
bool inlay_history_assume(struct history *history, const struct inlay_set *set, int64_t up_to);

/* Frees what the history owns and makes it empty. */
void inlay_history_free(struct history *history);

/* The migration is finished: there is no progress of it any more. */
void inlay_history_finish(struct history *history, int64_t version);

const struct history_progress *inlay_history_progress(const struct history *history,
                                                      int64_t version);

/* Is the down script of this version stored? */
bool inlay_history_has_down(const struct history *history, int64_t version);

#endif

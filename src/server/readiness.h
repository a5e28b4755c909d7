/* Is the service ready, and if not, why? Decided from what is known alone. */
#ifndef SERVER_READINESS_H
#define SERVER_READINESS_H

#include "state.h"

#include "writing/buffer.h"

enum condition {
    CONDITION_READY, /* the database holds all of the set and nothing disagrees */
    /* it may pass by itself: */
    CONDITION_STARTING,
    CONDITION_MIGRATING,
    CONDITION_WAITING, /* for the lock */
    CONDITION_UNREACHABLE,
    /* a person has to do something: */
    CONDITION_PENDING,
    CONDITION_FAILED,
    CONDITION_MISMATCH,
    CONDITION_REFUSED
};

struct readiness {
    enum condition condition;
    const struct inlay_error *error; /* the reason, or NULL; belongs to the snapshot */
};

struct readiness readiness_of(const struct snapshot *now, int64_t clock);

/* "ready", "starting", "migrating", ... */
const char *condition_name(enum condition condition);

/* "migrating 3/10: 003_create_tickets", "waiting for a lock": one line, which holds
 * no text that comes from the database. */
void write_headline(struct buffer *out, const struct snapshot *now,
                    const struct readiness *readiness);

/* What an operator does next. */
const char *next_step(const struct snapshot *now, enum condition condition);

/* The reason in full, lines that end with '\n', not escaped in any way; returns a text that is
 * empty where there is nothing to say. */
struct reason {
    char text[INLAY_ERROR_TEXT_MAX];
};
struct reason reason_of(const struct snapshot *now, const struct readiness *readiness);

/* Versions in the history that this binary lacks, as a sentence; nothing if there are none. */
void write_warning(struct buffer *out, const struct snapshot *now);

/* All of it. */
void write_readiness(struct buffer *out, const struct snapshot *now,
                     const struct readiness *readiness);

#endif

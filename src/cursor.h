/* The conversation about transactional migrations, as a sequence of messages. Sender and reader
 * walk the same sequence, so nothing needs to be remembered about what is in flight. Pure. */
#ifndef INLAY_CURSOR_H
#define INLAY_CURSOR_H

#include "goal.h"

enum phase {
    PHASE_BEGIN,
    PHASE_CLAIM,
    PHASE_SETTINGS, /* SET LOCAL of what the file sets; after the claim, which waits by our rules */
    PHASE_BODY,     /* one message for each statement */
    PHASE_CONSTRAINTS, /* deferred constraints are the body's, not the COMMIT's */
    PHASE_RESET,       /* one message for each reset statement */
    PHASE_OURS,        /* our own session settings */
    PHASE_SEAL,
    PHASE_COMMIT,
    PHASE_COUNT
};

struct cursor {
    size_t step;
    enum phase phase;
    size_t item; /* within the phase */
};

/* How many resets and own settings a run has: none behind a transaction pooler. */
struct cursor_shape {
    size_t resets;
    size_t settings;
};

/* Moves to the next message; from the last one of a step to the first of the next step. */
void inlay_cursor_advance(struct cursor *cursor, const struct step *steps,
                          const struct cursor_shape *shape);

#endif

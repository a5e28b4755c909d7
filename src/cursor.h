/* The conversation about transactional migrations, as a sequence of messages. Sender and reader
 * walk the same sequence, so nothing needs to be remembered about what is in flight. Pure. */
#ifndef INLAY_CURSOR_H
#define INLAY_CURSOR_H

#include "goal.h"

/* What gives the session back after a body: DISCARD ALL would drop the lock, and RESET ALL alone
 * does not undo SET ROLE. */
extern const char *const inlay_reset_statements[];
extern const size_t inlay_reset_count;

enum phase {
    PHASE_BEGIN,
    PHASE_QUIET, /* no timeouts for the claim; where they are not the session's already */
    PHASE_CLAIM,
    PHASE_LIMITS,       /* the body's timeouts; after the claim, which waits by our rules */
    PHASE_BODY,         /* one message for each statement */
    PHASE_CONSTRAINTS,  /* deferred constraints are the body's, not the COMMIT's */
    PHASE_RESET,        /* one message for each reset statement */
    PHASE_OURS,         /* our own settings again */
    PHASE_ASYNCHRONOUS, /* where the COMMIT need not wait for the disk */
    PHASE_SEAL,
    PHASE_KEEP, /* the down script that is stored beside the row, where something is to be done */
    PHASE_COMMIT,
    PHASE_COUNT
};

struct cursor {
    size_t step;
    enum phase phase;
    size_t item; /* within the phase */
};

/* Moves to the next message; from the last one of a step to the first of the next step. `bare`:
 * behind a transaction pooler, where the session is somebody else's; `asynchronous`: so many of the
 * first steps need not be on disk when they are committed. */
void inlay_cursor_advance(struct cursor *cursor, const struct step *steps, bool bare,
                          size_t asynchronous);

#endif

/* The conversation about a stretch of transactional migrations: a sender and a reader that walk the
 * same phases, one some way ahead of the other. */
#ifndef INLAY_CONVERSATION_H
#define INLAY_CONVERSATION_H

#include "apply/transaction/envelope.h"
#include "apply/transaction/failure.h"
#include "apply/transaction/messages.h"
#include "apply/transaction/retry.h"
#include "plan/steps.h"
#include "run/held.h"

/* Another process applied a migration that was pending: look again and continue. Not an error. */
#define INLAY_AGAIN 1

/* Of a stretch that is being run; shared by what runs it and what cleans up. */
struct apply {
    struct exchange exchange; /* first: the callbacks are handed its address */
    struct run *run;
    struct course course;
    struct envelope envelope;
    size_t count;   /* of its steps */
    bool unflushed; /* the last that was committed may not be on the disk */
    struct cursor sender;
    struct cursor reader;
    bool full;        /* until half of what is in flight is answered */
    size_t bytes;     /* of bodies, in flight */
    enum phase until; /* the sender ends before this phase; PHASE_COUNT: with the last step */
    size_t permitted; /* steps that the host was asked about */
    size_t started;   /* steps whose start was reported */
    struct messages messages;
    struct retry retry;
    struct held held; /* another session holds our tables */
    size_t held_at;   /* in front of this step */

    /* Of the migration that the reader is at. */
    char claim_xid[24]; /* empty: not claimed */
    int64_t elapsed_ms;

    const struct step *refreshed; /* was tried again without the plans of before */
    bool plainly; /* a body has left or dropped prepared statements: ours is prepared no more */
    bool trips;   /* the failure may be one of the prepared seal alone */

    int outcome; /* INLAY_OK, INLAY_AGAIN or a code; the first one counts */
    struct inlay_error *err;
};

/* The step that is next to be answered. */
static inline const struct step *inlay_apply_current(const struct apply *apply)
{
    return &apply->course.steps[apply->reader.step];
}

/* Sends and hears everything up to this phase of the step that is next to be answered; PHASE_COUNT:
 * to the end. INLAY_OK, INLAY_AGAIN, or a code with its error. */
int inlay_conversation_hold(struct apply *apply, enum phase until);

/* The callbacks of its exchange. */
extern const struct exchange inlay_conversation;

#endif

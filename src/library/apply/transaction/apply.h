/* Running transactional migrations: claim, body, reset, seal and commit, one pipeline for many. */
#ifndef INLAY_APPLY_H
#define INLAY_APPLY_H

#include "apply/failure.h"
#include "apply/transaction/envelope.h"
#include "apply/transaction/messages.h"
#include "apply/transaction/retry.h"
#include "plan/steps.h"

/* Somebody else applied a migration that was pending: look again and go on. Not an error. */
#define INLAY_AGAIN 1

/* Steps that are one conversation, and what travels with them. */
struct stretch {
    const struct step *steps;
    size_t count;
    bool makes_tables; /* ours, where they are missing, before the first step */
    bool unlocks;      /* after the last one, where nothing failed */
};

/* Of a stretch that is being run; recover.c shares it. */
struct apply {
    struct exchange exchange; /* first: the callbacks are handed its address */
    struct run *run;
    struct course course;
    struct frame frame;
    size_t count;   /* of its steps */
    bool unflushed; /* the last that was committed may not be on the disk */
    struct cursor sender;
    struct cursor reader;
    bool full;        /* until half of what is in flight is answered */
    size_t bytes;     /* of bodies, in flight */
    enum phase until; /* the sender ends before this phase; PHASE_COUNT: with the last step */
    size_t permitted; /* steps that the host was asked about */
    size_t started;   /* steps whose start was told */
    struct compose compose;
    struct retry retry;

    /* Of the migration that the reader is at. */
    char claim_xid[24]; /* empty: not claimed */
    int64_t elapsed_ms;

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

/* Runs the steps in order, each in a transaction of its own. INLAY_OK; INLAY_AGAIN; INLAY_E_FAILED
 * with place and outcome, those before it committed, nothing left open; INLAY_E_REFUSED (our tables
 * could not be made, or the host does not want a step); INLAY_E_LOST; INLAY_E_STOPPED;
 * INLAY_E_MEMORY. */
int inlay_apply(struct run *run, const struct stretch *stretch, struct inlay_error *err);

#endif

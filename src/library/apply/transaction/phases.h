/* The conversation about transactional migrations, as a sequence of messages. Sender and reader
 * walk the same sequence, so nothing needs to be remembered about what is in flight. Pure. */
#ifndef INLAY_PHASES_H
#define INLAY_PHASES_H

#include "plan/goal.h"
#include "plan/steps.h"

enum phase {
    PHASE_BEGIN,
    PHASE_QUIET,  /* no timeouts for the claim, and what texts mean; where the session has it not */
    PHASE_CLAIM,  /* its row, and one message for each row of what it runs in the place of */
    PHASE_LIMITS, /* the body's timeouts and search_path; the claim waits by our rules */
    PHASE_BODY,   /* one message for each statement */
    PHASE_CONSTRAINTS,  /* deferred constraints are the body's, not the COMMIT's */
    PHASE_RESET,        /* one message for each reset statement */
    PHASE_PREPARE,      /* the seal, once for those that follow */
    PHASE_OURS,         /* one message for each setting of ours that is to be made again */
    PHASE_VERIFY,       /* what the migration is to have done; under a savepoint, only reading */
    PHASE_ASYNCHRONOUS, /* where the COMMIT need not wait for the disk */
    PHASE_SEAL,
    PHASE_DEALLOCATE, /* what the body has prepared, behind a seal that was prepared ahead */
    PHASE_KEEP,   /* the down script that is stored beside the row, where something is to be done */
    PHASE_FORGET, /* how far one of its scripts got, where that is recorded */
    PHASE_COMMIT,
    PHASE_COUNT
};

/* Around the statements of PHASE_VERIFY: a savepoint and what is asked in it first; its end. */
enum { VERIFY_BEFORE = 2, VERIFY_AFTER = 2 };

/* What is to be walked. */
struct course {
    const struct step *steps;
    size_t first;     /* the conversation begins with this one */
    size_t sealed;    /* those before this one are sealed by one prepared statement */
    bool ahead;       /* that of the first was prepared before the conversation */
    size_t again;     /* session settings of ours that a reset undoes, see run.h */
    size_t limits;    /* 1: lock_timeout; 2: statement_timeout too, where any step has one */
    bool search_path; /* it is set after the limits */
    bool bare;        /* through a transaction pooler, where others use the session too */
    size_t
        asynchronous; /* so many of the first steps need not be on disk when they are committed */
};

/* Is this step sealed by a prepared statement? */
static inline bool inlay_phases_is_prepared(const struct course *course, size_t step)
{
    return step >= course->first && step < course->sealed;
}

struct cursor {
    size_t step;
    enum phase phase;
    size_t item; /* within the phase */
};

/* The statement that the cursor is at, if it is at one. */
static inline const struct inlay_statement *inlay_phases_statement(const struct course *course,
                                                                   const struct cursor *cursor)
{
    if (cursor->phase != PHASE_BODY)
        return NULL;
    return inlay_script_statement(course->steps[cursor->step].script, cursor->item);
}

/* Moves to the next message; from the last one of a step to the first of the next step. */
void inlay_phases_advance(struct cursor *cursor, const struct course *course);

#endif

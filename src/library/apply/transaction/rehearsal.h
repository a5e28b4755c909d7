/* Migrations that are looked at while they run. Inside one transaction that the caller has begun
 * and rolls back: each of them claimed, run and sealed as in a transaction of its own, and nothing
 * here commits. Or kept: each in a transaction of its own. */
#ifndef INLAY_REHEARSAL_H
#define INLAY_REHEARSAL_H

#include "apply/effects/observer.h"
#include "apply/transaction/messages.h"
#include "wire/exchange.h"

struct rehearsal {
    struct exchange exchange; /* first: the callbacks are handed its address */
    struct run *run;
    struct course course;
    struct messages messages;
    struct observer observer;
    bool keeps;
    size_t unasked;    /* of the questions after the statement that was sent last */
    size_t unanswered; /* of those after the statement that was answered last */
    size_t index;      /* of the step that runs */
    struct cursor sender;
    struct cursor reader;
    struct cursor until; /* the sender ends before this place, or with the step */
    char claim_xid[24];
    int outcome; /* of the exchange: INLAY_OK or INLAY_E_FAILED */
    struct inlay_error *err;
};

/* The step that runs, or ran last. */
static inline const struct step *inlay_rehearsal_current(const struct rehearsal *rehearsal)
{
    return &rehearsal->course.steps[rehearsal->index];
}

/* INLAY_OK or INLAY_E_MEMORY; finish it in any case. */
int inlay_rehearsal_init(struct rehearsal *rehearsal, struct run *run, const struct step *steps,
                         struct inlay_error *err);
void inlay_rehearsal_finish(struct rehearsal *rehearsal);

/* Runs one step. INLAY_OK; INLAY_E_FAILED with its place, and the transaction has failed or was
 * ended; or the codes of inlay_exchange_run. */
int inlay_rehearsal_run(struct rehearsal *rehearsal, size_t index);

/* The step failed: would it have passed if the steps before it had been committed? Then what it did
 * is rolled back, and the next one can run. */
bool inlay_rehearsal_wants_commit(struct rehearsal *rehearsal);

/* The step failed and the transaction was rolled back, or that was tried: had the step committed it
 * before? Then its row is taken back. */
bool inlay_rehearsal_was_committed(struct rehearsal *rehearsal);

#endif

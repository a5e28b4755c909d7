/* Running transactional migrations: claim, body, reset, seal and commit, one pipeline for many. */
#ifndef INLAY_APPLY_H
#define INLAY_APPLY_H

#include "apply/transaction/conversation.h"

/* Steps that are one conversation, and what travels with them. */
struct stretch {
    const struct step *steps;
    size_t count;
    bool makes_tables; /* ours, where they are missing, before the first step */
    bool unlocks;      /* after the last one, where nothing failed */
};

/* Runs the steps in order, each in a transaction of its own. INLAY_OK; INLAY_AGAIN; INLAY_E_FAILED
 * with place and outcome, those before it committed, nothing left open; INLAY_E_REFUSED (our tables
 * could not be made, or the host does not want a step); INLAY_E_LOST; INLAY_E_STOPPED;
 * INLAY_E_MEMORY. */
int inlay_apply(struct run *run, const struct stretch *stretch, struct inlay_error *err);

#endif

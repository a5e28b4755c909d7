/* The steps that lead to a goal. Pure. */
#ifndef INLAY_STEPS_H
#define INLAY_STEPS_H

#include "plan/goal.h"

/* One migration in one direction. */
struct step {
    const struct inlay_migration *migration;
    const struct inlay_script *script; /* an empty one where its row is all that changes */
    bool down;
    bool recorded; /* what it replaces is applied */
    enum keep keep;
    bool partial; /* the state table tells how far one of its scripts got, which ends with it */
    /* It runs in the place of so many migrations of the set, from this one on: their rows are
     * written with its own. */
    size_t place, place_count;
};

/* Does it run without a transaction? */
static inline bool inlay_step_is_bare(const struct step *step)
{
    return (step->script->flags & INLAY_SCRIPT_NO_TRANSACTION) != 0;
}

struct steps {
    struct step *list;
    size_t count;
};

/* Lists the steps in their order; the caller frees steps->list, after a failure too. INLAY_OK;
 * INLAY_E_REFUSED: a migration that must be undone is not embedded or has no down script;
 * INLAY_E_MEMORY. */
int inlay_steps_list(const struct inlay_set *set, const struct plan *plan, const struct goal *goal,
                     struct steps *steps, struct inlay_error *err);

/* Names the repeatables that may stand on what these steps undo, because they ran in its batch or
 * later: what they made stays. Returns how many there are. */
size_t inlay_steps_left_standing(const struct steps *steps, const struct plan *plan, char *names,
                                 size_t size);

#endif

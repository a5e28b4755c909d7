/* What a run is to reach, and the steps that lead there. Pure: no I/O, no libpq. */
#ifndef INLAY_GOAL_H
#define INLAY_GOAL_H

#include "plan/plan.h"

enum goal_kind {
    GOAL_UP,       /* everything embedded is applied */
    GOAL_TO,       /* exactly what lies at or below a version is applied */
    GOAL_DOWN,     /* the newest `count` are undone */
    GOAL_ROLLBACK, /* the last batch is undone */
    GOAL_REDO,     /* the newest is undone and applied again */
    GOAL_EDIT,     /* the history alone is changed: no steps */
    GOAL_RESET     /* everything is dropped; then GOAL_UP */
};

struct goal {
    enum goal_kind kind;
    int64_t version;      /* GOAL_TO, GOAL_EDIT */
    size_t count;         /* GOAL_DOWN; GOAL_EDIT: the statement to go on with */
    const char *database; /* GOAL_RESET: what it must be called; NULL: we only ask */
    bool skip_missing_down;
    bool keep_down;
    const char *source; /* GOAL_EDIT of inlay_adopt: TOOL or TOOL=SCHEMA.TABLE */
};

/* What becomes of the down script that is stored beside a row. */
enum keep { KEEP_AS_IT_IS, KEEP_STORE, KEEP_FORGET };

/* One migration in one direction. */
struct step {
    const struct inlay_migration *migration;
    const struct inlay_script *script; /* an empty one where its row is all that changes */
    bool down;
    bool recorded; /* what it replaces is applied */
    enum keep keep;
};

struct steps {
    struct step *list;
    size_t count;
};

/* May this goal be pursued with this plan? INLAY_OK or INLAY_E_MISMATCH, INLAY_E_ARGUMENT. */
int inlay_goal_verdict(const struct inlay_set *set, const struct plan *plan,
                       const struct goal *goal, const struct history_name *name, bool strict,
                       struct inlay_error *err);

/* The highest version that it may apply; -1: it applies none that is pending. */
int64_t inlay_goal_reach(const struct goal *goal);

/* What becomes of the stored down script where this version is recorded as applied. */
enum keep inlay_goal_keep(const struct goal *goal, const struct plan_entry *entry);

/* Is there nothing to do? */
bool inlay_goal_reached(const struct plan *plan, const struct goal *goal);

/* Lists the steps in their order; the caller frees steps->list, after a failure too. INLAY_OK;
 * INLAY_E_REFUSED: a migration that must be undone is not embedded or has no down script;
 * INLAY_E_MEMORY. */
int inlay_goal_steps(const struct inlay_set *set, const struct plan *plan, const struct goal *goal,
                     struct steps *steps, struct inlay_error *err);

#endif

/* What a run is to reach. Pure. */
#ifndef INLAY_GOAL_H
#define INLAY_GOAL_H

#include "history/down_script.h"
#include "plan/plan.h"

enum goal_kind {
    GOAL_UP,       /* everything embedded is applied */
    GOAL_TO,       /* exactly what lies at or below a version is applied */
    GOAL_DOWN,     /* the newest `count` are undone */
    GOAL_ROLLBACK, /* the last batch is undone */
    GOAL_REDO,     /* the newest is undone and applied again */
    GOAL_NONE,     /* the history alone is changed: no steps */
    GOAL_RESET     /* everything is dropped; then GOAL_UP */
};

struct goal {
    enum goal_kind kind;
    int64_t version; /* GOAL_TO */
    size_t count;    /* GOAL_DOWN */
    bool skip_missing_down;
    bool keep_down;
    bool rehearses; /* GOAL_UP, in one transaction that is rolled back, unless: */
    bool keeps;     /* as in a real run */
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

/* May a migration without a transaction run on the way there? */
bool inlay_goal_leaves_transactions(const struct goal *goal, const struct plan *plan);

/* May something be written into the state table on the way there? */
bool inlay_goal_needs_state(const struct goal *goal, const struct inlay_set *set,
                            const struct plan *plan);

#endif

/* Answers what a goal means for a plan: reached or not, allowed or not, what it may write. Asks no
 * server. */
#include "plan/goal.h"
#include "plan/verdict.h"

/* Going back is the way out of an edited file, so only what concerns identity is asked. */
static int verdict_back(const struct inlay_set *set, const struct plan *plan,
                        const struct history_name *name, struct inlay_error *err)
{
    if (inlay_verdict(set, plan, name, false, -1, err) == INLAY_OK)
        return INLAY_OK;
    if (plan->renamed == 0 && plan->applied + plan->edited > 0)
        return INLAY_OK;
    return err->code;
}

static int verdict_version(const struct inlay_set *set, int64_t version, struct inlay_error *err)
{
    if (version == 0 || inlay_set_find(set, version) != NULL)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_ARGUMENT, "version %lld is not in this binary",
                    (long long)version);
    inlay_text_put(err->hint, sizeof err->hint,
                   "--migrate-show shows what is; 0 stands for before the first");
    return err->code;
}

int inlay_goal_verdict(const struct inlay_set *set, const struct plan *plan,
                       const struct goal *goal, const struct history_name *name, bool strict,
                       struct inlay_error *err)
{
    switch (goal->kind) {
    case GOAL_UP:
        return inlay_verdict(set, plan, name, strict, inlay_goal_reach(goal), err);
    case GOAL_TO:
        if (verdict_version(set, goal->version, err) != INLAY_OK)
            return err->code;
        return inlay_verdict(set, plan, name, strict, inlay_goal_reach(goal), err);
    case GOAL_NONE:
    case GOAL_RESET:
        return INLAY_OK;
    default:
        return verdict_back(set, plan, name, err);
    }
}

int64_t inlay_goal_reach(const struct goal *goal)
{
    return goal->kind == GOAL_UP ? INT64_MAX : goal->kind == GOAL_TO ? goal->version : -1;
}

bool inlay_goal_reached(const struct plan *plan, const struct goal *goal)
{
    return goal->kind == GOAL_UP && plan->pending == 0;
}

enum keep inlay_goal_keep(const struct goal *goal, const struct plan_entry *entry)
{
    if (goal->keep_down && !entry->recorded && entry->migration->down.text != NULL)
        return KEEP_STORE;
    return entry->down_kept ? KEEP_FORGET : KEEP_AS_IT_IS;
}

/* Going back, which ones will be undone is known only under the lock: any may be. */
static bool leaves_transactions(const struct goal *goal, const struct plan_entry *entry)
{
    if (entry->migration == NULL)
        return false;
    bool up = entry->state == INLAY_STATE_PENDING || goal->kind == GOAL_REDO ||
              inlay_plan_is_due(entry, inlay_goal_reach(goal));
    uint32_t flags = up ? entry->migration->up.flags : 0;
    if (goal->kind != GOAL_UP && entry->row != NULL)
        flags |= entry->migration->down.flags;
    return (flags & INLAY_SCRIPT_NO_TRANSACTION) != 0;
}

bool inlay_goal_leaves_transactions(const struct goal *goal, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (leaves_transactions(goal, &plan->entries[i]))
            return true;
    return false;
}

/* What a migration replaces is written there. */
static bool replaces_others(const struct inlay_set *set)
{
    for (size_t i = 0; i < set->migration_count; i++)
        if (inlay_set_migration(set, i)->replaces != NULL)
            return true;
    return false;
}

bool inlay_goal_needs_state(const struct goal *goal, const struct inlay_set *set,
                            const struct plan *plan)
{
    return goal->keep_down || inlay_goal_leaves_transactions(goal, plan) || replaces_others(set) ||
           plan->pending_repeatables > 0;
}

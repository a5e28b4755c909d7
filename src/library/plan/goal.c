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
                   "--migrate-list shows what is; 0 stands for before the first");
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
    case GOAL_EDIT:
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

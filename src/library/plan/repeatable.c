/* Compares the repeatable migrations with what is recorded of them: which are to run again. */
#include "plan/repeatable.h"

#include <stdlib.h>
#include <string.h>

static enum inlay_state compare_repeatable(const struct plan *plan,
                                           const struct inlay_migration *migration,
                                           const struct history_repeatable *row)
{
    if (migration == NULL)
        return INLAY_STATE_UNKNOWN;
    if (row != NULL && row->checksum != NULL && strcmp(row->checksum, migration->sha256) == 0)
        return INLAY_STATE_APPLIED;
    return plan->unknown > 0 ? INLAY_STATE_REPLACED : INLAY_STATE_PENDING;
}

/* Which of the two comes first by name; 0: they are one. NULL comes last. */
static int order(const struct inlay_migration *migration, const struct history_repeatable *row)
{
    if (migration == NULL || row == NULL)
        return migration == NULL ? 1 : -1;
    return strcmp(migration->name, row->name);
}

int inlay_repeatable_plan(const struct inlay_set *set, const struct history *history,
                          struct plan *plan, struct inlay_error *err)
{
    size_t m = 0;
    size_t r = 0;

    plan->repeatables =
        calloc(set->repeatable_count + history->repeatable_count + 1, sizeof *plan->repeatables);
    if (plan->repeatables == NULL)
        return inlay_error_memory(err);
    while (m < set->repeatable_count || r < history->repeatable_count) {
        struct plan_repeatable *to = &plan->repeatables[plan->repeatable_count++];
        to->migration = m < set->repeatable_count ? inlay_set_repeatable(set, m) : NULL;
        to->row = r < history->repeatable_count ? &history->repeatables[r] : NULL;
        int first = order(to->migration, to->row);
        if (first < 0)
            to->row = NULL;
        else if (first > 0)
            to->migration = NULL;
        m += to->migration != NULL;
        r += to->row != NULL;
        to->state = compare_repeatable(plan, to->migration, to->row);
        plan->pending_repeatables += to->state == INLAY_STATE_PENDING;
    }
    plan->pending += plan->pending_repeatables;
    return INLAY_OK;
}

/* Lays the set and the history side by side: each version becomes one entry of the plan, with its
 * state. */
#include "plan/merge.h"
#include "plan/partial.h"
#include "plan/repeatable.h"
#include "plan/squash.h"

#include <stdlib.h>
#include <string.h>

/* The checksum is unknown where the content that ran is: adopted or marked by hand. */
static enum inlay_state compare_migration(const struct inlay_migration *migration,
                                          const struct history_row *row)
{
    if (row == NULL)
        return INLAY_STATE_PENDING;
    if (migration == NULL)
        return INLAY_STATE_UNKNOWN;
    if (strcmp(migration->name, row->name) != 0)
        return INLAY_STATE_RENAMED;
    /* Formatting C is no drift: what runs is the compiled function. */
    bool loose = migration->up.function != NULL && (migration->up.flags & INLAY_SCRIPT_FROZEN) == 0;
    if (row->checksum != NULL && !loose && strcmp(migration->sha256, row->checksum) != 0)
        return INLAY_STATE_EDITED;
    return INLAY_STATE_APPLIED;
}

static void add_entry(struct plan *plan, int64_t version, const struct inlay_migration *migration,
                      const struct history_row *row)
{
    struct plan_entry *entry = &plan->entries[plan->count++];

    entry->version = version;
    entry->state = compare_migration(migration, row);
    entry->migration = migration;
    entry->row = row;
}

/* What is recorded of an applied version is about its down script; but it may be left from before
 * the up script was finished by hand and the version recorded. */
static bool is_half_undone(const struct plan_entry *entry)
{
    const struct history_progress *row = entry->partial;

    if (row == NULL || entry->state != INLAY_STATE_APPLIED || !inlay_partial_has_begun(row))
        return false;
    return inlay_partial_is_down(row) || !inlay_partial_is_of(row, &entry->migration->up);
}

static void count_entry(struct plan *plan, const struct plan_entry *entry)
{
    switch (entry->state) {
    case INLAY_STATE_APPLIED:
        plan->applied++;
        break;
    case INLAY_STATE_PENDING:
        plan->pending++;
        break;
    case INLAY_STATE_UNKNOWN:
        plan->unknown++;
        break;
    case INLAY_STATE_RENAMED:
        plan->renamed++;
        break;
    case INLAY_STATE_EDITED:
        plan->edited++;
        break;
    case INLAY_STATE_REPLACED:
        plan->replaced++;
        break;
    }
}

/* From the newest down: a pending migration is late when something above it is applied. */
static void count_entries(struct plan *plan)
{
    bool applied_above = false;

    for (size_t i = plan->count; i-- > 0;) {
        struct plan_entry *entry = &plan->entries[i];
        entry->late = entry->state == INLAY_STATE_PENDING && applied_above;
        applied_above = applied_above || entry->row != NULL;
        count_entry(plan, entry);
    }
}

static int64_t next_batch(const struct history *history)
{
    int64_t newest = 0;

    for (size_t i = 0; i < history->row_count; i++)
        if (history->rows[i].batch > newest)
            newest = history->rows[i].batch;
    for (size_t i = 0; i < history->repeatable_count; i++)
        if (history->repeatables[i].batch > newest)
            newest = history->repeatables[i].batch;
    return newest < INT64_MAX ? newest + 1 : newest;
}

int inlay_merge(const struct inlay_set *set, const struct history *history, struct plan *plan,
                struct inlay_error *err)
{
    size_t m = 0;
    size_t r = 0;

    memset(plan, 0, sizeof *plan);
    plan->entries = calloc(set->migration_count + history->row_count + 1, sizeof *plan->entries);
    if (plan->entries == NULL)
        return inlay_error_memory(err);
    while (m < set->migration_count || r < history->row_count) {
        bool embedded = m < set->migration_count;
        bool recorded = r < history->row_count;
        if (embedded && recorded && inlay_set_migration(set, m)->version < history->rows[r].version)
            recorded = false;
        else if (embedded && recorded &&
                 inlay_set_migration(set, m)->version > history->rows[r].version)
            embedded = false;
        add_entry(plan, embedded ? inlay_set_migration(set, m)->version : history->rows[r].version,
                  embedded ? inlay_set_migration(set, m) : NULL,
                  recorded ? &history->rows[r] : NULL);
        struct plan_entry *entry = &plan->entries[plan->count - 1];
        entry->down_kept = inlay_history_has_down(history, entry->version);
        entry->partial = inlay_history_progress(history, entry->version);
        entry->half_undone = is_half_undone(entry);
        m += embedded;
        r += recorded;
    }
    if (inlay_squash_plan(set, history, plan, err) != INLAY_OK)
        return err->code;
    count_entries(plan);
    plan->next_batch = next_batch(history);
    return inlay_repeatable_plan(set, history, plan, err);
}

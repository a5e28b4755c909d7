#include "plan/plan.h"
#include "base/versions.h"
#include "plan/repeatable.h"
#include "plan/squash.h"

#include <stdlib.h>
#include <string.h>

/* The checksum is unknown where the content that ran is: adopted or marked by hand. */
static enum inlay_state compare(const struct inlay_migration *migration,
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
    entry->state = compare(migration, row);
    entry->migration = migration;
    entry->row = row;
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

int inlay_plan_make(const struct inlay_set *set, const struct history *history, struct plan *plan,
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
        if (embedded && recorded && set->migrations[m].version < history->rows[r].version)
            recorded = false;
        else if (embedded && recorded && set->migrations[m].version > history->rows[r].version)
            embedded = false;
        add_entry(plan, embedded ? set->migrations[m].version : history->rows[r].version,
                  embedded ? &set->migrations[m] : NULL, recorded ? &history->rows[r] : NULL);
        struct plan_entry *entry = &plan->entries[plan->count - 1];
        entry->down_kept = inlay_history_has_down(history, entry->version);
        m += embedded;
        r += recorded;
    }
    if (inlay_squash_plan(set, history, plan, err) != INLAY_OK)
        return err->code;
    count_entries(plan);
    plan->next_batch = next_batch(history);
    return inlay_repeat_plan(set, history, plan, err);
}

void inlay_plan_free(struct plan *plan)
{
    free(plan->entries);
    free(plan->covers);
    free(plan->repeatables);
    memset(plan, 0, sizeof *plan);
}

bool inlay_plan_is_due(const struct plan_entry *entry, int64_t last)
{
    if (entry->migration == NULL || entry->row != NULL || entry->version > last)
        return false;
    return entry->state == INLAY_STATE_PENDING || entry->replaced_by > last;
}

size_t inlay_plan_at(const struct plan *plan, int64_t version)
{
    return inlay_versions_at(plan->entries, plan->count, sizeof *plan->entries, version);
}

const struct plan_entry *inlay_plan_find(const struct plan *plan, int64_t version)
{
    return inlay_versions_find(plan->entries, plan->count, sizeof *plan->entries, version);
}

const struct plan_entry *inlay_plan_first(const struct plan *plan, enum inlay_state state)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].state == state)
            return &plan->entries[i];
    return NULL;
}

int64_t inlay_plan_newest(const struct plan *plan, int64_t up_to)
{
    int64_t newest = -1;

    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].row != NULL && plan->entries[i].version <= up_to)
            newest = plan->entries[i].version;
    return newest;
}

void inlay_plan_versions(const struct plan *plan, enum inlay_state state, char *buffer, size_t size)
{
    struct version_list list = {.buffer = buffer, .size = size};

    buffer[0] = '\0';
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].state == state)
            inlay_versions_add(&list, plan->entries[i].version);
    inlay_versions_end(&list);
}

size_t inlay_plan_late(const struct plan *plan, int64_t up_to, char *versions, size_t size)
{
    int64_t newest = inlay_plan_newest(plan, up_to);
    struct version_list list = {.buffer = versions, .size = size};

    versions[0] = '\0';
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].state == INLAY_STATE_PENDING && plan->entries[i].version < newest)
            inlay_versions_add(&list, plan->entries[i].version);
    inlay_versions_end(&list);
    return list.count;
}

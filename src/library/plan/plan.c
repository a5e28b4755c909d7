/* Searches and counts in a plan that merge.c made, and names its states. */
#include "plan/plan.h"
#include "base/versions.h"

#include <stdlib.h>
#include <string.h>

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

const struct inlay_migration *inlay_plan_first_due(const struct plan *plan, int64_t last)
{
    for (size_t i = 0; i < plan->count; i++)
        if (inlay_plan_is_due(&plan->entries[i], last))
            return plan->entries[i].migration;
    return NULL;
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

size_t inlay_plan_unknown(const struct plan *plan, int64_t newest, bool above, char *versions,
                          size_t size)
{
    struct version_list list = {.buffer = versions, .size = size};

    versions[0] = '\0';
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].state == INLAY_STATE_UNKNOWN &&
            (plan->entries[i].version > newest) == above)
            inlay_versions_add(&list, plan->entries[i].version);
    inlay_versions_end(&list);
    return list.count;
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

const char *inlay_plan_kept(const struct plan_entry *entry, char buffer[96])
{
    inlay_text_put(buffer, 96, "; its down script is stored, --migrate-show %lld prints it",
                   (long long)entry->version);
    return entry->down_kept ? buffer : "";
}

const char *inlay_state_name(enum inlay_state state)
{
    static const char *const names[] = {"applied", "pending", "unknown",
                                        "renamed", "edited",  "replaced"};
    size_t index = (size_t)state;

    return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}

/* Decides what becomes of a migration that replaces others: recorded, run, or left out. */
#include "plan/squash.h"
#include "base/versions.h"
#include "plan/partial.h"

#include <stdlib.h>

/* ---- covers ---- */

static bool has_row(const struct plan *plan, int64_t version)
{
    const struct plan_entry *entry = inlay_plan_find(plan, version);

    return entry != NULL && entry->row != NULL;
}

static const struct history_cover *recorded_cover(const struct history *history, int64_t version)
{
    for (size_t i = 0; i < history->cover_count; i++)
        if (history->covers[i].version == version)
            return &history->covers[i];
    return NULL;
}

static bool is_listed(const struct plan *plan, int64_t version)
{
    for (size_t i = 0; i < plan->cover_count; i++)
        if (plan->covers[i].version == version)
            return true;
    return false;
}

static void list_covers(const struct inlay_set *set, const struct history *history,
                        struct plan *plan)
{
    for (size_t i = 0; i < set->migration_count; i++) {
        const struct inlay_migration *migration = inlay_set_migration(set, i);
        const struct inlay_range *range = migration->replaces;
        const struct history_cover *recorded = recorded_cover(history, migration->version);
        if (range == NULL)
            continue;
        plan->covers[plan->cover_count++] = (struct plan_cover){
            .version = migration->version,
            .first = range->first,
            .last = range->last,
            .range = range,
            .state = has_row(plan, migration->version) ? COVER_APPLIED : COVER_PARTLY,
            .count = recorded != NULL ? recorded->count : 0,
        };
    }
    for (size_t i = 0; i < history->cover_count; i++) {
        const struct history_cover *cover = &history->covers[i];
        if (!is_listed(plan, cover->version) && has_row(plan, cover->version))
            plan->covers[plan->cover_count++] = (struct plan_cover){.version = cover->version,
                                                                    .first = cover->first,
                                                                    .last = cover->last,
                                                                    .state = COVER_APPLIED,
                                                                    .count = cover->count};
    }
}

/* ---- what is applied ---- */

/* An applied migration that stands for this version, other than `but`. */
static const struct plan_cover *applied_cover(const struct plan *plan, int64_t version,
                                              const struct plan_cover *but)
{
    for (size_t i = 0; i < plan->cover_count; i++) {
        const struct plan_cover *cover = &plan->covers[i];
        if (cover != but && cover->state == COVER_APPLIED && version >= cover->first &&
            version <= cover->last)
            return cover;
    }
    return NULL;
}

bool inlay_squash_is_done(const struct plan *plan, int64_t version)
{
    return has_row(plan, version) || applied_cover(plan, version, NULL) != NULL;
}

/* The first version of the range that is not applied; -1: all are. Where it is not known which
 * versions there were, only one without a gap is surely complete. */
static int64_t find_missing(const struct plan *plan, const struct plan_cover *cover)
{
    const struct inlay_range *range = cover->range;
    int64_t version = range->first;

    for (size_t i = 0; i < range->version_count; i++)
        if (!inlay_squash_is_done(plan, range->versions[i]))
            return range->versions[i];
    if (range->version_count > 0)
        return -1;
    while (version <= range->last) {
        const struct plan_cover *other = applied_cover(plan, version, cover);
        if (other == NULL && !has_row(plan, version))
            return version;
        version = other != NULL ? other->last + 1 : version + 1;
    }
    return -1;
}

/* ---- what can be had ---- */

static bool spans(const struct plan_cover *cover, int64_t version)
{
    return version >= cover->first && version <= cover->last;
}

/* Does this pending migration, or one that stands for it, come before the cover? Those below it are
 * judged already. */
static bool is_coming(const struct plan *plan, const struct plan_cover *cover, int64_t version)
{
    const struct plan_entry *entry = inlay_plan_find(plan, version);
    bool embedded = entry != NULL && entry->migration != NULL;
    bool comes = embedded && entry->migration->replaces == NULL;

    for (size_t i = 0; !comes && i < plan->cover_count; i++) {
        const struct plan_cover *other = &plan->covers[i];
        comes = other != cover && other->range != NULL && spans(cover, other->version) &&
                other->state != COVER_PARTLY &&
                (other->version == version || (!embedded && spans(other, version)));
    }
    return comes;
}

static bool is_known(const struct inlay_range *range, int64_t version)
{
    for (size_t i = 0; i < range->version_count; i++)
        if (range->versions[i] == version)
            return true;
    return false;
}

/* A row that nothing explains comes of a file that the build has forgotten: perhaps of several. */
static bool explains_row(const struct plan *plan, const struct plan_cover *cover,
                         const struct plan_entry *entry)
{
    if (entry->row == NULL || entry->migration != NULL || is_known(cover->range, entry->version))
        return true;
    for (size_t i = 0; i < plan->cover_count; i++) {
        const struct plan_cover *other = &plan->covers[i];
        if (other != cover && spans(cover, other->version) &&
            (other->version == entry->version || spans(other, entry->version)))
            return true;
    }
    return false;
}

/* Will all of the range be applied once everything below the cover is? */
static bool has_steps(const struct plan *plan, const struct plan_cover *cover)
{
    const struct inlay_range *range = cover->range;

    for (size_t i = inlay_plan_at(plan, cover->first);
         i < plan->count && plan->entries[i].version <= cover->last; i++)
        if (!explains_row(plan, cover, &plan->entries[i]))
            return false;
    for (size_t i = 0; i < range->version_count; i++)
        if (!inlay_squash_is_done(plan, range->versions[i]) &&
            !is_coming(plan, cover, range->versions[i]))
            return false;
    return range->version_count > 0;
}

/* Is one of them half done? Then the database is not without them, although it has no row. */
static bool has_begun(const struct history *history, const struct plan_cover *cover)
{
    for (size_t i = 0; i < history->progress_count; i++)
        if (spans(cover, history->progress[i].version) &&
            inlay_partial_has_begun(&history->progress[i]))
            return true;
    return false;
}

static void judge_cover(const struct plan *plan, const struct history *history,
                        struct plan_cover *cover)
{
    cover->missing = -1;
    for (size_t i = inlay_plan_at(plan, cover->first);
         i < plan->count && plan->entries[i].version <= cover->last; i++) {
        cover->rows += plan->entries[i].row != NULL;
        cover->embedded += plan->entries[i].migration != NULL;
    }
    if (cover->state == COVER_APPLIED)
        return;
    cover->missing = find_missing(plan, cover);
    if (cover->rows == 0 && !has_begun(history, cover))
        cover->state = COVER_RUNS;
    else if (cover->missing == -1)
        cover->state = COVER_RECORDS;
    else if (has_steps(plan, cover))
        cover->state = COVER_STEPS;
}

/* Would no more than its row be missing? That makes no difference once a larger one is applied. */
static bool adds_nothing(const struct plan *plan, const struct plan_entry *entry)
{
    for (size_t i = 0; i < plan->cover_count; i++)
        if (plan->covers[i].version == entry->version)
            return plan->covers[i].state == COVER_RECORDS;
    return false;
}

/* What came into the range of a migration after that was recorded stays pending, and is refused. */
static bool stands_for(const struct plan *plan, const struct plan_cover *cover,
                       const struct plan_entry *entry)
{
    bool recorded = cover->state == COVER_RECORDS || cover->state == COVER_APPLIED;

    if (entry->state == INLAY_STATE_UNKNOWN)
        return recorded || cover->state == COVER_STEPS;
    return entry->state == INLAY_STATE_PENDING &&
           (cover->state == COVER_RUNS ||
            (recorded && (cover->rows == 0 || adds_nothing(plan, entry))));
}

static void replace(struct plan *plan, const struct plan_cover *cover)
{
    struct plan_entry *own = &plan->entries[inlay_plan_at(plan, cover->version)];

    own->recorded = cover->state == COVER_STEPS || cover->state == COVER_RECORDS ||
                    (cover->state == COVER_APPLIED && cover->rows > 0);
    for (size_t i = inlay_plan_at(plan, cover->first);
         i < plan->count && plan->entries[i].version <= cover->last; i++) {
        struct plan_entry *entry = &plan->entries[i];
        if (!stands_for(plan, cover, entry))
            continue;
        entry->state = INLAY_STATE_REPLACED;
        entry->replaced_by = cover->version;
    }
}

int inlay_squash_plan(const struct inlay_set *set, const struct history *history, struct plan *plan,
                      struct inlay_error *err)
{
    size_t most = history->cover_count;

    for (size_t i = 0; i < set->migration_count; i++)
        most += inlay_set_migration(set, i)->replaces != NULL;
    if (most == 0)
        return INLAY_OK;
    plan->covers = calloc(most, sizeof *plan->covers);
    if (plan->covers == NULL)
        return inlay_error_memory(err);
    list_covers(set, history, plan);
    for (size_t i = 0; i < plan->cover_count; i++)
        judge_cover(plan, history, &plan->covers[i]);
    for (size_t i = 0; i < plan->cover_count; i++)
        replace(plan, &plan->covers[i]);
    return INLAY_OK;
}

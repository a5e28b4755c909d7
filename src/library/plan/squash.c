/* Decides what becomes of a migration that replaces others: recorded, run, or left out. */
#include "plan/squash.h"
#include "base/versions.h"

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

static void judge_cover(const struct plan *plan, struct plan_cover *cover)
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
    if (cover->rows == 0)
        cover->state = COVER_RUNS;
    else if (cover->missing == -1)
        cover->state = COVER_RECORDS;
}

/* What came into the range of a migration after that was recorded stays pending, and is refused. */
static bool stands_for(const struct plan_cover *cover, const struct plan_entry *entry)
{
    bool recorded = cover->state == COVER_RECORDS || cover->state == COVER_APPLIED;

    if (entry->state == INLAY_STATE_UNKNOWN)
        return recorded;
    return entry->state == INLAY_STATE_PENDING &&
           (cover->state == COVER_RUNS || (recorded && cover->rows == 0));
}

static void replace(struct plan *plan, const struct plan_cover *cover)
{
    struct plan_entry *own = &plan->entries[inlay_plan_at(plan, cover->version)];

    own->recorded = cover->rows > 0 && cover->state != COVER_PARTLY;
    for (size_t i = inlay_plan_at(plan, cover->first);
         i < plan->count && plan->entries[i].version <= cover->last; i++) {
        struct plan_entry *entry = &plan->entries[i];
        if (!stands_for(cover, entry))
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
        judge_cover(plan, &plan->covers[i]);
    for (size_t i = 0; i < plan->cover_count; i++)
        replace(plan, &plan->covers[i]);
    return INLAY_OK;
}

/* ---- verdict ---- */

/* Does this binary have the version, or what replaces it? */
static bool has_version(const struct inlay_set *set, const struct plan *plan, int64_t version)
{
    for (size_t i = 0; i < plan->cover_count; i++)
        if (plan->covers[i].range != NULL && version >= plan->covers[i].first &&
            version <= plan->covers[i].last)
            return true;
    return inlay_set_find(set, version) != NULL;
}

static size_t count_rows(const struct plan *plan)
{
    size_t rows = 0;

    for (size_t i = 0; i < plan->count; i++)
        rows += plan->entries[i].row != NULL;
    return rows;
}

/* All rows are of versions that ours replaces; or a binary that does not have the replacing
 * migration has what that replaces, from one end to the other. */
bool inlay_squash_related(const struct inlay_set *set, const struct plan *plan)
{
    size_t rows = count_rows(plan);

    for (size_t i = 0; i < plan->cover_count; i++) {
        const struct plan_cover *cover = &plan->covers[i];
        bool ours = cover->range != NULL ? cover->state == COVER_RECORDS || cover->rows == rows
                                         : has_version(set, plan, cover->first) &&
                                               has_version(set, plan, cover->last);
        if (ours)
            return true;
    }
    return false;
}

static void blame_version(struct inlay_error *err, const struct inlay_set *set, int64_t version)
{
    const struct inlay_migration *migration = inlay_set_find(set, version);

    err->version = version;
    if (migration != NULL)
        inlay_error_file(err, set, &migration->up);
}

/* "3, 4 and 12 more", of those that the range is known to have. */
static void list_missing(const struct plan *plan, const struct inlay_range *range,
                         struct inlay_error *err)
{
    struct version_list list = {.buffer = err->detail, .size = sizeof err->detail};

    for (size_t i = 0; i < range->version_count; i++) {
        if (inlay_squash_is_done(plan, range->versions[i]))
            continue;
        if (list.count == 0)
            inlay_text_add(err->detail, sizeof err->detail, "not applied: ");
        inlay_versions_add(&list, range->versions[i]);
    }
    inlay_versions_end(&list);
}

static int refuse_partly(const struct inlay_set *set, const struct plan *plan,
                         const struct plan_cover *cover, struct inlay_error *err)
{
    bool embedded = inlay_set_find(set, cover->last) != NULL;

    inlay_error_set(
        err, INLAY_E_MISMATCH,
        "version %lld replaces %lld..%lld: %zu of them %s applied here, and version %lld "
        "is not",
        (long long)cover->version, (long long)cover->first, (long long)cover->last, cover->rows,
        cover->rows == 1 ? "is" : "are", (long long)cover->missing);
    blame_version(err, set, cover->version);
    list_missing(plan, cover->range, err);
    if (cover->range->version_count == 0)
        inlay_text_put(err->detail, sizeof err->detail,
                       "this binary does not know which versions there were, so that it takes "
                       "every number for one");
    if (embedded)
        inlay_text_put(err->hint, sizeof err->hint,
                       "apply what is missing first: --migrate-to %lld; then run again",
                       (long long)cover->last);
    else
        inlay_text_put(err->hint, sizeof err->hint,
                       "run the newest release that still has these files, then this one; if all "
                       "that there ever was is applied, say so: --migrate-mark %lld; if this is "
                       "another program's history, use another: --migrate-history SCHEMA.TABLE",
                       (long long)cover->version);
    return err->code;
}

/* Its text would make what the migrations above it were built on, once more. */
static int refuse_above(const struct inlay_set *set, const struct plan_cover *cover,
                        const struct plan_entry *above, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld replaces %lld..%lld, of which nothing is applied here; but "
                    "version %lld (%s), which comes after, is",
                    (long long)cover->version, (long long)cover->first, (long long)cover->last,
                    (long long)above->version, above->row->name);
    blame_version(err, set, cover->version);
    inlay_text_put(err->hint, sizeof err->hint,
                   "this database is not empty, and to run it here could do damage; if what it "
                   "makes is there, say so: --migrate-mark %lld",
                   (long long)cover->version);
    return err->code;
}

/* Where it was recorded, the file that came later is the one without a row; where it ran, only the
 * number of files tells that there is one more. */
static int refuse_new(const struct inlay_set *set, const struct plan_cover *cover,
                      const struct plan_entry *entry, struct inlay_error *err)
{
    char newcomer[160];

    if (entry != NULL)
        inlay_text_put(newcomer, sizeof newcomer, "version %lld (%.100s)",
                       (long long)entry->version, entry->migration->name);
    else
        inlay_text_put(newcomer, sizeof newcomer, "one of the %zu files of these in this binary",
                       cover->embedded);
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld replaces %lld..%lld, and %s was not there when it was applied",
                    (long long)cover->version, (long long)cover->first, (long long)cover->last,
                    newcomer);
    blame_version(err, set, entry != NULL ? entry->version : cover->version);
    inlay_text_put(err->hint, sizeof err->hint,
                   "give that file a number above %lld, or it would never run here",
                   (long long)cover->version);
    return err->code;
}

/* A pending version in a range. */
static const struct plan_entry *pending_within(const struct plan *plan,
                                               const struct plan_cover *cover)
{
    for (size_t i = inlay_plan_at(plan, cover->first);
         i < plan->count && plan->entries[i].version <= cover->last; i++)
        if (plan->entries[i].state == INLAY_STATE_PENDING)
            return &plan->entries[i];
    return NULL;
}

static const struct plan_entry *row_above(const struct plan *plan, int64_t version)
{
    for (size_t i = inlay_plan_at(plan, version + 1); i < plan->count; i++)
        if (plan->entries[i].row != NULL)
            return &plan->entries[i];
    return NULL;
}

static int verdict_applied(const struct inlay_set *set, const struct plan *plan,
                           const struct plan_cover *cover, struct inlay_error *err)
{
    const struct plan_entry *entry = pending_within(plan, cover);

    if (entry != NULL)
        return refuse_new(set, cover, entry, err);
    if (cover->rows == 0 && cover->count > 0 && cover->embedded > (size_t)cover->count)
        return refuse_new(set, cover, NULL, err);
    return INLAY_OK;
}

static int verdict_one(const struct inlay_set *set, const struct plan *plan,
                       const struct plan_cover *cover, int64_t last, struct inlay_error *err)
{
    const struct plan_entry *own = inlay_plan_find(plan, cover->version);
    const struct plan_entry *above = row_above(plan, cover->last);

    if (cover->state == COVER_APPLIED)
        return verdict_applied(set, plan, cover, err);
    if (own->state != INLAY_STATE_PENDING || cover->version > last)
        return INLAY_OK;
    if (cover->state == COVER_PARTLY)
        return refuse_partly(set, plan, cover, err);
    if (cover->state == COVER_RUNS && above != NULL)
        return refuse_above(set, cover, above, err);
    return INLAY_OK;
}

int inlay_squash_verdict(const struct inlay_set *set, const struct plan *plan, int64_t last,
                         struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (size_t i = 0; rc == INLAY_OK && i < plan->cover_count; i++)
        rc = verdict_one(set, plan, &plan->covers[i], last, err);
    return rc;
}

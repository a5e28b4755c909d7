/* Refuses what would run in the place of others, or beside them, where it must not. Asks no server.
 */
#include "base/versions.h"
#include "plan/squash.h"

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

/* What is missing is not to be had: its file is not embedded any more. */
static int refuse_partly(const struct inlay_set *set, const struct plan *plan,
                         const struct plan_cover *cover, struct inlay_error *err)
{
    char applied[64] = "one of them is half done";

    if (cover->rows > 0)
        inlay_text_put(applied, sizeof applied, "%zu of them %s applied", cover->rows,
                       cover->rows == 1 ? "is" : "are");
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld replaces %lld..%lld: %s here, and version %lld is not%s",
                    (long long)cover->version, (long long)cover->first, (long long)cover->last,
                    applied, (long long)cover->missing, cover->rows > 0 ? "" : " applied");
    blame_version(err, set, cover->version);
    list_missing(plan, cover->range, err);
    if (cover->range->version_count == 0)
        inlay_text_put(err->detail, sizeof err->detail,
                       "this binary does not know which versions there were, so that it takes "
                       "every number for one");
    inlay_text_put(err->hint, sizeof err->hint,
                   "run the newest release that still has these files, then this one; if all that "
                   "there ever was is applied, say so: --migrate-mark %lld; if this is another "
                   "program's history, use another: --migrate-history SCHEMA.TABLE",
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

/* As many files as there were then: none is new, and a row was removed. */
static int refuse_without_row(const struct inlay_set *set, const struct plan_cover *cover,
                              const struct plan_entry *entry, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld replaces %lld..%lld and is applied, but version %lld (%.100s) "
                    "has no row",
                    (long long)cover->version, (long long)cover->first, (long long)cover->last,
                    (long long)entry->version, entry->migration->name);
    blame_version(err, set, entry->version);
    inlay_text_put(err->hint, sizeof err->hint,
                   "if what it makes is here, record it: --migrate-mark %lld; if its file is newer "
                   "than version %lld, give it a number above that",
                   (long long)entry->version, (long long)cover->version);
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
    if (entry != NULL)
        inlay_text_add(err->hint, sizeof err->hint,
                       "; if what it makes is here, record it: --migrate-mark %lld",
                       (long long)entry->version);
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

    if (entry != NULL && cover->count > 0 && cover->embedded <= (size_t)cover->count)
        return refuse_without_row(set, cover, entry, err);
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

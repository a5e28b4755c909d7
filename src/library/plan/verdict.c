#include "plan/verdict.h"
#include "plan/squash.h"

#include <string.h>

/* Names the migration of an entry as the culprit. */
static void blame_entry(struct inlay_error *err, const struct inlay_set *set,
                        const struct plan_entry *entry)
{
    err->version = entry->version;
    if (entry->migration != NULL)
        inlay_error_file(err, set, &entry->migration->up);
}

static void list_rest(struct inlay_error *err, const struct plan *plan, enum inlay_state state,
                      size_t count)
{
    char versions[256];

    if (count < 2)
        return;
    inlay_plan_versions(plan, state, versions, sizeof versions);
    inlay_text_put(err->detail, sizeof err->detail, "%zu versions are %s: %s", count,
                   inlay_state_name(state), versions);
}

static int refuse_renamed(const struct inlay_set *set, const struct plan *plan,
                          const struct history_name *name, struct inlay_error *err)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_RENAMED);
    char literal[300];

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld was applied as \"%s\" and is now named \"%s\"",
                    (long long)entry->version, entry->row->name, entry->migration->name);
    blame_entry(err, set, entry);
    list_rest(err, plan, INLAY_STATE_RENAMED, plan->renamed);
    inlay_text_quote(literal, sizeof literal, entry->migration->name, '\'');
    inlay_text_put(err->hint, sizeof err->hint,
                   "if this is a different migration, renumber it. If only the file was renamed, "
                   "rename it back, or: --migrate-accept %lld, or\nUPDATE %s SET name = %s WHERE "
                   "version = %lld;",
                   (long long)entry->version, name->quoted, literal, (long long)entry->version);
    return err->code;
}

/* Not frozen, nothing is applied above it and it can be undone: most likely a draft. */
static bool may_be_redone(const struct plan *plan, const struct plan_entry *entry)
{
    const struct inlay_script *down = &entry->migration->down;

    if ((entry->migration->up.flags & INLAY_SCRIPT_FROZEN) != 0)
        return false;
    for (const struct plan_entry *above = entry + 1; above < plan->entries + plan->count; above++)
        if (above->row != NULL)
            return false;
    return down->text != NULL || down->function != NULL;
}

static int refuse_edited(const struct inlay_set *set, const struct plan *plan,
                         const struct history_name *name, struct inlay_error *err)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_EDITED);

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld (%s) was edited after it was applied: the history has sha256 "
                    "%.*s..., this binary %.12s...",
                    (long long)entry->version, entry->migration->name,
                    (int)inlay_text_fitting(entry->row->checksum, 12), entry->row->checksum,
                    entry->migration->sha256);
    blame_entry(err, set, entry);
    list_rest(err, plan, INLAY_STATE_EDITED, plan->edited);
    inlay_text_put(err->hint, sizeof err->hint,
                   "%srestore the file and put the change into a new migration. If the database "
                   "already matches the new text: --migrate-accept %lld, or\nUPDATE %s SET "
                   "checksum = '%s' WHERE version = %lld;",
                   may_be_redone(plan, entry)
                       ? "--migrate-redo undoes it and applies it as it is now; or "
                       : "",
                   (long long)entry->version, name->quoted, entry->migration->sha256,
                   (long long)entry->version);
    return err->code;
}

static bool same_content(const struct inlay_migration *migration, const struct history_row *row)
{
    return row->checksum != NULL && strcmp(migration->sha256, row->checksum) == 0;
}

/* The pending migration with the name of this row; of several the one with its content. */
static const struct plan_entry *pending_with_name(const struct plan *plan,
                                                  const struct history_row *row)
{
    const struct plan_entry *named = NULL;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->state != INLAY_STATE_PENDING || strcmp(entry->migration->name, row->name) != 0)
            continue;
        if (named == NULL || same_content(entry->migration, row))
            named = entry;
    }
    return named;
}

/* An applied version that is gone while its name waits under another version. */
static int refuse_renumbered(const struct inlay_set *set, const struct plan_entry *unknown,
                             const struct plan_entry *pending, const struct history_name *name,
                             struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "\"%s\" was applied as version %lld and is now version %lld: renumbered after "
                    "it was applied",
                    unknown->row->name, (long long)unknown->version, (long long)pending->version);
    blame_entry(err, set, pending);
    inlay_text_put(err->hint, sizeof err->hint,
                   "give the file its old number back, or move the row to the new one:\n"
                   "UPDATE %s SET version = %lld WHERE version = %lld;",
                   name->quoted, (long long)pending->version, (long long)unknown->version);
    return err->code;
}

static int refuse_diverged(const struct inlay_set *set, const struct plan *plan,
                           const struct plan_entry *unknown, const struct history_name *name,
                           struct inlay_error *err)
{
    const struct plan_entry *pending = pending_with_name(plan, unknown->row);
    char kept[96];

    if (pending != NULL)
        return refuse_renumbered(set, unknown, pending, name, err);
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "the histories have diverged: the database has version %lld (%s), which this "
                    "binary lacks, and this binary has %zu pending migration%s",
                    (long long)unknown->version, unknown->row->name, plan->pending,
                    plan->pending == 1 ? "" : "s");
    err->version = unknown->version;
    list_rest(err, plan, INLAY_STATE_UNKNOWN, plan->unknown);
    inlay_text_put(err->hint, sizeof err->hint,
                   "build from a tree that has both%s; if version %lld was undone by hand, remove "
                   "its row:\nDELETE FROM %s WHERE version = %lld;",
                   inlay_plan_kept(unknown, kept), (long long)unknown->version, name->quoted,
                   (long long)unknown->version);
    return err->code;
}

static int refuse_unknown(const struct plan *plan, struct inlay_error *err)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_UNKNOWN);
    char kept[96];

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld (%s) is applied but not in this binary, and strict mode refuses "
                    "that",
                    (long long)entry->version, entry->row->name);
    err->version = entry->version;
    list_rest(err, plan, INLAY_STATE_UNKNOWN, plan->unknown);
    inlay_text_put(err->hint, sizeof err->hint,
                   "run the binary that has it; without strict mode an older binary may boot on a "
                   "newer database%s",
                   inlay_plan_kept(entry, kept));
    return err->code;
}

static bool embeds_name(const struct inlay_set *set, const char *name)
{
    for (size_t i = 0; i < set->migration_count; i++)
        if (strcmp(set->migrations[i].name, name) == 0)
            return true;
    return false;
}

/* Not one recorded name is embedded, under whatever version, and no content either: the table is
 * somebody else's. */
static bool is_another_set(const struct inlay_set *set, const struct plan *plan)
{
    size_t rows = 0;

    if (set->migration_count == 0 || plan->applied + plan->edited > 0 ||
        inlay_squash_related(set, plan))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->row == NULL)
            continue;
        rows++;
        if (embeds_name(set, entry->row->name) ||
            (entry->migration != NULL && same_content(entry->migration, entry->row)))
            return false;
    }
    return rows > 0;
}

static int refuse_another_set(const struct plan *plan, const struct history_name *name,
                              struct inlay_error *err)
{
    const struct plan_entry *entry = plan->entries;

    while (entry->row == NULL)
        entry++;
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "the history %s belongs to another set of migrations: none of its names is in "
                    "this binary (it begins with version %lld, \"%s\")",
                    name->text, (long long)entry->version, entry->row->name);
    inlay_text_put(err->hint, sizeof err->hint,
                   "check that this is the right database; if two programs share it, give this "
                   "one a history of its own: --migrate-history SCHEMA.TABLE, or "
                   "inlay embed --history SCHEMA.TABLE");
    if (plan->cover_count > 0)
        inlay_text_put(err->detail, sizeof err->detail,
                       "version %lld replaces %lld..%lld: if all of these are applied, a newer or "
                       "an older build of this program may have been here",
                       (long long)plan->covers[0].version, (long long)plan->covers[0].first,
                       (long long)plan->covers[0].last);
    return err->code;
}

/* Is this a pending migration under its old number? Its name and its content tell. */
static bool was_ours(const struct plan *plan, const struct history_row *row)
{
    const struct plan_entry *pending = pending_with_name(plan, row);

    return pending != NULL && same_content(pending->migration, row);
}

/* An unknown row below the newest embedded version: somebody applied what this tree never had.
 * Above it a row is a newer binary's, unless what it records would run a second time. */
static const struct plan_entry *find_divergence(const struct inlay_set *set,
                                                const struct plan *plan)
{
    if (plan->pending == plan->pending_repeatables)
        return NULL;
    int64_t newest = set->migrations[set->migration_count - 1].version;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->state == INLAY_STATE_UNKNOWN &&
            (entry->version < newest || was_ours(plan, entry->row)))
            return entry;
    }
    return NULL;
}

int inlay_verdict(const struct inlay_set *set, const struct plan *plan,
                  const struct history_name *name, bool strict, int64_t last,
                  struct inlay_error *err)
{
    const struct plan_entry *divergence = find_divergence(set, plan);

    if (is_another_set(set, plan))
        return refuse_another_set(plan, name, err);
    if (plan->renamed > 0)
        return refuse_renamed(set, plan, name, err);
    if (plan->edited > 0)
        return refuse_edited(set, plan, name, err);
    if (inlay_squash_verdict(set, plan, last, err) != INLAY_OK)
        return err->code;
    if (divergence != NULL)
        return refuse_diverged(set, plan, divergence, name, err);
    if (strict && plan->unknown > 0)
        return refuse_unknown(plan, err);
    return INLAY_OK;
}

/* ---- late versions ---- */

int inlay_verdict_late(const struct inlay_set *set, const struct plan *plan, int64_t up_to,
                       struct inlay_error *err)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_PENDING);
    int64_t newest = inlay_plan_newest(plan, up_to);
    char versions[256];
    size_t late = inlay_plan_late(plan, up_to, versions, sizeof versions);

    if (late == 0)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld (%s) comes late: version %lld is applied, and late versions are "
                    "refused",
                    (long long)entry->version, entry->migration->name, (long long)newest);
    blame_entry(err, set, entry);
    if (late > 1)
        inlay_text_put(err->detail, sizeof err->detail, "%zu versions are late: %s", late,
                       versions);
    inlay_text_put(err->hint, sizeof err->hint,
                   "give the file a number above %lld and build again; or apply it all the same: "
                   "without --migrate-late=refuse, and from a set that was embedded without "
                   "--late=refuse; or, if the database has it already: --migrate-mark %lld",
                   (long long)newest, (long long)entry->version);
    return err->code;
}

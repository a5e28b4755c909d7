/* Refuses a plan that must not run, and says why: edited, renamed, diverged. Asks no server. */
#include "plan/verdict.h"
#include "plan/squash.h"

#include <string.h>

/* Of a text without a byte. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

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

/* Two sets may both begin with a version 1 called "init". */
static void suspect_set(const struct plan *plan, struct inlay_error *err)
{
    if (plan->applied == 0 && plan->renamed + plan->edited + plan->unknown > 1)
        inlay_text_add(err->detail, sizeof err->detail,
                       "%sno applied migration is in this binary as it was: if another program "
                       "has its history here, give this one its own: --migrate-history "
                       "SCHEMA.TABLE, or inlay embed --history SCHEMA.TABLE",
                       err->detail[0] != '\0' ? "; " : "");
}

static bool is_ascii(const char *text)
{
    while (*text > 0)
        text++;
    return *text == '\0';
}

/* Two names may look the same and not be: their bytes tell. */
static void spell_out(struct inlay_error *err, const char *recorded, const char *embedded)
{
    const char *names[] = {recorded, embedded};

    if (is_ascii(recorded) && is_ascii(embedded))
        return;
    inlay_text_add(err->detail, sizeof err->detail,
                   "%sthe bytes of these names:", err->detail[0] != '\0' ? "; " : "");
    for (size_t i = 0; i < 2; i++) {
        inlay_text_add(err->detail, sizeof err->detail, i == 0 ? " " : " and ");
        for (const unsigned char *byte = (const unsigned char *)names[i]; *byte != 0; byte++)
            inlay_text_add(err->detail, sizeof err->detail, *byte < 0x80 ? "%c" : "\\x%02x", *byte);
    }
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
    suspect_set(plan, err);
    spell_out(err, entry->row->name, entry->migration->name);
    inlay_text_quote(literal, sizeof literal, entry->migration->name, '\'');
    inlay_text_put(err->hint, sizeof err->hint,
                   "if this is a different migration, renumber it. If only the file was renamed, "
                   "rename it back, or: --migrate-accept %lld, or\nUPDATE %s SET name = %s WHERE "
                   "version = %lld;",
                   (long long)entry->version, name->quoted, literal, (long long)entry->version);
    return err->code;
}

/* Not frozen, and nothing is applied above it. */
static bool is_draft(const struct plan *plan, const struct plan_entry *entry)
{
    if ((entry->migration->up.flags & INLAY_SCRIPT_FROZEN) != 0)
        return false;
    for (const struct plan_entry *above = entry + 1; above < plan->entries + plan->count; above++)
        if (above->row != NULL)
            return false;
    return true;
}

static bool was_empty(const struct plan_entry *entry)
{
    return strcmp(entry->row->checksum, EMPTY_SHA256) == 0;
}

/* The way in which an edited migration can run as it is now, or "". Undoing it may cost data, so
 * this is not the first thing that is said. */
static const char *redo_draft(const struct plan *plan, const struct plan_entry *entry)
{
    const struct inlay_script *down = &entry->migration->down;

    if (was_empty(entry) || entry->recorded || !is_draft(plan, entry))
        return "";
    if (down->text != NULL || down->function != NULL)
        return " If only your own database has it: --migrate-redo undoes it and applies it as it "
               "is now.";
    return " If it did nothing yet when it was applied: --migrate-redo "
           "--migrate-skip-missing-down applies it as it is now.";
}

static int refuse_edited(const struct inlay_set *set, const struct plan *plan,
                         const struct history_name *name, struct inlay_error *err)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_EDITED);
    char again[128] = "";

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld (%s) was edited after it was applied: the history has sha256 "
                    "%.*s..., this binary %.12s...",
                    (long long)entry->version, entry->migration->name,
                    (int)inlay_text_fitting(entry->row->checksum, 12), entry->row->checksum,
                    entry->migration->sha256);
    blame_entry(err, set, entry);
    list_rest(err, plan, INLAY_STATE_EDITED, plan->edited);
    suspect_set(plan, err);
    if (was_empty(entry))
        inlay_text_put(again, sizeof again,
                       "the file was empty when it was applied: --migrate-unmark %lld, and it "
                       "runs as it is now; or ",
                       (long long)entry->version);
    inlay_text_put(err->hint, sizeof err->hint,
                   "%srestore the file and put the change into a new migration (inlay new).%s If "
                   "the database already matches the new text: --migrate-accept %lld, or\nUPDATE "
                   "%s SET checksum = '%s' WHERE version = %lld;",
                   again, redo_draft(plan, entry), (long long)entry->version, name->quoted,
                   entry->migration->sha256, (long long)entry->version);
    return err->code;
}

/* The schema of a version that counts as applied is not there as a whole. */
static int refuse_half_undone(const struct inlay_set *set, const struct plan_entry *entry,
                              struct inlay_error *err)
{
    const struct inlay_migration *migration = entry->migration;
    long long done = (long long)entry->partial->done;

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld (%s) is half undone: its down script has "
                    "begun and has not ended",
                    (long long)entry->version, migration->name);
    err->version = entry->version;
    inlay_error_file(err, set, migration->down.text != NULL ? &migration->down : &migration->up);
    if (done > 0)
        inlay_text_put(err->detail, sizeof err->detail, "done so far: %lld statement%s", done,
                       done == 1 ? "" : "s");
    inlay_text_put(err->hint, sizeof err->hint,
                   "to undo the rest: --migrate-down batch or N, or --migrate-to VERSION. "
                   "To keep version %lld, put back by hand what was undone, then --migrate-mark "
                   "%lld",
                   (long long)entry->version, (long long)entry->version);
    return err->code;
}

static const struct plan_entry *find_half_undone(const struct plan *plan, int64_t last)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].half_undone && plan->entries[i].version <= last)
            return &plan->entries[i];
    return NULL;
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

/* Perhaps it has another name as well. */
static const struct plan_entry *pending_with_content(const struct plan *plan,
                                                     const struct history_row *row)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->state == INLAY_STATE_PENDING && same_content(entry->migration, row))
            return entry;
    }
    return NULL;
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

static void suspect_renumbering(const struct plan *plan, const struct plan_entry *unknown,
                                struct inlay_error *err)
{
    const struct plan_entry *same = pending_with_content(plan, unknown->row);

    if (same != NULL)
        inlay_text_add(err->detail, sizeof err->detail,
                       "%sversion %lld (%s) has the same text as version %lld: if it was only "
                       "renumbered and renamed, name its file as it was",
                       err->detail[0] != '\0' ? "; " : "", (long long)same->version,
                       same->migration->name, (long long)unknown->version);
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
    suspect_renumbering(plan, unknown, err);
    inlay_text_put(err->hint, sizeof err->hint,
                   "put its file back if it was deleted, or build from a tree that has both%s; if "
                   "version %lld was undone by hand, remove "
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
        if (strcmp(inlay_set_migration(set, i)->name, name) == 0)
            return true;
    return false;
}

/* Not one recorded name is embedded, under whatever version, and no content either: the table is
 * another program's. */
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

/* An unknown row below the newest embedded version: another tree had what this one never had.
 * Above it a row is a newer binary's, unless what it records would run a second time. */
static const struct plan_entry *find_divergence(const struct inlay_set *set,
                                                const struct plan *plan)
{
    if (plan->pending == plan->pending_repeatables)
        return NULL;
    int64_t newest = inlay_set_migration(set, set->migration_count - 1)->version;
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
    const struct plan_entry *half = find_half_undone(plan, last);

    if (is_another_set(set, plan))
        return refuse_another_set(plan, name, err);
    if (plan->renamed > 0)
        return refuse_renamed(set, plan, name, err);
    if (plan->edited > 0)
        return refuse_edited(set, plan, name, err);
    if (half != NULL)
        return refuse_half_undone(set, half, err);
    if (inlay_squash_verdict(set, plan, last, err) != INLAY_OK)
        return err->code;
    if (divergence != NULL)
        return refuse_diverged(set, plan, divergence, name, err);
    if (strict && plan->unknown > 0)
        return refuse_unknown(plan, err);
    return INLAY_OK;
}

/* Reads the rows of another tool's table: which versions they say are applied, and how these
 * compare with a set. Asks no server. */
#include "foreign/foreign.h"
#include "base/text.h"
#include "foreign/match.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    const struct foreign_tool *tool;
    const struct inlay_set *set;
    const char *quoted;
    struct foreign_record *record;
};

static int refuse_text(const struct reader *reader, const char *fault, const char *text,
                       const char *hint, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "%s has a row %s: \"%.*s\"", reader->quoted, fault,
                    (int)inlay_text_fitting(text, 100), text);
    inlay_text_put(err->hint, sizeof err->hint, "%s", hint);
    return err->code;
}

/* Either of the two may be what is applied. */
static int refuse_number(const struct reader *reader, const char *text, int64_t version,
                         struct inlay_error *err)
{
    refuse_text(
        reader, "whose number is not that of its migration", text,
        "name the file with the number that it had; or, if only numbers have changed since, "
        "leave them out: --migrate-adopt 'query=SELECT ... AS name FROM ...'",
        err);
    inlay_text_put(err->detail, sizeof err->detail, "here that name is version %lld",
                   (long long)version);
    return err->code;
}

static int refuse_name(const struct reader *reader, const char *text, enum match match,
                       struct inlay_error *err)
{
    if (match == MATCH_SEVERAL)
        return refuse_text(reader, "whose name is that of several migrations", text,
                           "upper and lower case are the same here: say the version, or the file",
                           err);
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        return refuse_text(reader, "that names no migration of this binary", text,
                           "a number alone is no name of a file; where the numbers are versions: "
                           "--migrate-adopt 'query=SELECT ... AS version FROM ...'",
                           err);
    return refuse_text(reader, "that names no migration of this binary", text,
                       "was its file renamed or removed since, or, where files are known by "
                       "their hash, edited? Put it back; or record by hand what is applied: "
                       "--migrate-baseline VERSION, --migrate-mark VERSION",
                       err);
}

static int refuse_no_version(const struct reader *reader, const char *text, struct inlay_error *err)
{
    const char *hint =
        reader->tool == &inlay_tool_of_a_query
            ? "version, through and baseline take a number, name takes a name that this binary has"
            : "a version is a whole number here, or a name that this binary has; record by hand "
              "what is applied: --migrate-baseline VERSION, --migrate-mark VERSION";

    if (text != NULL)
        return refuse_text(reader, "whose version is not one", text, hint, err);
    inlay_error_set(err, INLAY_E_REFUSED, "%s has a row without a version", reader->quoted);
    inlay_text_put(err->hint, sizeof err->hint, "%s", hint);
    return err->code;
}

static int refuse_half_done(const struct reader *reader, const char *text, struct inlay_error *err)
{
    reader->record->half_done = true;
    inlay_error_set(err, INLAY_E_REFUSED, "%s says that version %.*s is half done", reader->quoted,
                    (int)inlay_text_fitting(text, 100), text);
    inlay_text_put(err->hint, sizeof err->hint,
                   "finish it by hand or undo it, and put its row in %s right; only after that "
                   "adopt",
                   reader->quoted);
    return err->code;
}

/* What is no tool keeps no rule of its own. */
static int refuse_several(const struct reader *reader, const char *what, struct inlay_error *err)
{
    if (reader->tool != &inlay_tool_of_a_query && !reader->tool->generic)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "%s has more than one row for %s, which is not how %s leaves it",
                               reader->quoted, what, reader->tool->name);
    inlay_error_set(err, INLAY_E_REFUSED, "%s has more than one row for %s", reader->quoted, what);
    inlay_text_put(err->hint, sizeof err->hint,
                   "a migration has one row; through or baseline has one in all");
    return err->code;
}

/* The next run takes the number behind the highest batch. */
static bool is_batch(const char *text)
{
    int64_t batch;

    return inlay_text_number(text, &batch) && batch >= 0 && batch <= INT32_MAX;
}

static int check_row(const struct reader *reader, const char *const *values,
                     struct inlay_error *err)
{
    const char *through =
        values[FOREIGN_THROUGH] != NULL ? values[FOREIGN_THROUGH] : values[FOREIGN_BASELINE];
    const char *batch = values[FOREIGN_BATCH];

    if (values[FOREIGN_HALF] != NULL)
        return refuse_half_done(reader, values[FOREIGN_HALF], err);
    if (through != NULL && (values[FOREIGN_VERSION] != NULL || values[FOREIGN_NAME] != NULL ||
                            (values[FOREIGN_THROUGH] != NULL && values[FOREIGN_BASELINE] != NULL)))
        return refuse_text(reader, "that says two things of versions", through,
                           "a row has a version or a name, or through, or baseline", err);
    if (batch != NULL && !is_batch(batch))
        return refuse_text(reader, "whose batch is not one", batch,
                           "a batch is a whole number below 2147483648", err);
    return INLAY_OK;
}

/* What is only a name is read as one. */
static int read_version(const struct reader *reader, const char *number, const char *name,
                        int64_t *version, struct inlay_error *err)
{
    if (number != NULL || name == NULL)
        return number != NULL &&
                       inlay_match_version(reader->set, number, reader->tool->points, version)
                   ? INLAY_OK
                   : refuse_no_version(reader, number, err);
    enum match match = inlay_match_name(reader->set, name, version);
    if (match == MATCH_VERSION)
        return INLAY_OK;
    return match == MATCH_OTHER_NUMBER ? refuse_number(reader, name, *version, err)
                                       : refuse_name(reader, name, match, err);
}

/* In the record's own order. */
static int read_row(const struct reader *reader, const struct foreign_row *row,
                    struct inlay_error *err)
{
    struct foreign_record *record = reader->record;
    const char *const *values = row->values;
    bool listed = values[FOREIGN_THROUGH] != NULL;
    bool through = listed || values[FOREIGN_BASELINE] != NULL;
    const char *number = values[listed    ? FOREIGN_THROUGH
                                : through ? FOREIGN_BASELINE
                                          : FOREIGN_VERSION];
    int64_t version = 0;

    if (check_row(reader, values, err) != INLAY_OK)
        return err->code;
    if (listed && record->through_listed)
        return refuse_several(reader, "its version", err);
    record->through_listed = record->through_listed || listed;
    if (read_version(reader, number, values[FOREIGN_NAME], &version, err) != INLAY_OK)
        return err->code;
    if (!through)
        record->versions[record->count++] = (struct foreign_version){version, row};
    else if (version > record->through)
        record->through = version;
    return INLAY_OK;
}

static int compare_versions(const void *left, const void *right)
{
    const struct foreign_version *a = left;
    const struct foreign_version *b = right;

    return (a->version > b->version) - (a->version < b->version);
}

static int sort(const struct reader *reader, struct inlay_error *err)
{
    struct foreign_version *versions = reader->record->versions;
    size_t count = reader->record->count;

    qsort(versions, count, sizeof *versions, compare_versions);
    for (size_t i = 1; i < count; i++) {
        const char *const *values = versions[i].row->values;
        if (versions[i].version == versions[i - 1].version)
            return refuse_several(
                reader, values[values[FOREIGN_VERSION] != NULL ? FOREIGN_VERSION : FOREIGN_NAME],
                err);
    }
    return INLAY_OK;
}

int inlay_foreign_read(const struct foreign_source *source, const struct inlay_set *set,
                       const char *quoted, const struct foreign_row *rows, size_t count,
                       struct foreign_record *record, struct inlay_error *err)
{
    const struct reader reader = {source->tool, set, quoted, record};

    *record = (struct foreign_record){.through = -1};
    record->versions = calloc(count + 1, sizeof *record->versions);
    if (record->versions == NULL)
        return inlay_error_memory(err);
    for (size_t i = 0; i < count; i++)
        if (read_row(&reader, &rows[i], err) != INLAY_OK)
            return err->code;
    return sort(&reader, err);
}

const struct foreign_row *inlay_foreign_find(const struct foreign_record *record, int64_t version,
                                             bool *applied)
{
    const struct foreign_version key = {version, NULL};
    const struct foreign_version *found =
        bsearch(&key, record->versions, record->count, sizeof *record->versions, compare_versions);

    *applied = found != NULL || version <= record->through;
    return found != NULL ? found->row : NULL;
}

/* Ours is that of the text with LF alone. */
static bool has_other_checksum(const struct inlay_migration *migration, const char *checksum)
{
    return strcmp(checksum, migration->sha256) != 0 &&
           (migration->up.text == NULL ||
            memchr(migration->up.text, '\r', migration->up.length) == NULL);
}

size_t inlay_foreign_changed(const struct inlay_set *set, const struct foreign_record *record,
                             const struct inlay_migration **first)
{
    size_t count = 0;

    for (size_t i = 0; i < record->count; i++) {
        const char *checksum = record->versions[i].row->values[FOREIGN_CHECKSUM];
        const struct inlay_migration *migration = inlay_set_find(set, record->versions[i].version);
        if (migration == NULL || checksum == NULL || !has_other_checksum(migration, checksum))
            continue;
        if (count++ == 0)
            *first = migration;
    }
    return count;
}

/* ---- record and set side by side ---- */

enum { SHOWN = 10 };

struct list {
    struct inlay_error *err; /* its detail is written */
    size_t count;
};

/* `name`: that of the other side, or NULL. */
static void add_to_list(struct list *list, const char *what, int64_t version, const char *name)
{
    struct inlay_error *err = list->err;

    if (err->version < 0)
        err->version = version;
    if (list->count == 0)
        inlay_text_add(err->detail, sizeof err->detail, "%s%s: %lld",
                       err->detail[0] != '\0' ? "\n" : "", what, (long long)version);
    else if (list->count <= SHOWN)
        inlay_text_add(err->detail, sizeof err->detail, list->count < SHOWN ? ", %lld" : ", ...",
                       (long long)version);
    if (name != NULL && list->count < SHOWN)
        inlay_text_add(err->detail, sizeof err->detail, " (%.*s)",
                       (int)inlay_text_fitting(name, 60), name);
    list->count++;
}

static bool is_renamed(const struct inlay_migration *migration, const struct foreign_row *row)
{
    const char *name = row->values[FOREIGN_NAME];

    return name != NULL && inlay_match_differs(migration, name, row->values[FOREIGN_VERSION]);
}

static void list_not_embedded(const struct inlay_set *set, const struct foreign_record *record,
                              struct inlay_error *err)
{
    static const char what[] = "applied there and not in this binary";
    struct list list = {.err = err};

    for (size_t i = 0; i < record->count; i++)
        if (inlay_set_find(set, record->versions[i].version) == NULL)
            add_to_list(&list, what, record->versions[i].version, NULL);
    if (record->through_listed && record->through >= 0 &&
        inlay_set_find(set, record->through) == NULL)
        add_to_list(&list, what, record->through, NULL);
}

static void list_not_applied(const struct inlay_set *set, const struct foreign_record *record,
                             struct inlay_error *err)
{
    struct list list = {.err = err};
    int64_t newest = record->count > 0 ? record->versions[record->count - 1].version : -1;
    bool applied;

    for (size_t i = 0; i < set->migration_count && inlay_set_migration(set, i)->version < newest;
         i++) {
        inlay_foreign_find(record, inlay_set_migration(set, i)->version, &applied);
        if (!applied)
            add_to_list(&list, "in this binary and not applied there, below the newest that is",
                        inlay_set_migration(set, i)->version, NULL);
    }
}

/* Returns how many are listed. */
static size_t list_renamed(const struct inlay_set *set, const struct foreign_record *record,
                           struct inlay_error *err)
{
    struct list list = {.err = err};

    for (size_t i = 0; i < record->count; i++) {
        const struct foreign_row *row = record->versions[i].row;
        const struct inlay_migration *migration = inlay_set_find(set, record->versions[i].version);
        if (migration != NULL && is_renamed(migration, row))
            add_to_list(&list, "of another name there", migration->version,
                        row->values[FOREIGN_NAME]);
    }
    return list.count;
}

/* How many versions are on both sides, whatever their names are. */
static size_t count_common(const struct inlay_set *set, const struct foreign_record *record)
{
    size_t count = 0;
    bool applied;

    for (size_t i = 0; i < set->migration_count; i++) {
        inlay_foreign_find(record, inlay_set_migration(set, i)->version, &applied);
        count += applied;
    }
    return count;
}

static const char *way_out(size_t common, size_t renamed)
{
    if (common == renamed)
        return "not one migration is the same: check that these are the right directory, in the "
               "right --layout, and the right database";
    if (renamed > 0)
        return "a version of another name is adopted with no option: is it another migration, or "
               "was its file renamed since? Name the file as it was; or compare no names: "
               "--migrate-adopt 'query=SELECT ... AS version FROM ...'";
    return "check that these are the right directory and database; --migrate-allow-missing adopts "
           "the rest: what is not in this binary is left out, and what is not applied there runs "
           "with the next start";
}

int inlay_foreign_compare(const struct inlay_set *set, const struct foreign_record *record,
                          const char *quoted, bool rest, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH, "%s and this binary do not have the same migrations",
                    quoted);
    if (!rest) {
        list_not_embedded(set, record, err);
        list_not_applied(set, record, err);
    }
    size_t renamed = list_renamed(set, record, err);
    if (err->version < 0) {
        inlay_error_clear(err);
        return INLAY_OK;
    }
    inlay_text_put(err->hint, sizeof err->hint, "%s", way_out(count_common(set, record), renamed));
    if (record->count == 1 && record->through < 0)
        inlay_text_add(err->hint, sizeof err->hint,
                       "; a counter is no list: --migrate-adopt 'query=SELECT ... AS through'");
    return err->code;
}

/* Reads the name of another tool's table, and which versions follow from its rows. Asks no
 * server. */
#include "foreign/foreign.h"
#include "foreign/tools.h"

#include <stdlib.h>
#include <string.h>

/* ---- TOOL=SCHEMA.TABLE.COLUMN ---- */

static bool copy_part(char to[64], const char *text, size_t length)
{
    if (length == 0 || length > 63)
        return false;
    memcpy(to, text, length);
    to[length] = '\0';
    return true;
}

static bool split_column(const char *text, struct foreign_source *source)
{
    return source->tool->columns[FOREIGN_VERSION].or_another && strchr(text, '.') == NULL &&
           copy_part(source->column, text, strlen(text));
}

static bool split_table(const char *text, struct foreign_source *source)
{
    size_t schema = strcspn(text, ".");
    const char *table = text + schema + 1;

    if (text[schema] == '\0' || !copy_part(source->schema, text, schema))
        return false;
    size_t length = strcspn(table, ".");
    return copy_part(source->table, table, length) &&
           (table[length] == '\0' || split_column(table + length + 1, source));
}

static const struct foreign_tool *find_tool(const char *text, size_t length)
{
    for (size_t i = 0; length > 0 && i < inlay_tool_count; i++)
        if (strlen(inlay_tools[i].name) == length && memcmp(inlay_tools[i].name, text, length) == 0)
            return &inlay_tools[i];
    return NULL;
}

static int refuse_source(struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "what is adopted is TOOL or TOOL=SCHEMA.TABLE");
    inlay_text_put(err->hint, sizeof err->hint, "tools are ");
    for (size_t i = 0; i < inlay_tool_count; i++)
        if (inlay_tools[i].name[0] != '\0')
            inlay_text_add(err->hint, sizeof err->hint, "%s%s%s", i > 0 ? ", " : "",
                           inlay_tools[i].name,
                           inlay_tools[i].table[0] == '\0' ? " (with its table)" : "");
    return err->code;
}

int inlay_foreign_parse(const char *text, struct foreign_source *source, struct inlay_error *err)
{
    size_t length = text != NULL ? strcspn(text, "=") : 0;

    memset(source, 0, sizeof *source);
    source->tool = find_tool(text, length);
    if (text == NULL || source->tool == NULL)
        return refuse_source(err);
    if (text[length] == '=')
        return split_table(text + length + 1, source) ? INLAY_OK : refuse_source(err);
    if (source->tool->table[0] == '\0')
        return refuse_source(err);
    inlay_text_put(source->table, sizeof source->table, "%s", source->tool->table);
    return INLAY_OK;
}

const char *inlay_foreign_name(const struct foreign_source *source)
{
    return source->tool->name;
}

size_t inlay_foreign_locks(const struct foreign_source *source, const char *schema,
                           const char *database, int64_t keys[FOREIGN_LOCKS])
{
    if (source->tool->locks != NULL)
        return source->tool->locks(source, schema, database, keys);
    keys[0] = source->tool->lock;
    return keys[0] != 0;
}

/* ---- its rows ---- */

struct reader {
    const struct foreign_tool *tool;
    const char *quoted;
    struct foreign_record *record;
    enum foreign_column version; /* the column that has it */
};

static int refuse_row(const struct reader *reader, const char *text, struct inlay_error *err)
{
    if (text == NULL)
        inlay_error_set(err, INLAY_E_REFUSED, "%s has a row without a version", reader->quoted);
    else
        inlay_error_set(err, INLAY_E_REFUSED, "%s has a row whose version is not one: \"%.*s\"",
                        reader->quoted, (int)inlay_text_fitting(text, 100), text);
    inlay_text_put(err->hint, sizeof err->hint,
                   "a version is a whole number here; record by hand what is applied: "
                   "--migrate-baseline VERSION, --migrate-mark VERSION");
    return err->code;
}

static int refuse_half_done(const struct reader *reader, const char *text, struct inlay_error *err)
{
    reader->record->half_done = true;
    inlay_error_set(err, INLAY_E_REFUSED, "%s says that version %s is half done", reader->quoted,
                    text != NULL ? text : "NULL");
    inlay_text_put(err->hint, sizeof err->hint,
                   "finish it by hand or undo it, then let %s know (its dirty flag, its row); only "
                   "after that adopt",
                   reader->tool->name);
    return err->code;
}

static int refuse_several(const struct reader *reader, const char *what, struct inlay_error *err)
{
    return inlay_error_set(err, INLAY_E_REFUSED,
                           "%s has more than one row for %s, which is not how %s leaves it",
                           reader->quoted, what, reader->tool->name);
}

static enum meaning meaning_of(const struct foreign_tool *tool, const struct foreign_row *row)
{
    return tool->meaning != NULL ? tool->meaning(row) : MEANS_APPLIED;
}

static int read_row(const struct reader *reader, const struct foreign_row *row,
                    struct inlay_error *err)
{
    const char *text = row->values[reader->version];
    enum meaning meaning = meaning_of(reader->tool, row);
    int64_t version;

    if (meaning == MEANS_NOTHING)
        return INLAY_OK;
    if (meaning == MEANS_HALF_DONE)
        return refuse_half_done(reader, text, err);
    bool (*parse)(const char *text, int64_t *number) =
        reader->version == FOREIGN_VERSION ? reader->tool->parse : inlay_text_number;
    if (text == NULL || !parse(text, &version) || version < 0)
        return refuse_row(reader, text, err);
    if (meaning != MEANS_THROUGH)
        reader->record->versions[reader->record->count++] = (struct foreign_version){version, row};
    else if (version > reader->record->through)
        reader->record->through = version;
    return INLAY_OK;
}

static enum foreign_column find_versions(const struct foreign_tool *tool,
                                         const struct foreign_row *rows, size_t count)
{
    int64_t version;

    for (size_t i = 0; tool->or_number && i < count; i++)
        if (rows[i].values[FOREIGN_VERSION] == NULL ||
            tool->parse(rows[i].values[FOREIGN_VERSION], &version))
            return FOREIGN_VERSION;
    return tool->or_number ? FOREIGN_NUMBER : FOREIGN_VERSION;
}

static int compare_versions(const void *left, const void *right)
{
    const struct foreign_version *a = left;
    const struct foreign_version *b = right;

    return (a->version > b->version) - (a->version < b->version);
}

/* The rows of one version in the order that they were read in. */
static int compare_in_order(const void *left, const void *right)
{
    const struct foreign_version *a = left;
    const struct foreign_version *b = right;
    int order = compare_versions(a, b);

    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

/* Leaves each version once, where its last row says that it is applied. */
static int keep_applied(const struct reader *reader, struct inlay_error *err)
{
    struct foreign_version *versions = reader->record->versions;
    size_t count = reader->record->count;
    size_t kept = 0;

    qsort(versions, count, sizeof *versions, compare_in_order);
    for (size_t i = 0; i < count; i++) {
        bool again = i + 1 < count && versions[i + 1].version == versions[i].version;
        if (again && !reader->tool->log)
            return refuse_several(reader, versions[i + 1].row->values[reader->version], err);
        if (!again && meaning_of(reader->tool, versions[i].row) == MEANS_APPLIED)
            versions[kept++] = versions[i];
    }
    reader->record->count = kept;
    return INLAY_OK;
}

int inlay_foreign_read(const struct foreign_source *source, const char *quoted,
                       const struct foreign_row *rows, size_t count, struct foreign_record *record,
                       struct inlay_error *err)
{
    const struct foreign_tool *tool = source->tool;
    const struct reader reader = {tool, quoted, record, find_versions(tool, rows, count)};

    *record = (struct foreign_record){.through = -1, .through_listed = tool->counter};
    record->versions = calloc(count + 1, sizeof *record->versions);
    if (record->versions == NULL)
        return inlay_error_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (tool->counter && i > 0)
            return refuse_several(&reader, "its version", err);
        if (read_row(&reader, &rows[i], err) != INLAY_OK)
            return err->code;
    }
    return keep_applied(&reader, err);
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

/* ---- record and set side by side ---- */

enum { SHOWN = 10 };

struct list {
    struct inlay_error *err; /* its detail is written */
    size_t count;
};

static void add_to_list(struct list *list, const char *what, int64_t version)
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
    list->count++;
}

static void list_not_embedded(const struct inlay_set *set, const struct foreign_record *record,
                              struct inlay_error *err)
{
    static const char what[] = "applied there and not in this binary";
    struct list list = {.err = err};

    for (size_t i = 0; i < record->count; i++)
        if (inlay_set_find(set, record->versions[i].version) == NULL)
            add_to_list(&list, what, record->versions[i].version);
    if (record->through_listed && record->through >= 0 &&
        inlay_set_find(set, record->through) == NULL)
        add_to_list(&list, what, record->through);
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
                        inlay_set_migration(set, i)->version);
    }
}

int inlay_foreign_compare(const struct inlay_set *set, const struct foreign_record *record,
                          const char *quoted, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH, "%s and this binary do not have the same migrations",
                    quoted);
    list_not_embedded(set, record, err);
    list_not_applied(set, record, err);
    if (err->version < 0) {
        inlay_error_clear(err);
        return INLAY_OK;
    }
    inlay_text_put(err->hint, sizeof err->hint,
                   "check that these are the right directory and database; --migrate-allow-missing "
                   "adopts the rest: what is not in this binary is left out, and what is not "
                   "applied there runs with the next start");
    return err->code;
}

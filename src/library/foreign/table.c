/* Decides whether a table is the one that a tool keeps, and which of its columns means what. Asks
 * no server. */
#include "foreign/table.h"
#include "foreign/tools.h"

#include <string.h>

/* OIDs that never change (pg_type.dat). */
static const struct {
    char what[16];
    int32_t types[3];
} families[] = {
    [FAMILY_NUMBER] = {"a whole number", {20, 21, 23}}, /* int8, int2, int4 */
    [FAMILY_TEXT] = {"text", {25, 1043, 1043}},         /* text, varchar */
    [FAMILY_BOOLEAN] = {"boolean", {16, 16, 16}},
    [FAMILY_TIME] = {"a time", {1184, 1114, 1114}}, /* timestamptz, timestamp */
};

static int refuse_table(const struct foreign_source *source, const char *quoted,
                        struct inlay_error *err, const char *what)
{
    inlay_error_set(err, INLAY_E_REFUSED, "%s is not a table of %s: it %s", quoted,
                    source->tool->name, what);
    inlay_text_put(err->hint, sizeof err->hint,
                   "say whose table it is: --migrate-adopt TOOL=SCHEMA.TABLE; or record by hand "
                   "what is applied: --migrate-baseline VERSION, --migrate-mark VERSION");
    return err->code;
}

static bool is_of_family(const struct foreign_attribute *attribute, enum family family)
{
    for (size_t i = 0; i < 3; i++)
        if (attribute->type == families[family].types[i])
            return true;
    return false;
}

static const struct foreign_attribute *find_named(const struct foreign_table *table,
                                                  const char *name)
{
    for (size_t i = 0; i < table->attribute_count; i++)
        if (strcmp(table->attributes[i].name, name) == 0)
            return &table->attributes[i];
    return NULL;
}

static const struct foreign_attribute *find_only(const struct foreign_table *table,
                                                 enum family family)
{
    const struct foreign_attribute *found = NULL;

    for (size_t i = 0; i < table->attribute_count; i++) {
        if (!is_of_family(&table->attributes[i], family))
            continue;
        if (found != NULL)
            return NULL;
        found = &table->attributes[i];
    }
    return found;
}

/* Fills the name, with NULL if there is no such column and none is needed. */
static int check_named(const struct foreign_source *source, const struct foreign_table *table,
                       const char *wanted, enum family family, const char **name,
                       struct inlay_error *err)
{
    const struct foreign_attribute *found = find_named(table, wanted);
    char what[200];

    *name = found != NULL && is_of_family(found, family) ? found->name : NULL;
    if (*name != NULL || wanted[0] == '\0')
        return INLAY_OK;
    if (found == NULL)
        inlay_text_put(what, sizeof what, "has no column \"%s\"", wanted);
    else
        inlay_text_put(what, sizeof what, "has a column \"%s\" that is not %s", wanted,
                       families[family].what);
    return refuse_table(source, table->quoted, err, what);
}

/* When it was applied need not be known. */
static const char *find_time(const struct foreign_table *table, const char *wanted)
{
    const struct foreign_attribute *found = find_named(table, wanted);

    if (found == NULL)
        found = find_only(table, FAMILY_TIME);
    return found != NULL && is_of_family(found, FAMILY_TIME) ? found->name : NULL;
}

static int check_other(const struct foreign_source *source, const struct foreign_table *table,
                       size_t which, const char **name, struct inlay_error *err)
{
    const struct tool_column *column = &source->tool->columns[which];

    if (which != FOREIGN_AT || !column->or_another)
        return check_named(source, table, column->name, column->family, name, err);
    *name = find_time(table, column->name);
    return INLAY_OK;
}

/* The column that was named, or the one of that name; else any column of text may hold them. */
static int check_versions(const struct foreign_source *source, const struct foreign_table *table,
                          struct foreign_columns *columns, size_t *count, struct inlay_error *err)
{
    const struct tool_column *column = &source->tool->columns[FOREIGN_VERSION];
    const char *wanted = source->column[0] != '\0' ? source->column : column->name;

    *count = 1;
    if (wanted == source->column || !column->or_another || find_named(table, wanted) != NULL)
        return check_named(source, table, wanted, column->family,
                           &columns[0].names[FOREIGN_VERSION], err);
    *count = 0;
    for (size_t i = 0; i < table->attribute_count; i++)
        if (is_of_family(&table->attributes[i], column->family))
            columns[(*count)++].names[FOREIGN_VERSION] = table->attributes[i].name;
    return *count > 0 ? INLAY_OK
                      : refuse_table(source, table->quoted, err, "has no column of text");
}

int inlay_foreign_check(const struct foreign_source *source, const struct foreign_table *table,
                        struct foreign_columns *columns, size_t *count, struct inlay_error *err)
{
    if (table->kind != 'r')
        return refuse_table(source, table->quoted, err, "is not an ordinary table");
    if (table->row_security)
        return refuse_table(source, table->quoted, err, "has row security, which hides rows");
    if (check_versions(source, table, columns, count, err) != INLAY_OK)
        return err->code;
    for (size_t i = FOREIGN_VERSION + 1; i < FOREIGN_COLUMNS; i++) {
        if (check_other(source, table, i, &columns[0].names[i], err) != INLAY_OK)
            return err->code;
        for (size_t other = 1; other < *count; other++)
            columns[other].names[i] = columns[0].names[i];
    }
    return INLAY_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

/* "2024-01-31T12:00", "1.0.2" and "20240131" begin with a number, too. */
bool inlay_foreign_is_name(const struct foreign_source *source, const char *text)
{
    int64_t version;

    if (text == NULL || !source->tool->parse(text, &version))
        return false;
    const char *slash = strrchr(text, '/');
    const char *rest = slash != NULL ? slash + 1 : text;
    size_t length = strlen(text);
    rest += strspn(rest, "0123456789");
    return is_letter(rest[strspn(rest, "_-.")]) ||
           (length >= 4 && strcmp(text + length - 4, ".sql") == 0);
}

int inlay_foreign_refuse_choice(const struct foreign_source *source, const char *quoted,
                                const struct foreign_columns *columns, size_t count,
                                struct inlay_error *err)
{
    char what[400];

    if (count == 0)
        inlay_text_put(what, sizeof what, "has no column that holds a file name in every row");
    else
        inlay_text_put(what, sizeof what, "has several columns of file names: \"%s\"",
                       columns[0].names[FOREIGN_VERSION]);
    for (size_t i = 1; i < count; i++)
        inlay_text_add(what, sizeof what, ", \"%s\"", columns[i].names[FOREIGN_VERSION]);
    refuse_table(source, quoted, err, what);
    inlay_text_put(err->hint, sizeof err->hint,
                   "name the column: --migrate-adopt %s=SCHEMA.TABLE.COLUMN; or record by hand "
                   "what is applied: --migrate-baseline VERSION, --migrate-mark VERSION",
                   source->tool->name);
    return err->code;
}

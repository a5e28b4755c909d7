#include "history/shape.h"
#include "history/columns.h"
#include "wire/result.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it has ---- */

/* In a list such as {1,NULL,"2 3"}: is one of its keys made of these columns, in whatever order? */
static bool has_key(const char *keys, const int *wanted, size_t count)
{
    size_t seen = 0;
    unsigned found = 0; /* a bit for each that is wanted */

    for (const char *at = keys; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            char *end;
            long number = strtol(at, &end, 10);
            for (size_t i = 0; i < count; i++)
                found |= wanted[i] == number ? 1u << i : 0;
            seen++;
            at = end - 1;
        } else if (*at == ',' || *at == '}') {
            if (seen == count && found == (1u << count) - 1)
                return true;
            seen = found = 0;
        }
    }
    return false;
}

static void describe_columns(struct shape *shape, const struct column *columns, size_t count,
                             const PGresult *result, const char *keys)
{
    int wanted[COLUMNS_MOST];
    size_t in_key = 0;

    for (size_t i = 0; i < count; i++) {
        int number = inlay_result_column(result, columns[i].name);
        shape->types[i] = number < 0 ? 0 : (int64_t)PQftype(result, number);
        if (columns[i].in_key)
            wanted[in_key++] = number < 0 ? 0 : PQftablecol(result, number);
    }
    shape->key = has_key(keys, wanted, in_key);
    shape->described = true;
}

void inlay_shape_describe_history(struct shape *shape, const PGresult *columns, const char *keys)
{
    describe_columns(shape, inlay_history_columns, HISTORY_COLUMNS, columns, keys);
}

void inlay_shape_describe_state(struct shape *shape, const PGresult *columns, const char *keys)
{
    describe_columns(shape, inlay_state_columns, STATE_COLUMNS, columns, keys);
}

/* ---- what it must have ---- */

static const char *kind_name(char kind)
{
    switch (kind) {
    case 'v':
        return "a view";
    case 'm':
        return "a materialized view";
    case 'f':
        return "a foreign table";
    case 'p':
        return "a partitioned table";
    case 'S':
        return "a sequence";
    case 'c':
        return "a composite type";
    default:
        return "not a table";
    }
}

static int refuse_shape(struct inlay_error *err, const char *quoted, const char *what,
                        const char *hint)
{
    inlay_error_set(err, INLAY_E_REFUSED, "%s %s", quoted, what);
    inlay_text_put(err->hint, sizeof err->hint,
                   "%s%sor use another table: --migrate-history "
                   "SCHEMA.TABLE",
                   hint, hint[0] != '\0' ? "; " : "");
    return err->code;
}

static int check_column(const struct column *column, int64_t type, const char *quoted,
                        struct inlay_error *err)
{
    char what[160];

    if (type == column->types[0] || type == column->types[1] || (type == 0 && !column->required))
        return INLAY_OK;
    if (type == 0)
        inlay_text_put(what, sizeof what, "has no column \"%s\": it is not a history of ours",
                       column->name);
    else
        inlay_text_put(what, sizeof what, "has a column \"%s\" that is not %s", column->name,
                       column->wanted);
    return refuse_shape(err, quoted, what, "");
}

static int check(const struct shape *shape, const struct column *columns, size_t count,
                 const char *quoted, const char *key, struct inlay_error *err)
{
    char what[160];

    if (shape->kind != 'r') {
        inlay_text_put(what, sizeof what, "is %s; the history must be an ordinary table",
                       kind_name(shape->kind));
        return refuse_shape(err, quoted, what, "");
    }
    for (size_t i = 0; i < count && shape->described; i++)
        if (check_column(&columns[i], shape->types[i], quoted, err) != INLAY_OK)
            return err->code;
    if (shape->persistence != 'p')
        return refuse_shape(err, quoted,
                            shape->persistence == 'u' ? "is unlogged: a crash would empty it"
                                                      : "is a temporary table",
                            shape->persistence == 'u' ? "ALTER TABLE ... SET LOGGED" : "");
    if (shape->described && !shape->key) {
        inlay_text_put(what, sizeof what, "has no unique key on %s", key);
        return refuse_shape(err, quoted, what, "add one: ALTER TABLE ... ADD PRIMARY KEY");
    }
    if (shape->row_security)
        return refuse_shape(err, quoted, "has row security, which hides rows from some roles",
                            "ALTER TABLE ... DISABLE ROW LEVEL SECURITY");
    if (shape->rules)
        return refuse_shape(err, quoted, "has rules, which rewrite what is recorded", "DROP RULE");
    if (shape->triggers)
        return refuse_shape(err, quoted, "has triggers, which can change or drop what is recorded",
                            "DROP TRIGGER");
    return INLAY_OK;
}

int inlay_shape_check_history(const struct shape *shape, const struct history_name *name,
                              struct inlay_error *err)
{
    return shape->exists
               ? check(shape, inlay_history_columns, HISTORY_COLUMNS, name->quoted, "version", err)
               : INLAY_OK;
}

int inlay_shape_check_state(const struct shape *shape, const struct history_name *name,
                            struct inlay_error *err)
{
    return shape->exists ? check(shape, inlay_state_columns, STATE_COLUMNS, name->quoted_state,
                                 "(kind, key)", err)
                         : INLAY_OK;
}

/* Reads what a table is, and refuses one that cannot hold a history: a view, one with triggers, one
 * without the key. */
#include "history/shape.h"
#include "history/columns.h"
#include "history/sql.h"
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
                   "%s%suse another table: --migrate-history SCHEMA.TABLE", hint,
                   hint[0] != '\0' ? "; or " : "");
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

#define HISTORY_KEY "version"
#define STATE_KEY_COLUMNS "(kind, key)"

/* The words of sql_fit.c for what is unfit, and ours. Of a table that is looked at we can say more
 * about its kind and its columns. */
enum fault {
    FAULT_KIND,
    FAULT_UNLOGGED,
    FAULT_COLUMNS,
    FAULT_KEY,
    FAULT_SECURITY,
    FAULT_RULES,
    FAULT_TRIGGERS,
    FAULT_CHILDREN,
    FAULT_OWNER, /* of a table that is looked at admission.c says more */
    FAULT_COUNT
};

static const char *const fault_words[FAULT_COUNT] = {
    "kind", "unlogged", "columns", "key", "security", "rules", "triggers", "children", "owner",
};

/* With the table between them where there is something after it. */
static const struct {
    const char *before, *after;
} repairs[FAULT_COUNT] = {
    {"", ""},
    {"ALTER TABLE ", " SET LOGGED"},
    {"", ""},
    {"add one: ALTER TABLE ", " ADD PRIMARY KEY "},
    {"ALTER TABLE ", " DISABLE ROW LEVEL SECURITY"},
    {"DROP RULE", ""},
    {"DROP TRIGGER", ""},
    {"ALTER TABLE ... NO INHERIT", ""},
    {"ALTER TABLE ... OWNER TO this role", ""},
};

static void put_repair(char hint[UNFIT_HINT_MOST], enum fault fault, const char *quoted,
                       const char *key)
{
    const char *after = repairs[fault].after;

    inlay_text_put(hint, UNFIT_HINT_MOST, "%s%s%s", repairs[fault].before,
                   after[0] != '\0' ? quoted : "", after);
    if (fault == FAULT_KEY)
        inlay_text_add(hint, UNFIT_HINT_MOST, key[0] == '(' ? "%s" : "(%s)", key);
}

static void put_what(char *what, size_t size, enum fault fault, const char *key)
{
    switch (fault) {
    case FAULT_UNLOGGED:
        inlay_text_put(what, size, "is unlogged: a crash would empty it");
        break;
    case FAULT_COLUMNS:
        inlay_text_put(what, size, "lacks a column that inlay needs, or has it with another type");
        break;
    case FAULT_KEY:
        inlay_text_put(what, size, "has no unique key on %s", key);
        break;
    case FAULT_SECURITY:
        inlay_text_put(what, size, "has row security, which hides rows from this role");
        break;
    case FAULT_RULES:
        inlay_text_put(what, size, "has rules, which rewrite what is recorded");
        break;
    case FAULT_TRIGGERS:
        inlay_text_put(what, size, "has triggers, which can change or drop what is recorded");
        break;
    case FAULT_CHILDREN:
        inlay_text_put(what, size, "has tables that inherit from it, whose rows look like its own");
        break;
    case FAULT_OWNER:
        inlay_text_put(what, size, "belongs to a role that this one is no member of");
        break;
    default:
        inlay_text_put(what, size, "is not an ordinary table");
        break;
    }
}

static int refuse_fault(struct inlay_error *err, const char *quoted, enum fault fault,
                        const char *key)
{
    char what[128];
    char hint[UNFIT_HINT_MOST];

    put_what(what, sizeof what, fault, key);
    put_repair(hint, fault, quoted, key);
    return refuse_shape(err, quoted, what, hint);
}

static int check_columns(const struct shape *shape, const struct column *columns, size_t count,
                         const char *quoted, struct inlay_error *err)
{
    for (size_t i = 0; i < count && shape->described; i++)
        if (check_column(&columns[i], shape->types[i], quoted, err) != INLAY_OK)
            return err->code;
    return INLAY_OK;
}

static enum fault find_fault(const struct shape *shape)
{
    if (shape->persistence == 'u')
        return FAULT_UNLOGGED;
    if (shape->described && !shape->key)
        return FAULT_KEY;
    if (shape->hidden)
        return FAULT_SECURITY;
    if (shape->rules)
        return FAULT_RULES;
    if (shape->triggers)
        return FAULT_TRIGGERS;
    return shape->children ? FAULT_CHILDREN : FAULT_COUNT;
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
    if (check_columns(shape, columns, count, quoted, err) != INLAY_OK)
        return err->code;
    if (shape->persistence == 't')
        return refuse_shape(err, quoted, "is a temporary table", "");
    enum fault fault = find_fault(shape);
    return fault == FAULT_COUNT ? INLAY_OK : refuse_fault(err, quoted, fault, key);
}

int inlay_shape_check_history(const struct shape *shape, const struct history_name *name,
                              struct inlay_error *err)
{
    return shape->exists ? check(shape, inlay_history_columns, HISTORY_COLUMNS, name->quoted,
                                 HISTORY_KEY, err)
                         : INLAY_OK;
}

int inlay_shape_check_state(const struct shape *shape, const struct history_name *name,
                            struct inlay_error *err)
{
    return shape->exists ? check(shape, inlay_state_columns, STATE_COLUMNS, name->quoted_state,
                                 STATE_KEY_COLUMNS, err)
                         : INLAY_OK;
}

/* ---- what was raised ---- */

bool inlay_shape_fault(size_t place, const struct history_name *name,
                       char raised[UNFIT_RAISED_MOST], struct unfit *unfit)
{
    bool state = place >= FAULT_COUNT;
    size_t fault = state ? place - FAULT_COUNT : place;
    const char *key = state ? STATE_KEY_COLUMNS : HISTORY_KEY;

    if (fault >= FAULT_COUNT)
        return false;
    inlay_text_put(raised, UNFIT_RAISED_MOST, RAISED_UNFIT "%s %s", state ? "state" : "history",
                   fault_words[fault]);
    unfit->quoted = state ? name->quoted_state : name->quoted;
    put_repair(unfit->hint, (enum fault)fault, unfit->quoted, key);
    put_what(unfit->what, sizeof unfit->what, (enum fault)fault, key);
    return true;
}

bool inlay_shape_unfit(const PGresult *result, const struct history_name *name, struct unfit *unfit)
{
    char raised[UNFIT_RAISED_MOST];

    for (size_t place = 0; inlay_shape_fault(place, name, raised, unfit); place++)
        if (inlay_result_quotes(result, raised))
            return true;
    return false;
}

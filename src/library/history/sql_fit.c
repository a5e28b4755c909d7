/* Are our tables still what they have to be? The question that is asked inside a transaction, where
 * an answer that is bad must keep it from being committed. */
#include "history/sql.h"

#include <stdlib.h>

/* Raises where a table is unfit, and answers no row; shape.c has the words for each fault. What
 * stands in FROM names the tables and what each must have. One question for both, no EXISTS (which
 * is planned twice), and OFFSET, without which the faults would be looked for twice: to plan it is
 * what costs.
 */
#define FAULTS                                                                                     \
    "SELECT pg_catalog.concat('" RAISED_UNFIT "', f.which, ' ', f.fault)::integer"                 \
    " FROM (SELECT k.which, CASE"                                                                  \
    " WHEN c.relkind OPERATOR(pg_catalog.<>) 'r' THEN 'kind'"                                      \
    " WHEN c.relpersistence OPERATOR(pg_catalog.<>) 'p' THEN 'unlogged'"                           \
    " WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN 'owner'"                           \
    " WHEN (SELECT pg_catalog.count(*) FILTER (WHERE a.attname" EQ "ANY (k.required))"             \
    " OPERATOR(pg_catalog.<>) k.required_count OR pg_catalog.count(*) FILTER (WHERE"               \
    " NOT pg_catalog.concat(a.attname, ' ', a.atttypid)" EQ "ANY (k.types)"                        \
    " AND (SELECT y.typtype FROM pg_catalog.pg_type AS y WHERE y.oid" EQ "a.atttypid)"             \
    " OPERATOR(pg_catalog.<>) 'd') OPERATOR(pg_catalog.<>) 0"                                      \
    " FROM pg_catalog.pg_attribute AS a WHERE a.attrelid" EQ "c.oid"                               \
    " AND a.attname" EQ "ANY (k.names) AND NOT a.attisdropped) THEN 'columns'"                     \
    " WHEN (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index AS i WHERE i.indrelid" EQ "c.oid"  \
    " AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL"                 \
    " AND i.indexprs IS NULL AND i.indnatts" EQ "k.key_count AND (SELECT pg_catalog.count(*)"      \
    " FROM pg_catalog.pg_attribute AS a WHERE a.attrelid" EQ "c.oid AND a.attnum" EQ               \
    "ANY (i.indkey) AND a.attname" EQ "ANY (k.key))" EQ "k.key_count)" EQ "0 THEN 'key'"           \
    " WHEN pg_catalog.row_security_active(c.oid) THEN 'security'"                                  \
    " WHEN c.relhasrules AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_rewrite AS w"          \
    " WHERE w.ev_class" EQ "c.oid) OPERATOR(pg_catalog.<>) 0 THEN 'rules'"                         \
    " WHEN c.relhastriggers AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger AS t"       \
    " WHERE t.tgrelid" EQ "c.oid AND NOT t.tgisinternal) OPERATOR(pg_catalog.<>) 0 THEN"           \
    " 'triggers' WHEN c.relhassubclass AND (SELECT pg_catalog.count(*)"                            \
    " FROM pg_catalog.pg_inherits AS n WHERE n.inhparent" EQ "c.oid) OPERATOR(pg_catalog.<>) 0"    \
    " THEN 'children' END AS fault FROM (VALUES %s, %s)"                                           \
    " AS k (which, id, names, required, required_count, types, key, key_count)"                    \
    " JOIN pg_catalog.pg_class AS c ON c.oid" EQ "k.id OFFSET 0) AS f WHERE f.fault IS NOT NULL"

/* What a table must have, each the inside of an array. */
struct wanted {
    char names[128];
    char required[128];
    char types[512]; /* "name OID", both of those that will do */
    char key[64];
    size_t required_count;
    size_t key_count;
};

static void add_item(char *list, size_t size, const char *item)
{
    inlay_text_add(list, size, "%s%s", list[0] != '\0' ? "," : "", item);
}

static void list_wanted(const struct column *columns, size_t count, struct wanted *wanted)
{
    char type[64];

    *wanted = (struct wanted){.names = ""};
    for (size_t i = 0; i < count; i++) {
        add_item(wanted->names, sizeof wanted->names, columns[i].name);
        for (size_t t = 0; t < 2; t++) {
            inlay_text_put(type, sizeof type, "\"%s %lld\"", columns[i].name,
                           (long long)columns[i].types[t]);
            add_item(wanted->types, sizeof wanted->types, type);
        }
        if (columns[i].required)
            add_item(wanted->required, sizeof wanted->required, columns[i].name);
        if (columns[i].in_key)
            add_item(wanted->key, sizeof wanted->key, columns[i].name);
        wanted->required_count += columns[i].required;
        wanted->key_count += columns[i].in_key;
    }
}

/* A row of VALUES. The name of the table is a parameter of format(). */
static char *describe_wanted(const char *which, const char *parameter, const struct column *columns,
                             size_t count)
{
    struct wanted wanted;

    list_wanted(columns, count, &wanted);
    return inlay_text_new("('%s', pg_catalog.to_regclass(%s)::pg_catalog.oid,"
                          " '{%s}'::pg_catalog.name[], '{%s}'::pg_catalog.name[], %zu,"
                          " '{%s}'::pg_catalog.text[], '{%s}'::pg_catalog.name[], %zu)",
                          which, parameter, wanted.names, wanted.required, wanted.required_count,
                          wanted.types, wanted.key, wanted.key_count);
}

/* The catalogs take longer to ask than a small migration takes to run. A prepared statement knows
 * when that is in vain: what changes a table makes the server parse it again, and 'now' is the time
 * of the transaction in which it was parsed last. So the question itself is a text, which costs
 * nothing where it is not asked; one without rows needs no XML in the server. To row security a
 * role may become subject without such a change.
 *
 * The state table is not always there; one that comes must be fit. `fresh` is what has to hold
 * besides, for the question to be in vain. */
static char *compose(const struct history_name *name, bool state, const char *fresh,
                     const char *faults)
{
    char *state_fresh =
        state ? inlay_text_new("NOT pg_catalog.row_security_active(%s::pg_catalog.regclass)",
                               name->literal_state)
              : inlay_text_new("pg_catalog.to_regclass(%s) IS NULL", name->literal_state);
    char *text =
        state_fresh == NULL
            ? NULL
            : inlay_text_new(
                  "CASE WHEN 'now'::pg_catalog.timestamptz"
                  " OPERATOR(pg_catalog.<>) pg_catalog.now()"
                  " AND NOT pg_catalog.row_security_active(%s::pg_catalog.regclass) AND %s%s"
                  " THEN NULL WHEN pg_catalog.query_to_xml(pg_catalog.format($inlay$%s$inlay$,"
                  " %s, %s), false, true, '') IS NULL THEN 0 END",
                  name->literal, state_fresh, fresh, faults, name->literal, name->literal_state);

    free(state_fresh);
    return text;
}

char *inlay_sql_unfit_unless(const struct history_name *name, bool state, const char *fresh)
{
    char *first = describe_wanted("history", "%1$L", inlay_history_columns, HISTORY_COLUMNS);
    char *second = describe_wanted("state", "%2$L", inlay_state_columns, STATE_COLUMNS);
    char *faults = first != NULL && second != NULL ? inlay_text_new(FAULTS, first, second) : NULL;
    char *text = faults != NULL ? compose(name, state, fresh, faults) : NULL;

    free(first);
    free(second);
    free(faults);
    return text;
}

char *inlay_sql_unfit(const struct history_name *name, bool state)
{
    return inlay_sql_unfit_unless(name, state, "");
}

char *inlay_sql_demand_fit(const struct history_name *name, bool state)
{
    char *unfit = inlay_sql_unfit(name, state);
    char *text = unfit != NULL ? inlay_text_new("SELECT %s", unfit) : NULL;

    free(unfit);
    return text;
}

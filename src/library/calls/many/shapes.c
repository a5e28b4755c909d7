/* One question to the catalogs about the tables of many histories. What it does not find to be just
 * as inlay makes it is left to history/snapshot.c, which knows all that there can be. */
#include "calls/many/shapes.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

/* A lock that is held no longer than this holds nothing up. $1 the server's process as libpq knows
 * it: through a pooler it is another, and the setting would stay in another client's session. */
static const char short_lock_sql[] =
    "SELECT CASE WHEN pg_catalog.pg_backend_pid()" EQ
    "$1::integer THEN pg_catalog.set_config('lock_timeout', '100ms', false) END IS NULL";

/* $1 schemas; for the history and for the state table: $2 $5 name, $3 $6 columns, as NAME OID, $4
 * $7 the columns of the primary key. A row for each table: its schema's place in $1 from 1, whether
 * it is the state table, whether it is as we make it.
 *
 * OFFSET 0 keeps the planner, which knows nothing of $1, from reading all tables of that name. */
static const char many_shapes_sql[] =
    "SELECT s.place, w.state, c.relkind" EQ "'r'::\"char\" AND c.relpersistence" EQ
    "'p'::\"char\" AND NOT (c.relhasrules OR c.relhastriggers OR c.relhassubclass"
    " OR pg_catalog.row_security_active(c.oid)) AND has.columns OPERATOR(pg_catalog.@>) w.columns"
    " AND EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid" EQ
    "c.oid AND i.indisprimary AND i.indisvalid AND i.indimmediate AND i.indkey::pg_catalog.text" EQ
    "has.key)"
    " FROM pg_catalog.unnest($1::pg_catalog.name[]) WITH ORDINALITY AS s (name, place)"
    " CROSS JOIN LATERAL (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname" EQ
    "s.name OFFSET 0) AS n"
    " CROSS JOIN (VALUES (false, $2::pg_catalog.name, $3::pg_catalog.text[],"
    " $4::pg_catalog.name[]), (true, $5, $6, $7)) AS w (state, name, columns, key)"
    " CROSS JOIN LATERAL (SELECT c.* FROM pg_catalog.pg_class AS c WHERE c.relnamespace" EQ
    "n.oid AND c.relname" EQ "w.name OFFSET 0) AS c"
    " CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(pg_catalog.concat(a.attname, ' ',"
    " a.atttypid)) AS columns, pg_catalog.string_agg(a.attnum::pg_catalog.text, ' '::pg_catalog"
    ".text ORDER BY a.attnum) FILTER (WHERE a.attname" EQ "ANY (w.key)) AS key"
    " FROM pg_catalog.pg_attribute AS a WHERE a.attrelid" EQ
    "c.oid AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped) AS has";

enum { MANY_PLACE, MANY_STATE, MANY_PLAIN };

/* {"a","b"}; NULL without memory. */
static char *list_schemas(const struct history_name *names, size_t count)
{
    char *list = malloc(count * (2 * sizeof names->schema + 3) + 3);
    char *end = list;

    if (list == NULL)
        return NULL;
    *end++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *end++ = ',';
        *end++ = '"';
        for (const char *c = names[i].schema; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                *end++ = '\\';
            *end++ = *c;
        }
        *end++ = '"';
    }
    *end++ = '}';
    *end = '\0';
    return list;
}

enum { LIST_MOST = 256 };

static void list_columns(const struct column *columns, size_t count, char list[LIST_MOST],
                         char key[LIST_MOST])
{
    inlay_text_put(list, LIST_MOST, "{");
    inlay_text_put(key, LIST_MOST, "{");
    for (size_t i = 0; i < count; i++) {
        inlay_text_add(list, LIST_MOST, "%s%s %lld", i > 0 ? "," : "", columns[i].name,
                       (long long)columns[i].types[0]);
        if (columns[i].in_key)
            inlay_text_add(key, LIST_MOST, "%s%s", key[1] != '\0' ? "," : "", columns[i].name);
    }
    inlay_text_add(list, LIST_MOST, "}");
    inlay_text_add(key, LIST_MOST, "}");
}

static int take_forms(const PGresult *result, size_t count, struct form *forms,
                      struct inlay_error *err)
{
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t place;
        if (!inlay_text_number(PQgetvalue(result, row, MANY_PLACE), &place) || place < 1 ||
            (size_t)place > count)
            return inlay_error_set(err, INLAY_E_REFUSED, "the server's answer could not be read");
        struct form *form = &forms[place - 1];
        bool state = PQgetvalue(result, row, MANY_STATE)[0] == 't';
        *(state ? &form->state : &form->history) = true;
        form->odd = form->odd || PQgetvalue(result, row, MANY_PLAIN)[0] != 't';
    }
    return INLAY_OK;
}

int inlay_shapes_ask(struct session *session, const struct history_name *any,
                     const struct history_name *names, size_t count, struct form *forms,
                     bool *pooled, struct inlay_error *err)
{
    char columns[2][LIST_MOST];
    char keys[2][LIST_MOST];
    char pid[INLAY_DECIMAL_MAX];
    const char *const pids[] = {pid};
    char *schemas = list_schemas(names, count);
    const char *const parameters[] = {schemas,          any->table, columns[0], keys[0],
                                      any->state_table, columns[1], keys[1]};
    const struct message queries[] = {
        {.sql = short_lock_sql, .parameter_count = 1, .parameters = pids},
        {.sql = many_shapes_sql, .parameter_count = 7, .parameters = parameters},
    };
    PGresult *results[2] = {0};

    inlay_text_decimal(PQbackendPID(session->conn), pid);
    if (schemas == NULL)
        return inlay_error_memory(err);
    memset(forms, 0, count * sizeof *forms);
    list_columns(inlay_history_columns, HISTORY_COLUMNS, columns[0], keys[0]);
    list_columns(inlay_state_columns, STATE_COLUMNS, columns[1], keys[1]);
    int rc = inlay_query_demand(session, queries, 2, results, INLAY_E_REFUSED, err);
    if (rc == INLAY_OK)
        *pooled = PQgetvalue(results[0], 0, 0)[0] == 't';
    if (rc == INLAY_OK && !*pooled)
        rc = take_forms(results[1], count, forms, err);
    inlay_results_clear(results, 2);
    free(schemas);
    return rc;
}

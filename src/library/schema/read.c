/* Asks the catalogs, and writes what they answer as the text of a schema. */
#include "schema/read.h"
#include "base/builder.h"
#include "schema/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts of ours that are not qualified word by word: they would be twice as long. The message
 * before, in the same transaction, makes the search_path that they are read with, so that every
 * function, operator, type and catalog is PostgreSQL's; and so that what the server prints of the
 * database is qualified, and its constants look the same whatever the role has set. It also keeps
 * the server from compiling the query to machine code, which can take several times as long as
 * running it, and from waiting long to print a view that somebody has locked; but it takes as long
 * as there are many tables, whatever timeout the role has. All that ends with the transaction. */
static const char prepare[] =
    "SELECT pg_catalog.set_config(s.name, s.value, true) FROM (VALUES"
    " ('search_path', 'pg_catalog, pg_temp'), ('jit', 'off'), ('quote_all_identifiers', 'off'),"
    " ('datestyle', 'ISO, MDY'), ('intervalstyle', 'postgres'), ('timezone', 'UTC'),"
    " ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('lc_monetary', 'C'),"
    " ('lock_timeout', $1), ('statement_timeout', '0'))"
    " AS s (name, value)";

static const char query_head[] =
    "WITH b AS MATERIALIZED (SELECT COALESCE((SELECT c.relowner FROM pg_class c WHERE c.oid ="
    " to_regclass($1)), (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)) AS role)"
    " SELECT replace(COALESCE(o.named, concat(i.type, ' ', i.identity, ' ' || o.part)), E'\\n',"
    " ' ') COLLATE \"C\" AS identity, concat("
    "CASE WHEN o.named IS NULL THEN '\1OWNER ' || quote_ident(pg_get_userbyid(NULLIF(o.owner,"
    " b.role))) END, o.def, ";

/* The comment of an extension is its own. */
static const char middle[] =
    ", (SELECT '\1COMMENT ' || quote_literal(d.description) FROM pg_description d"
    " WHERE d.classoid = o.class AND d.objoid = o.oid AND d.objsubid = 0"
    " AND o.class <> 'pg_extension'::regclass"
    " AND NOT (o.oid = 2200 AND d.description = 'standard public schema')),"
    " (SELECT string_agg(format('\1SECURITY LABEL FOR %I IS %L', l.provider, l.label), ''"
    " ORDER BY l.provider) FROM pg_seclabel l WHERE l.classoid = o.class AND l.objoid = o.oid"
    " AND l.objsubid = 0)) AS lines FROM (";

static const char tail[] =
    ") AS o CROSS JOIN b CROSS JOIN LATERAL pg_identify_object(COALESCE(o.home_class, o.class),"
    " COALESCE(o.home, o.oid), 0) AS i"
    /* What initdb made has lower numbers; public is 2200 and may be granted on. */
    " WHERE (o.oid >= 16384 OR o.oid = 2200) AND NOT starts_with(COALESCE(i.schema, ''), 'pg_')"
    " AND (COALESCE(o.home_class, o.class) <> 'pg_class'::regclass OR COALESCE(o.home, o.oid) <>"
    " ALL (ARRAY[COALESCE(to_regclass($1), 0), COALESCE(to_regclass($2), 0)]))"
    /* What an extension made, and what a type made for itself. */
    " AND NOT EXISTS (SELECT FROM pg_depend d WHERE (d.deptype = 'e' OR d.deptype = 'i' AND"
    " o.class = ANY ('{pg_proc,pg_cast}'::regclass[])) AND (d.classid = o.class AND d.objid ="
    " o.oid OR d.classid = o.home_class AND d.objid = o.home)) ORDER BY 1";

static void add_pieces(struct builder *query, const char *const *pieces)
{
    for (; *pieces != NULL; pieces++)
        inlay_builder_text(query, *pieces);
}

static void write_query(struct builder *query)
{
    inlay_builder_text(query, query_head);
    inlay_builder_text(query,
                       CATALOG_PRIVILEGES("\1", "o.acl", "o.kind", "COALESCE(o.owner, b.role)",
                                          "COALESCE(o.standard, acldefault(o.kind, o.owner))"));
    inlay_builder_text(query, middle);
    add_pieces(query, inlay_catalog_tables);
    add_pieces(query, inlay_catalog_parts);
    add_pieces(query, inlay_catalog_code);
    add_pieces(query, inlay_catalog_types);
    add_pieces(query, inlay_catalog_others);
    inlay_builder_text(query, tail);
}

/* A line of its own for each that the text has between two marks. One without anything in it ends
 * without blanks, and none with a CR, as a body from Windows has it: editors, hooks and git take
 * such away. */
static void add_lines(struct builder *out, const char *text)
{
    const char *indent = "";

    while (*text != '\0') {
        if (*text == '\1' || *text == '\2')
            indent = *text++ == '\1' ? "    " : "  | ";
        else
            text++; /* an end of a line, which continues with the same mark */
        size_t whole = strcspn(text, "\1\2\n");
        size_t length = whole;
        while (length > 0 && text[length - 1] == '\r')
            length--;
        inlay_builder_text(out, "\n");
        if (strspn(text, " ") < length || indent[2] == '|') {
            inlay_builder_add(out, indent, indent[2] == '|' && length == 0 ? 3 : 4);
            inlay_builder_add(out, text, length);
        }
        text += whole;
    }
    inlay_builder_text(out, "\n");
}

static void add_block(struct builder *out, const PGresult *rows, int row)
{
    const char *identity = PQgetvalue(rows, row, 0);
    const char *lines = PQgetvalue(rows, row, 1);

    if (lines[0] == '\0' && strcmp(identity, "schema public") == 0)
        return; /* as it comes with each database */
    inlay_builder_text(out, "\n");
    inlay_builder_text(out, identity);
    add_lines(out, lines);
}

static int write_text(const struct session *session, const PGresult *rows, char **text,
                      struct inlay_error *err)
{
    struct builder out = {0};
    char first[sizeof INLAY_SCHEMA_HEAD + 16];

    snprintf(first, sizeof first, "%s%d\n", INLAY_SCHEMA_HEAD,
             PQserverVersion(session->conn) / 10000);
    inlay_builder_text(&out, first);
    for (int row = 0; row < PQntuples(rows); row++)
        add_block(&out, rows, row);
    if (out.failed) {
        inlay_builder_free(&out);
        return inlay_error_memory(err);
    }
    *text = out.data;
    return INLAY_OK;
}

/* Servers fail to name what another session drops at that moment (XX000): then once more. */
static int ask_catalogs(struct session *session, const struct message *queries, size_t count,
                        PGresult **results, struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (int turn = 0; turn < 3; turn++) {
        inlay_results_clear(results, count);
        rc = inlay_query_demand(session, queries, count, results, INLAY_E_REFUSED, err);
        if (rc != INLAY_E_REFUSED || strcmp(err->sqlstate, "XX000") != 0)
            break;
        inlay_query_rollback(session);
    }
    return rc;
}

int inlay_schema_text(struct session *session, const struct history_name *history, int64_t lock_ms,
                      char **text, struct inlay_error *err)
{
    enum { DESCRIBE = 2, COUNT = 4 };
    const char *const tables[] = {history->quoted, history->quoted_state};
    char lock[24];
    const char *const locks[] = {lock};
    struct builder describe = {0};

    snprintf(lock, sizeof lock, "%lld", (long long)lock_ms);
    write_query(&describe);
    const struct message queries[COUNT] = {
        {.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
        {.sql = prepare, .parameter_count = 1, .parameters = locks},
        [DESCRIBE] = {.sql = describe.data, .parameter_count = 2, .parameters = tables},
        {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    *text = NULL;
    int rc = describe.failed ? inlay_error_memory(err)
                             : ask_catalogs(session, queries, COUNT, results, err);
    if (rc == INLAY_E_REFUSED && strcmp(err->sqlstate, "55P03") == 0)
        rc = err->code = INLAY_E_LOCKED;
    if (rc == INLAY_E_LOCKED)
        inlay_query_rollback(session);
    if (rc == INLAY_OK)
        rc = write_text(session, results[DESCRIBE], text, err);
    inlay_builder_free(&describe);
    inlay_results_clear(results, COUNT);
    return rc;
}

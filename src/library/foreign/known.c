/* Looks for the tables of the tools in the list, and for those that are about to be created. */
#include "foreign/known.h"
#include "base/text.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_PART ", pg_catalog.split_part(t.item, '.', "
#define POSITIVE " OPERATOR(pg_catalog.>) 0"
#define RELATION_IS ".relname::pg_catalog.text" EQ

/* $1 schema of the history; $2 for each tool its place in the list, schema, table, marker, and
 * another table beside it. Looked for where the history is to be and where the migrations would put
 * their tables, or where the tool always has it.
 *
 * $3 names of tables, as written, which a relation of any kind stands in the way of, and $4 a
 * search_path: a name without a schema is looked for where CREATE TABLE would put it, which is in
 * the schema of the history if that is on the path and still to be made. Meanwhile another process
 * may have made both the history, $5, and such a table; NULL: there is an empty one. */
static const char detect_sql[] =
    "SELECT " QUOTED_NAME
    ", k.tool, n.nspname, c.relname, k.marker, k.place FROM (SELECT t.place" ITEM_PART
    "1) AS tool" ITEM_PART "2) AS own" ITEM_PART "3) AS name" ITEM_PART "4) AS marker" ITEM_PART
    "5) AS beside"
    " FROM pg_catalog.unnest(pg_catalog.string_to_array($2::pg_catalog.text, ' '))"
    " WITH ORDINALITY AS t (item, place)) AS k"
    " JOIN pg_catalog.pg_class AS c ON c" RELATION_IS "k.name AND c.relkind" EQ "ANY ('{r,p}')"
    " JOIN pg_catalog.pg_attribute AS a ON a.attrelid" EQ "c.oid"
    " AND a.attname::pg_catalog.text" EQ "k.marker AND NOT a.attisdropped"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace AND CASE WHEN k.own" EQ
    "'' THEN n.nspname" EQ "$1::pg_catalog.name OR n.nspname" EQ "c.relname OR n.nspname" EQ
    "ANY (pg_catalog.current_schemas(false)) ELSE n.nspname::pg_catalog.text" EQ "k.own END"
    " WHERE k.beside" EQ "'' OR EXISTS (SELECT FROM pg_catalog.pg_class AS b"
    " WHERE b.relnamespace" EQ "n.oid AND b" RELATION_IS "k.beside)"
    " UNION ALL (SELECT " QUOTED_NAME ", '', n.nspname, c.relname, CASE c.relkind"
    " WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type'"
    " WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'table' END, NULL"
    " FROM pg_catalog.unnest(pg_catalog.string_to_array($3::pg_catalog.text, E'\\n'))"
    " WITH ORDINALITY AS t (item, place) CROSS JOIN pg_catalog.parse_ident(t.item) AS p"
    " JOIN pg_catalog.pg_class AS c ON c.relname" EQ "COALESCE(p[2], p[1])::pg_catalog.name"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace AND n.nspname" EQ
    "CASE WHEN p[2] IS NOT NULL THEN p[1]::pg_catalog.name"
    " WHEN $4::pg_catalog.text IS NOT NULL"
    " THEN pg_catalog.btrim(pg_catalog.split_part($4, ',', 1))::pg_catalog.name"
    " WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_namespace AS m WHERE m.nspname" EQ
    "$1::pg_catalog.name) AND pg_catalog.strpos(pg_catalog.replace(pg_catalog.current_setting("
    "'search_path'), '$user', current_user::pg_catalog.text), $1)" POSITIVE
    " THEN $1::pg_catalog.name ELSE pg_catalog.current_schema() END"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class AS h JOIN pg_catalog.pg_namespace AS m"
    " ON m.oid" EQ "h.relnamespace WHERE m.nspname" EQ "$1::pg_catalog.name AND h.relname" EQ
    "$5::pg_catalog.name) ORDER BY t.place LIMIT 1) ORDER BY 6";

static void add_tools(struct detect_query *query, bool vague)
{
    for (size_t i = 0; i < inlay_tool_count; i++) {
        const struct foreign_tool *tool = &inlay_tools[i];
        if (tool->shown == NULL || tool->vague != vague)
            continue;
        inlay_text_add(query->tools, sizeof query->tools, "%s%zu.%s%s.%.*s.%s",
                       query->tools[0] != '\0' ? " " : "", i,
                       strchr(tool->table, '.') != NULL ? "" : ".", tool->table,
                       (int)strcspn(tool->columns, ":"), tool->columns,
                       tool->beside != NULL ? tool->beside : "");
    }
}

/* What an index is built on is created by another. */
static const char *created_name(const struct inlay_script *script, size_t index)
{
    const struct inlay_statement *statement = inlay_script_statement(script, index);

    return statement->kind == INLAY_STATEMENT_ORDINARY ? statement->table : NULL;
}

static void add_created(struct detect_query *query, const struct inlay_script *script)
{
    size_t length = 0;

    for (size_t i = 0; script != NULL && i < script->statement_count; i++) {
        const char *name = created_name(script, i);
        if (name == NULL || length + strlen(name) + 2 > sizeof query->created)
            continue;
        inlay_text_add(query->created, sizeof query->created, "%s%s", length > 0 ? "\n" : "", name);
        length = strlen(query->created);
    }
}

/* A sure guess comes before a vague one. */
struct message inlay_detect_message(struct detect_query *query, const struct detect_terms *terms)
{
    query->tools[0] = '\0';
    query->created[0] = '\0';
    add_tools(query, false);
    add_tools(query, true);
    add_created(query, terms->first);
    query->parameters[0] = terms->schema;
    query->parameters[1] = query->tools;
    query->parameters[2] = query->created;
    query->parameters[3] = terms->search_path;
    query->parameters[4] = terms->history;
    return (struct message){
        .sql = detect_sql, .parameter_count = 5, .parameters = query->parameters};
}

const struct foreign_tool *inlay_detect_tool(const PGresult *found, int row)
{
    const char *tool = PQgetvalue(found, row, FOUND_TOOL);
    unsigned long place = strtoul(tool, NULL, 10);

    return tool[0] == '\0' ? NULL : &inlay_tools[place < inlay_tool_count ? place : 0];
}

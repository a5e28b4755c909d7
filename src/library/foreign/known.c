/* Looks for the tables of the tools in the list. */
#include "foreign/known.h"
#include "base/text.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_PART ", pg_catalog.split_part(t.item, '.', "
#define RELATION_IS ".relname::pg_catalog.text" EQ

/* $1 schema of the history; $2 for each tool its place in the list, schema, table, marker, and
 * another table beside it. Looked for where the history is to be and where the migrations would put
 * their tables, or where the tool always has it. */
static const char detect_sql[] =
    "SELECT " QUOTED_NAME ", k.tool, n.nspname, c.relname, k.marker FROM (SELECT t.place" ITEM_PART
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
    " WHERE b.relnamespace" EQ "n.oid AND b" RELATION_IS "k.beside) ORDER BY k.place";

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

/* A sure guess comes before a vague one. */
struct message inlay_detect_message(struct detect_query *query, const char *schema)
{
    query->tools[0] = '\0';
    add_tools(query, false);
    add_tools(query, true);
    query->parameters[0] = schema;
    query->parameters[1] = query->tools;
    return (struct message){
        .sql = detect_sql, .parameter_count = 2, .parameters = query->parameters};
}

const struct foreign_tool *inlay_detect_tool(const PGresult *found, int row)
{
    unsigned long place = strtoul(PQgetvalue(found, row, FOUND_TOOL), NULL, 10);

    return &inlay_tools[place < inlay_tool_count ? place : 0];
}

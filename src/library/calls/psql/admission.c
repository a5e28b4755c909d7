/* What a script for psql asks of server, role and other tools' tables before it changes anything:
 * what run/admission.c refuses, as far as SQL can tell, and in its words. */
#include "calls/psql/text.h"
#include "foreign/known.h"
#include "foreign/source.h"
#include "foreign/tools.h"

#include <string.h>

/* ---- server and role ---- */

static const char read_only_sql[] =
    "SELECT COALESCE(\n  CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'the server is a standby: it"
    " takes no writes'\n    WHEN pg_catalog.current_setting('transaction_read_only') = 'on' THEN "
    "'the"
    " session is read-only' END\n    || ', and there is something to write',\n";

/* Whose tables they are, and who may make them; $1 the schema, $2 and $3 the tables. */
static const char owner_sql[] =
    "  (SELECT pg_catalog.format('role \"%s\" cannot migrate: %I.%I belongs to role \"%s\", and"
    " \"%1$s\" is not a member of it',\n    current_user, n.nspname, c.relname,"
    " pg_catalog.pg_get_userbyid(c.relowner))\n  FROM pg_catalog.pg_class AS c JOIN"
    " pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n  WHERE n.nspname = $1 AND c.relname"
    " IN ($2, $3) AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') LIMIT 1),\n"
    "  (SELECT CASE WHEN n.oid IS NULL AND NOT pg_catalog.has_database_privilege("
    "pg_catalog.current_database(), 'CREATE')\n    THEN pg_catalog.format('schema \"%s\" does not"
    " exist and role \"%s\" may not create it in this database', w.name, current_user)\n"
    "    WHEN NOT (pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND"
    " pg_catalog.has_schema_privilege(n.oid, 'USAGE')) AND 2 > (SELECT"
    " pg_catalog.count(*) FROM pg_catalog.pg_class AS c\n      WHERE c.relnamespace = n.oid AND"
    " c.relname IN ($2, $3))\n    THEN pg_catalog.format('role \"%s\" may not create tables in "
    "schema"
    " \"%s\"', current_user, w.name) END\n  FROM (VALUES ($1)) AS w (name) LEFT JOIN"
    " pg_catalog.pg_namespace AS n ON n.nspname = w.name),\n";

/* $1 the names of what is for the server to say. */
static const char brought_sql[] =
    "  (SELECT pg_catalog.format('this connection brings its own %s, so a migration would not do "
    "the"
    " same from every machine: connect without it (PGTZ, PGDATESTYLE, PGOPTIONS)',\n"
    "    pg_catalog.string_agg(s.name, ', ')) FROM pg_catalog.pg_settings AS s WHERE s.source ="
    " 'client' AND s.name = ANY ($1)\n  HAVING pg_catalog.count(*) > 0),\n  '') AS inlay_refusal";

void inlay_psql_admission(struct psql *psql)
{
    const struct history_name *name = &psql->request->name;
    const char *const tables[] = {name->schema, name->table, name->state_table};
    char list[256] = "{";
    const char *const names = list;

    for (size_t i = 0; i < inlay_server_setting_count; i++)
        inlay_text_add(list, sizeof list, "%s%s", i > 0 ? "," : "", inlay_server_settings[i]);
    inlay_text_add(list, sizeof list, "}");
    inlay_builder_text(&psql->writer.text, "\n-- ---- may this role migrate this database?\n\n");
    inlay_builder_text(&psql->writer.text, read_only_sql);
    inlay_writer_message(
        &psql->writer,
        &(struct message){.sql = owner_sql, .parameter_count = 3, .parameters = tables});
    inlay_writer_message(
        &psql->writer,
        &(struct message){.sql = brought_sql, .parameter_count = 1, .parameters = &names});
    inlay_builder_text(&psql->writer.text, " \\gset\n");
    inlay_psql_refuse(psql);
}

/* ---- other tools ---- */

/* Does this script begin with what the build says to adopt? */
static bool takes_over(const struct request *request)
{
    return request->set->adopt != NULL && strcmp(request->name.text, request->set->history) == 0;
}

static void put_is_there(const struct history_name *name, const char *table, struct writer *writer)
{
    const char *const tables[] = {name->schema, table};
    static const char there[] =
        "(SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n"
        " ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2)";

    inlay_builder_text(&writer->text, "  IF EXISTS ");
    inlay_writer_message(
        writer, &(struct message){.sql = there, .parameter_count = 2, .parameters = tables});
    inlay_builder_text(&writer->text, " THEN\n");
}

/* Once something is recorded, what another tool says is of no interest: nor where it was adopted
 * and all of it undone. Rows that row security hides are another refusal. */
static void put_return_if_recorded(const struct psql *psql, struct writer *writer)
{
    const struct history_name *name = &psql->request->name;

    put_is_there(name, name->table, writer);
    inlay_builder_format(&writer->text,
                         "    ours := 'inlay''s history is empty';\n"
                         "    IF pg_catalog.row_security_active(%s) OR EXISTS (SELECT FROM ONLY %s)"
                         " THEN RETURN; END IF;\n",
                         name->literal, name->quoted);
    put_is_there(name, name->state_table, writer);
    inlay_builder_format(&writer->text,
                         "    IF EXISTS (SELECT FROM ONLY %s AS s%s) THEN RETURN; END IF;\n"
                         "  END IF; END IF;\n",
                         name->quoted_state,
                         takes_over(psql->request) ? " WHERE s.kind = 'adopted'" : "");
}

static void put_tool_names(struct writer *writer)
{
    for (size_t i = 0; i < inlay_tool_count; i++) {
        inlay_builder_text(&writer->text, i > 0 ? ", " : "ARRAY[");
        inlay_writer_literal(writer, inlay_tools[i].shown != NULL ? inlay_tools[i].shown : "");
    }
    inlay_builder_text(&writer->text, "]");
}

/* What is named to be adopted may be anywhere. */
static void put_named(const struct request *request, struct writer *writer)
{
    struct foreign_source source;
    struct inlay_error ignored;
    char place[24];
    const char *const values[] = {place, source.schema, source.table};
    static const char named[] =
        " UNION ALL SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), $1, n.nspname, "
        "c.relname, '', 0"
        " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $2 AND c.relname = $3";

    if (!takes_over(request) ||
        inlay_foreign_parse(request->set->adopt, &source, &ignored) != INLAY_OK ||
        source.schema[0] == '\0')
        return;
    inlay_text_put(place, sizeof place, "%zu", (size_t)(source.tool - inlay_tools));
    inlay_writer_message(
        writer, &(struct message){.sql = named, .parameter_count = 3, .parameters = values});
}

/* $1 the file that would create a table. */
static const char created_sql[] =
    " ORDER BY place LOOP\n"
    "    IF one.tool = '' THEN\n"
    "      RAISE EXCEPTION 'this database has the % %, % % would create%, and %', one.mark,"
    " one.quoted, CASE one.mark WHEN 'table' THEN 'which' ELSE 'where' END, $1,"
    " CASE one.mark WHEN 'table' THEN '' ELSE ' a table' END, ours\n        USING HINT = 'record "
    "what is there without running it:"
    " --migrate-baseline VERSION. To run it all the same, print this script with "
    "--migrate-fresh';\n"
    "    END IF;\n";

static const char each_sql[] =
    "    BEGIN\n"
    "      EXECUTE pg_catalog.format('SELECT pg_catalog.row_security_active(%L) OR EXISTS (SELECT"
    " FROM %s)', one.quoted, one.quoted) INTO filled;\n"
    "    EXCEPTION WHEN insufficient_privilege THEN filled := NULL;\n    END;\n"
    "    IF filled IS DISTINCT FROM false THEN\n"
    "      RAISE EXCEPTION '% has migrated this database (% %) and %',\n"
    "        COALESCE(NULLIF(tools[one.tool::integer + 1], ''), 'another tool'), one.quoted, CASE "
    "WHEN filled THEN 'has rows' ELSE"
    " 'cannot be read' END, ours\n"
    "        USING HINT = 'run the program: --migrate-only takes that record over, or says how."
    " If that table belongs to another program, print this script with --migrate-fresh';\n"
    "    END IF;\n  END LOOP;\nEND";

/* What the program would try to take over is for the program. */
void inlay_psql_foreign(struct psql *psql)
{
    const struct request *request = psql->request;
    struct detect_query detect;
    const struct inlay_migration *first =
        inlay_plan_first_due(psql->plan, inlay_goal_reach(&request->goal));
    const char *path = first != NULL ? first->up.path : "";
    struct message query = inlay_detect_message(
        &detect, &(struct detect_terms){.schema = request->name.schema,
                                        .first = first != NULL ? &first->up : NULL,
                                        .search_path = request->options.search_path});
    struct writer block = {0};

    if (request->options.fresh)
        return;
    inlay_builder_text(&block.text,
                       "DECLARE\n  one record;\n  filled boolean;\n"
                       "  ours text := 'inlay has no history here';\n  tools text[] := ");
    put_tool_names(&block);
    inlay_builder_text(&block.text, ";\nBEGIN\n");
    put_return_if_recorded(psql, &block);
    inlay_builder_text(&block.text, "  FOR one IN SELECT * FROM (");
    inlay_writer_message(&block, &query);
    inlay_builder_text(&block.text, ") AS d (quoted, tool, schema, name, mark, place)");
    put_named(request, &block);
    inlay_writer_message(
        &block, &(struct message){.sql = created_sql, .parameter_count = 1, .parameters = &path});
    inlay_builder_text(&block.text, each_sql);
    inlay_builder_text(&psql->writer.text, "DO ");
    if (block.text.failed)
        psql->writer.text.failed = true;
    else
        inlay_writer_verbatim(&psql->writer, block.text.data, block.text.length);
    inlay_builder_text(&psql->writer.text, ";\n");
    inlay_builder_free(&block.text);
}

/* What a script for psql begins and ends with: the session, the migration lock, our tables, and the
 * check that the database is what the script was written for. */
#include "calls/psql/text.h"
#include "history/sql.h"
#include "run/settings.h"

#include <stdlib.h>
#include <string.h>

#define LINE "\n-- ---- %s\n\n"

bool inlay_psql_leads_back(const struct psql *psql)
{
    return psql->steps->count > 0 && psql->steps->list[0].down;
}

void inlay_psql_refuse(struct psql *psql)
{
    inlay_builder_format(
        &psql->writer.text,
        "SELECT pg_catalog.set_config('inlay.refusal', :'inlay_refusal', false) \\gset inlay_\n"
        "DO $$ BEGIN IF pg_catalog.current_setting('inlay.refusal') <> '' THEN RAISE EXCEPTION"
        " '%%', pg_catalog.current_setting('inlay.refusal'); END IF; END $$;\n");
}

static void put_settings(struct psql *psql)
{
    const struct limits *limits = psql->limits;

    for (size_t i = 0; i < limits->again_count; i++)
        inlay_builder_format(&psql->writer.text, "%s;\n",
                             inlay_own_settings[limits->again[i]].statement);
}

void inlay_psql_reset(struct psql *psql)
{
    for (size_t i = 0; i < inlay_reset_count; i++)
        inlay_builder_format(&psql->writer.text, "%s;\n", inlay_reset_statements[i]);
    put_settings(psql);
}

static void put_opening(struct psql *psql)
{
    const struct inlay_set *set = psql->request->set;
    const struct steps *steps = psql->steps;
    bool down = inlay_psql_leads_back(psql);

    inlay_builder_format(&psql->writer.text,
                         "-- %s %zu migration%s of %s/. The history is %s.\n"
                         "-- Run this with psql 14 or later, as the role that migrates:\n"
                         "--   psql -X -f FILE \"$DATABASE_URL\"\n"
                         "-- It stops at the first error, with exit status 3. What was committed by"
                         " then stays, and running\n-- it again continues.\n",
                         down ? "Undoes" : "Applies", steps->count, steps->count == 1 ? "" : "s",
                         set->directory, psql->request->name.text);
}

static void put_session(struct psql *psql)
{
    inlay_builder_format(&psql->writer.text, LINE, "the session");
    inlay_builder_format(&psql->writer.text,
                         "\\set ON_ERROR_STOP on\n\\set ON_ERROR_ROLLBACK off\n"
                         "\\set AUTOCOMMIT on\n\\set QUIET on\n\\set SINGLELINE off\n"
                         "\\unset FETCH_COUNT\n\\pset pager off\n");
    put_settings(psql);
    inlay_builder_format(&psql->writer.text,
                         "SELECT pg_catalog.current_setting('role') AS inlay_role"
                         " \\gset\n");
}

/* psql --single-transaction has begun one: its time is that of its BEGIN. */
static void put_no_transaction(struct psql *psql)
{
    inlay_builder_format(
        &psql->writer.text,
        "SELECT CASE WHEN pg_catalog.now() = pg_catalog.statement_timestamp() THEN ''"
        " ELSE 'run this without a transaction around it (psql -1)' END AS"
        " inlay_refusal \\gset\n");
    inlay_psql_refuse(psql);
}

static void put_lock(struct psql *psql)
{
    const struct history_name *name = &psql->request->name;

    inlay_builder_format(&psql->writer.text, LINE, "one try for the migration lock");
    inlay_builder_format(&psql->writer.text,
                         "SELECT CASE WHEN pg_catalog.pg_try_advisory_lock(%lld) THEN '' ELSE ",
                         (long long)name->lock_key);
    inlay_builder_format(&psql->writer.text,
                         "pg_catalog.concat('another process holds the migration lock"
                         " of ', ");
    inlay_writer_literal(&psql->writer, name->text);
    inlay_builder_format(&psql->writer.text, ") END AS inlay_refusal \\gset\n");
    inlay_psql_refuse(psql);
}

/* One object of ours, if it is missing. */
static void put_missing(struct psql *psql, const char *condition, const char *sql)
{
    inlay_builder_format(&psql->writer.text,
                         "SELECT %s AS inlay_missing \\gset\n\\if :inlay_missing\n%s;\n\\endif\n",
                         condition, sql);
}

static bool put_table(struct psql *psql, const char *quoted, char *sql)
{
    char *condition = inlay_text_new("pg_catalog.to_regclass(%s) IS NULL", quoted);
    bool made = condition != NULL && sql != NULL;

    if (made)
        put_missing(psql, condition, sql);
    free(condition);
    free(sql);
    return made;
}

/* As the program completes one that is there. */
static bool put_columns(struct psql *psql)
{
    const struct history_name *name = &psql->request->name;
    bool made = true;

    for (size_t i = 0; i < HISTORY_COLUMNS && made; i++) {
        const struct column *column = &inlay_history_columns[i];
        char *condition = inlay_text_new(
            "NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid"
            " = %s::pg_catalog.regclass AND a.attname = '%s' AND NOT a.attisdropped)",
            name->literal, column->name);
        char *sql = inlay_sql_add_column(name, column);
        made = condition != NULL && sql != NULL;
        if (made && !column->required)
            put_missing(psql, condition, sql);
        free(condition);
        free(sql);
    }
    return made;
}

static void put_fit(struct psql *psql)
{
    inlay_psql_ask_begin(psql);
    inlay_builder_text(&psql->writer.text, PSQL_FIT);
    inlay_psql_ask_end(psql, "", NULL);
}

static bool put_tables(struct psql *psql)
{
    const struct history_name *name = &psql->request->name;
    char *schema = inlay_text_new("CREATE SCHEMA %s", name->quoted_schema);
    char *condition =
        inlay_text_new("pg_catalog.to_regnamespace(E'%s') IS NULL", name->quoted_schema);
    bool made = schema != NULL && condition != NULL;

    if (made)
        put_missing(psql, condition, schema);
    free(schema);
    free(condition);
    if (!made || !put_table(psql, name->literal, inlay_sql_create_history(name)) ||
        !put_table(psql, name->literal_state, inlay_sql_create_state(name)))
        return false;
    put_fit(psql);
    return put_columns(psql);
}

static void put_batch(struct psql *psql)
{
    inlay_builder_format(
        &psql->writer.text,
        "SELECT COALESCE(pg_catalog.max(h.batch), 0) + 1 AS inlay_batch FROM ONLY %s"
        " AS h \\gset\n",
        psql->request->name.quoted);
}

bool inlay_psql_head(struct psql *psql)
{
    put_opening(psql);
    if (psql->steps->count == 0)
        return true;
    put_session(psql);
    put_no_transaction(psql);
    inlay_psql_admission(psql);
    put_lock(psql);
    inlay_builder_format(&psql->writer.text, LINE, "the words for what may be wrong");
    if (!inlay_psql_words(psql))
        return false;
    inlay_builder_format(&psql->writer.text, LINE, "the history, and what must be so");
    inlay_psql_foreign(psql);
    inlay_builder_text(&psql->writer.text, "BEGIN ISOLATION LEVEL READ COMMITTED;\n");
    if (!put_tables(psql))
        return false;
    inlay_psql_guards(psql);
    inlay_builder_text(&psql->writer.text, "COMMIT;\n");
    put_batch(psql);
    return true;
}

void inlay_psql_end(struct psql *psql)
{
    if (psql->steps->count == 0) {
        inlay_builder_format(&psql->writer.text, "\\echo nothing is to be done\n");
        return;
    }
    inlay_builder_format(&psql->writer.text, LINE, "the end");
    inlay_builder_format(&psql->writer.text,
                         "SELECT pg_catalog.pg_advisory_unlock(%lld) \\gset inlay_\n\\echo done\n",
                         (long long)psql->request->name.lock_key);
}

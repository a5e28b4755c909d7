/* A migration without a transaction in a script for psql: statement by statement, with what a run
 * records before and after each. */
#include "apply/stepwise/index.h"
#include "apply/stepwise/progress.h"
#include "base/patience.h"
#include "base/set.h"
#include "calls/psql/text.h"
#include "history/sql.h"
#include "plan/verify.h"

#include <stdlib.h>
#include <string.h>

/* ---- how far it got ---- */

/* `intent`: what is announced of the statement after those that are done, or NULL. */
static void put_progress(struct psql *psql, struct progress *progress, size_t done,
                         const char *intent)
{
    struct message messages[PROGRESS_MESSAGES];

    inlay_progress_compose(progress, done, messages);
    progress->values[3] = intent;
    inlay_writer_command(&psql->writer, &messages[0]);
    inlay_writer_query(&psql->writer, &messages[1]);
    for (size_t i = 2; i < PROGRESS_MESSAGES; i++)
        inlay_writer_command(&psql->writer, &messages[i]);
}

static void put_recorded(struct psql *psql, struct progress *progress, size_t done,
                         const char *intent)
{
    inlay_builder_text(&psql->writer.text, "BEGIN;\n");
    put_progress(psql, progress, done, intent);
    inlay_builder_text(&psql->writer.text, "COMMIT;\n");
}

/* "begun 4 fnv1a64:0123456789abcdef": see plan/partial.h. */
static void write_intent(const struct progress *progress, size_t index, enum intent_kind kind,
                         char text[96])
{
    char checksum[32];

    inlay_partial_checksum(progress->step->script, progress->step->down, index + 1, checksum);
    inlay_text_put(text, 96, "%s %zu %s", inlay_partial_word(kind), index + 1, checksum);
}

/* ---- statements ---- */

static void put_announced(struct psql *psql, struct progress *progress, size_t index)
{
    char intent[96];

    write_intent(progress, index, INTENT_BEGUN, intent);
    put_recorded(psql, progress, index, intent);
    inlay_writer_statement(&psql->writer, progress->step->script, index);
    put_recorded(psql, progress, index + 1, NULL);
}

/* Commits with the row. */
static void put_together(struct psql *psql, struct progress *progress, size_t index)
{
    inlay_builder_text(&psql->writer.text, "BEGIN ISOLATION LEVEL READ COMMITTED;\n");
    inlay_writer_statement(&psql->writer, progress->step->script, index);
    put_progress(psql, progress, index + 1, NULL);
    inlay_builder_text(&psql->writer.text, "COMMIT;\n");
}

/* One that may commit by itself shows that where it may not: nothing of it is kept then, and it
 * runs alone. */
static void put_call(struct psql *psql, struct progress *progress, size_t index)
{
    const struct inlay_script *script = progress->step->script;
    const struct inlay_statement *statement = inlay_script_statement(script, index);
    static const char attempt[] =
        "BEGIN ISOLATION LEVEL READ COMMITTED;\n"
        "SELECT pg_catalog.format('DO %L', pg_catalog.format($inlay$BEGIN\n  EXECUTE %L;\n"
        "EXCEPTION WHEN invalid_transaction_termination OR active_sql_transaction THEN\n"
        "  PERFORM pg_catalog.set_config('inlay.commits', 'true', true);\nEND$inlay$, ";

    inlay_builder_text(&psql->writer.text, attempt);
    inlay_writer_verbatim(&psql->writer, script->text + statement->offset, statement->length);
    inlay_builder_text(&psql->writer.text,
                       ")) \\gexec\nSELECT COALESCE(NULLIF(pg_catalog.current_setting("
                       "'inlay.commits', true), ''), 'false') AS inlay_commits \\gset\n"
                       "\\if :inlay_commits\nROLLBACK;\n");
    put_announced(psql, progress, index);
    inlay_builder_text(&psql->writer.text, "\\else\n");
    put_progress(psql, progress, index + 1, NULL);
    inlay_builder_text(&psql->writer.text, "COMMIT;\n\\endif\n");
}

/* ---- indexes ---- */

static void put_look(struct psql *psql, const struct inlay_statement *statement)
{
    const char *const names[] = {statement->table, statement->index};

    inlay_writer_message(
        &psql->writer,
        &(struct message){.sql = inlay_index_sql, .parameter_count = 2, .parameters = names});
    inlay_builder_text(&psql->writer.text, ") AS i (name, valid, definition, builder)");
}

/* What is there of the index, and what is to be announced: of one that a run finds later it knows
 * then whether this statement has made it. */
static void put_index_intent(struct psql *psql, const struct progress *progress, size_t index)
{
    const struct inlay_statement *statement = inlay_script_statement(progress->step->script, index);
    bool drops = statement->kind == INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY;
    char begun[96];
    char other[96];

    write_intent(progress, index, INTENT_BEGUN, begun);
    write_intent(progress, index, drops ? INTENT_DROPPING : INTENT_BUILDING, other);
    inlay_builder_format(
        &psql->writer.text,
        "SELECT COALESCE(pg_catalog.max('pid ' || i.builder || ' builds an index on the table of '"
        " || i.name), '') AS inlay_refusal,\n"
        "  COALESCE(pg_catalog.max(i.name), '') AS inlay_index_name,\n"
        "  COALESCE(pg_catalog.bool_or(NOT i.valid), false) AS inlay_index_invalid,\n"
        "  COALESCE(pg_catalog.max('%s ' || i.name) FILTER (WHERE %s), '%s') AS"
        " inlay_index_intent\nFROM (",
        other, drops ? "i.valid IS NOT NULL" : "i.valid IS NOT true", begun);
    put_look(psql, statement);
    inlay_builder_text(&psql->writer.text, " \\gset\n");
    inlay_psql_refuse(psql);
    if (!drops)
        inlay_builder_text(&psql->writer.text,
                           "\\if :inlay_index_invalid\nSELECT pg_catalog.format('DROP INDEX"
                           " CONCURRENTLY IF EXISTS %s', :'inlay_index_name') \\gexec\n\\endif\n");
}

/* IF NOT EXISTS takes whatever has the name. */
static void put_built(struct psql *psql, const struct inlay_statement *statement)
{
    inlay_builder_text(&psql->writer.text,
                       "SELECT CASE WHEN pg_catalog.bool_or(i.valid) THEN '' ELSE 'the statement"
                       " built no index: what is named ' || ");
    inlay_writer_literal(&psql->writer, statement->index);
    inlay_builder_text(&psql->writer.text,
                       " || ' is ' || CASE WHEN pg_catalog.bool_or(NOT i.valid) THEN 'an INVALID"
                       " index' ELSE 'no index of that table' END END AS inlay_refusal\nFROM (");
    put_look(psql, statement);
    inlay_builder_text(&psql->writer.text, " \\gset\n");
    inlay_psql_refuse(psql);
}

static void put_index(struct psql *psql, struct progress *progress, size_t index)
{
    const struct inlay_script *script = progress->step->script;
    const struct inlay_statement *statement = inlay_script_statement(script, index);

    put_index_intent(psql, progress, index);
    put_recorded(psql, progress, index, WRITER_INTENT);
    inlay_writer_statement(&psql->writer, script, index);
    if (statement->kind == INLAY_STATEMENT_INDEX_CONCURRENTLY)
        put_built(psql, statement);
    put_recorded(psql, progress, index + 1, NULL);
}

/* It waits for the transactions of others by its nature: only the file's own timeouts count. */
static void put_concurrently(struct psql *psql, struct progress *progress, size_t index)
{
    const struct inlay_script *script = progress->step->script;
    const struct inlay_statement *statement = inlay_script_statement(script, index);
    const struct inlay_settings *settings = inlay_script_settings(script);
    struct builder *text = &psql->writer.text;

    inlay_builder_text(text,
                       "SELECT pg_catalog.current_setting('lock_timeout') AS inlay_lock_timeout,"
                       " pg_catalog.current_setting('statement_timeout') AS inlay_statement_timeout"
                       " \\gset\n");
    if (settings->lock_timeout_ms == INLAY_UNSET)
        inlay_builder_text(text, "SET lock_timeout = 0;\n");
    if (settings->statement_timeout_ms == INLAY_UNSET)
        inlay_builder_text(text, "SET statement_timeout = 0;\n");
    if (statement->index != NULL && statement->kind != INLAY_STATEMENT_REINDEX_CONCURRENTLY)
        put_index(psql, progress, index);
    else
        put_announced(psql, progress, index);
    inlay_builder_text(text,
                       "SELECT pg_catalog.set_config('lock_timeout', :'inlay_lock_timeout', false),"
                       " pg_catalog.set_config('statement_timeout', :'inlay_statement_timeout',"
                       " false) \\gset inlay_\n");
}

/* As inlay_statement_run does it; a setting is made again each time. */
static void put_statement(struct psql *psql, struct progress *progress, size_t index)
{
    const struct inlay_script *script = progress->step->script;
    enum inlay_statement_kind kind = inlay_script_statement(script, index)->kind;

    if (kind == INLAY_STATEMENT_SESSION_SET)
        inlay_writer_statement(&psql->writer, script, index);
    inlay_builder_format(&psql->writer.text, "\\if :inlay_open_%zu\n", index + 1);
    switch (kind) {
    case INLAY_STATEMENT_SESSION_SET:
        put_recorded(psql, progress, index + 1, NULL);
        break;
    case INLAY_STATEMENT_ORDINARY:
        put_together(psql, progress, index);
        break;
    case INLAY_STATEMENT_CALL:
        put_call(psql, progress, index);
        break;
    case INLAY_STATEMENT_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_REINDEX_CONCURRENTLY:
        put_concurrently(psql, progress, index);
        break;
    case INLAY_STATEMENT_REPEATABLE:
        inlay_writer_statement(&psql->writer, script, index);
        put_recorded(psql, progress, index + 1, NULL);
        break;
    default:
        put_announced(psql, progress, index);
        break;
    }
    inlay_builder_text(&psql->writer.text, "\\endif\n");
}

/* ---- the file ---- */

/* Where did an earlier run stop, of this script or another? If that is not known it is for the
 * program, which looks, or for a person. */
static void put_start(struct psql *psql, const struct step *step)
{
    const struct inlay_script *script = step->script;
    long long version = step->migration->version;
    struct writer *writer = &psql->writer;
    char checksum[32];

    inlay_builder_format(&writer->text,
                         "SELECT COALESCE(pg_catalog.max(p.done), 0) AS inlay_done, COALESCE("
                         "pg_catalog.max(CASE\n  WHEN p.body IS NOT NULL THEN pg_catalog.format(");
    inlay_writer_literal(writer,
                         "statement %s of version %s was begun by an earlier run and may be done. "
                         "Run the program: --migrate-only looks, or says what to do");
    inlay_builder_format(
        &writer->text, ", p.done + 1, %lld)\n  WHEN p.checksum IS DISTINCT FROM (ARRAY[", version);
    for (size_t done = 0; done <= script->statement_count; done++) {
        inlay_partial_checksum(script, step->down, done, checksum);
        inlay_builder_format(&writer->text, "%s'%s'", done > 0 ? ", " : "", checksum);
    }
    inlay_builder_format(
        &writer->text,
        "])[p.done + 1] THEN 'an earlier run finished statements of version %lld"
        " that are not those of this script'\n  END), '') AS inlay_refusal FROM ONLY"
        " %s AS p WHERE p.kind = 'progress' AND p.key = '%lld' \\gset\n",
        version, psql->request->name.quoted_state, version);
    inlay_psql_refuse(psql);
    for (size_t i = 0; i < script->statement_count; i++)
        inlay_builder_format(&writer->text, "%s:inlay_done < %zu AS inlay_open_%zu",
                             i > 0 ? ", " : "SELECT ", i + 1, i + 1);
    if (script->statement_count > 0)
        inlay_builder_format(&writer->text, " \\gset\n");
}

static void put_timeouts(struct psql *psql, const struct inlay_script *script)
{
    const struct inlay_settings *settings = inlay_script_settings(script);
    int64_t lock_ms = settings->lock_timeout_ms != INLAY_UNSET ? settings->lock_timeout_ms : 0;

    inlay_builder_format(&psql->writer.text, "SET lock_timeout = %lld;\n", (long long)lock_ms);
    if (settings->statement_timeout_ms != INLAY_UNSET)
        inlay_builder_format(&psql->writer.text, "SET statement_timeout = %lld;\n",
                             (long long)settings->statement_timeout_ms);
}

static void put_search_path(struct psql *psql)
{
    const char *names = psql->request->options.search_path;
    char sql[INLAY_SEARCH_PATH_MOST];

    if (names == NULL)
        return;
    inlay_search_path_sql(names, false, sql);
    inlay_writer_query(&psql->writer, &(struct message){.sql = sql});
}

static void put_keep(struct psql *psql, const struct step *step)
{
    struct message message;

    if (step->keep == KEEP_AS_IT_IS)
        return;
    inlay_down_script_fill(&psql->messages.keep, step->keep, step->migration->version,
                           step->migration, &message);
    inlay_writer_command(&psql->writer, &message);
}

/* As inlay_verify_run asks it. False without memory. */
static bool put_verify(struct psql *psql, const struct step *step)
{
    const struct inlay_script *verify = inlay_verify_script(step);
    const struct inlay_options *options = &psql->request->options;
    const struct verify_terms terms = {.search_path = options->search_path,
                                       .lock_ms = inlay_patience_to_read(options),
                                       .statement_ms =
                                           inlay_limit_statement(psql->limits, step->script).ms};
    bool made = true;

    if (verify == NULL)
        return true;
    inlay_builder_text(&psql->writer.text, "BEGIN;\n");
    for (size_t i = 0; i < inlay_verify_count(verify) && made; i++) {
        char *text = inlay_verify_text(verify, &terms, i);
        made = text != NULL;
        if (made)
            inlay_psql_question(psql, verify, i, text);
        free(text);
    }
    inlay_builder_text(&psql->writer.text, "ROLLBACK;\n");
    return made;
}

/* The row, or its end, with all that goes with it. */
static bool put_row(struct psql *psql, const struct step *step)
{
    const struct history_name *name = &psql->request->name;
    struct row_values row;
    char place[PSQL_PLACE_MOST];
    char *change = step->down ? inlay_sql_unmark(name) : inlay_sql_record(name);
    char *end = inlay_sql_progress_end(name);
    bool made = change != NULL && end != NULL;

    inlay_row_values_fill(&row, step->migration, 1);
    psql->writer.batch = row.batch;
    if (made) {
        inlay_builder_format(&psql->writer.text, "BEGIN ISOLATION LEVEL READ COMMITTED;\n");
        inlay_psql_place(psql, step->script, 0, place);
        inlay_psql_ask_begin(psql);
        inlay_builder_text(&psql->writer.text, PSQL_FIT);
        inlay_psql_ask_end(psql, place, NULL);
        inlay_writer_command(&psql->writer, &(struct message){.sql = change,
                                                              .parameter_count = step->down ? 1 : 5,
                                                              .parameters = row.values});
        inlay_writer_command(
            &psql->writer,
            &(struct message){.sql = end, .parameter_count = 1, .parameters = row.values});
        put_keep(psql, step);
        inlay_builder_format(&psql->writer.text, "COMMIT;\n");
    }
    free(change);
    free(end);
    return made;
}

bool inlay_psql_stepwise(struct psql *psql, size_t index)
{
    const struct step *step = &psql->steps->list[index];
    struct progress progress;
    bool made = inlay_progress_init(&progress, &psql->request->name, WRITER_ROLE, step);

    inlay_psql_step_begin(psql, step);
    if (made) {
        put_start(psql, step);
        inlay_builder_format(&psql->writer.text, "DISCARD PLANS;\n");
        put_timeouts(psql, step->script);
        put_search_path(psql);
        for (size_t i = 0; i < step->script->statement_count; i++)
            put_statement(psql, &progress, i);
        inlay_psql_reset(psql);
        made = put_verify(psql, step) && put_row(psql, step);
    }
    inlay_psql_step_end(psql);
    inlay_progress_finish(&progress);
    return made;
}

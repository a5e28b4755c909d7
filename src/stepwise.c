#include "stepwise.h"
#include "compose.h"
#include "gate.h"
#include "lock.h"
#include "log.h"
#include "progress.h"
#include "set.h"
#include "sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stepwise {
    struct run *run;
    const struct step *step;
    size_t done; /* statements */
    struct progress progress;
    struct inlay_error *err;
};

/* ---- one statement ---- */

static struct message statement_message(const struct stepwise *stepwise, size_t index)
{
    const struct inlay_script *script = stepwise->step->script;

    return (struct message){.sql = script->text + script->statements[index].offset,
                            .length = script->statements[index].length};
}

/* An index that was being built stays behind, invalid: it costs writes and serves no read. */
static void mention_invalid_index(const struct inlay_statement *statement, struct inlay_error *err)
{
    if (statement->kind == INLAY_STATEMENT_INDEX_CONCURRENTLY && statement->index != NULL)
        inlay_text_add(err->hint, sizeof err->hint,
                       "%san INVALID index may have been left behind; before the next run: DROP "
                       "INDEX CONCURRENTLY IF EXISTS %s; (in the schema of %s)",
                       err->hint[0] != '\0' ? "\n" : "", statement->index, statement->table);
}

static int fail_statement(struct stepwise *stepwise, size_t index, const PGresult *result)
{
    inlay_result_error(result, INLAY_E_FAILED, stepwise->err);
    inlay_apply_place(stepwise->run, stepwise->step, index, result, stepwise->err);
    mention_invalid_index(&stepwise->step->script->statements[index], stepwise->err);
    return INLAY_E_FAILED;
}

static int run_alone(struct stepwise *stepwise, size_t index)
{
    struct message query = statement_message(stepwise, index);
    PGresult *result = NULL;
    int rc = inlay_session_execute(&stepwise->run->session, &query, 1, &result, stepwise->err);

    if (rc == INLAY_OK && inlay_result_failed(result))
        rc = fail_statement(stepwise, index, result);
    PQclear(result);
    return rc;
}

static int save_progress(struct stepwise *stepwise, size_t done)
{
    return inlay_progress_save(&stepwise->progress, &stepwise->run->session, done, stepwise->err);
}

static int run_alone_and_save(struct stepwise *stepwise, size_t index)
{
    int rc = run_alone(stepwise, index);

    return rc == INLAY_OK ? save_progress(stepwise, index + 1) : rc;
}

/* A procedure that commits, or a statement that the generator does not know as one that cannot run
 * in a transaction: the server says so, and nothing was kept. */
static bool wants_no_transaction(const PGresult *result)
{
    return inlay_result_has_state(result, "2D000") || inlay_result_has_state(result, "25001");
}

/* A statement that can share a transaction with its progress is done exactly once. */
static int run_with_progress(struct stepwise *stepwise, size_t index)
{
    enum { COUNT = PROGRESS_MESSAGES + 3 };
    struct message queries[COUNT] = {{.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
                                     statement_message(stepwise, index),
                                     [COUNT - 1] = {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    inlay_progress_compose(&stepwise->progress, index + 1, queries + 2);
    int rc = inlay_session_execute(&stepwise->run->session, queries, COUNT, results, stepwise->err);
    bool alone = rc == INLAY_OK && wants_no_transaction(results[1]);
    for (size_t i = 0; i < COUNT && rc == INLAY_OK && !alone; i++)
        if (inlay_result_failed(results[i]))
            rc = fail_statement(stepwise, index, results[i]);
    inlay_session_clear(results, COUNT);
    return alone ? run_alone_and_save(stepwise, index) : rc;
}

/* ---- timeouts ---- */

static const char set_timeouts[] =
    "SELECT pg_catalog.set_config('lock_timeout', COALESCE($1::pg_catalog.text,"
    " pg_catalog.current_setting('lock_timeout')), false),"
    " pg_catalog.set_config('statement_timeout', COALESCE($2::pg_catalog.text,"
    " pg_catalog.current_setting('statement_timeout')), false)";

static int configure(struct stepwise *stepwise, const char *const values[2])
{
    struct message query = {.sql = set_timeouts, .parameter_count = 2, .parameters = values};
    PGresult *result = NULL;
    int rc = inlay_session_ask(&stepwise->run->session, &query, 1, &result, stepwise->err);

    if (rc == INLAY_OK && inlay_result_failed(result))
        rc = inlay_result_error(result, INLAY_E_FAILED, stepwise->err);
    PQclear(result);
    return rc;
}

static int configure_file(struct stepwise *stepwise)
{
    const struct inlay_settings *settings = inlay_script_settings(stepwise->step->script);
    const struct inlay_settings *own = &stepwise->run->own;
    int64_t lock_ms =
        settings->lock_timeout_ms != INLAY_UNSET ? settings->lock_timeout_ms : own->lock_timeout_ms;
    int64_t statement_ms = settings->statement_timeout_ms != INLAY_UNSET
                               ? settings->statement_timeout_ms
                               : own->statement_timeout_ms;
    char lock[24];
    char statement[24];
    const char *const values[2] = {lock_ms != INLAY_UNSET ? lock : NULL, statement};

    snprintf(lock, sizeof lock, "%lld", (long long)lock_ms);
    snprintf(statement, sizeof statement, "%lld", (long long)statement_ms);
    return configure(stepwise, values);
}

/* Builds an index without timeouts, unless the file has its own: it waits for the transactions of
 * others by its nature, and one that is ended half way leaves an invalid index. */
static int run_concurrently(struct stepwise *stepwise, size_t index)
{
    const struct inlay_settings *settings = inlay_script_settings(stepwise->step->script);
    const char *const none[2] = {settings->lock_timeout_ms == INLAY_UNSET ? "0" : NULL,
                                 settings->statement_timeout_ms == INLAY_UNSET ? "0" : NULL};
    const struct message ask = {.sql = "SELECT pg_catalog.current_setting('lock_timeout'),"
                                       " pg_catalog.current_setting('statement_timeout')"};
    PGresult *before = NULL;
    int rc = inlay_session_ask(&stepwise->run->session, &ask, 1, &before, stepwise->err);

    if (rc == INLAY_OK)
        rc = inlay_result_failed(before) ? inlay_result_error(before, INLAY_E_FAILED, stepwise->err)
                                         : configure(stepwise, none);
    if (rc == INLAY_OK)
        rc = run_alone_and_save(stepwise, index);
    if (rc == INLAY_OK) {
        const char *const values[2] = {PQgetvalue(before, 0, 0), PQgetvalue(before, 0, 1)};
        rc = configure(stepwise, values);
    }
    PQclear(before);
    return rc;
}

static int run_statement(struct stepwise *stepwise, size_t index)
{
    switch (stepwise->step->script->statements[index].kind) {
    case INLAY_STATEMENT_ORDINARY:
        return run_with_progress(stepwise, index);
    case INLAY_STATEMENT_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_REINDEX_CONCURRENTLY:
        return run_concurrently(stepwise, index);
    default:
        return run_alone_and_save(stepwise, index);
    }
}

/* ---- the file ---- */

static int refuse_edited(const struct stepwise *stepwise, int64_t done)
{
    const struct inlay_migration *migration = stepwise->step->migration;
    struct inlay_error *err = stepwise->err;

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "an earlier run finished the first %lld statements of version %lld (%s), and "
                    "they were edited since",
                    (long long)done, (long long)migration->version, migration->name);
    err->version = migration->version;
    inlay_error_file(err, stepwise->run->set, stepwise->step->script);
    inlay_text_put(err->hint, sizeof err->hint,
                   "put these statements back as they were (what follows them may change); or, "
                   "after undoing them by hand, start over:\n"
                   "DELETE FROM %s WHERE kind = 'progress' AND key = '%lld';",
                   stepwise->run->name.quoted_state, (long long)migration->version);
    return err->code;
}

/* Where did an earlier run stop, and is what it did still what the file says? */
static int find_start(struct stepwise *stepwise)
{
    const struct inlay_script *script = stepwise->step->script;
    const struct history_progress *progress =
        inlay_history_progress(&stepwise->run->look.history, stepwise->step->migration->version);
    char checksum[32];

    if (progress == NULL)
        return save_progress(stepwise, 0);
    if (progress->done < 0 || (size_t)progress->done > script->statement_count)
        return refuse_edited(stepwise, progress->done);
    inlay_progress_checksum(script, (size_t)progress->done, checksum);
    if (progress->checksum == NULL || strcmp(progress->checksum, checksum) != 0)
        return refuse_edited(stepwise, progress->done);
    stepwise->done = (size_t)progress->done;
    if (stepwise->done > 0)
        inlay_log(&stepwise->run->options, INLAY_LOG_INFO,
                  "%s: going on after statement %zu of %zu, where an earlier run stopped",
                  script->path, stepwise->done, script->statement_count);
    return INLAY_OK;
}

/* What a finished SET did is gone with its session. */
static int repeat_settings(struct stepwise *stepwise)
{
    int rc = INLAY_OK;

    for (size_t i = 0; i < stepwise->done && rc == INLAY_OK; i++)
        if (stepwise->step->script->statements[i].kind == INLAY_STATEMENT_SESSION_SET)
            rc = run_alone(stepwise, i);
    return rc;
}

static int run_statements(struct stepwise *stepwise)
{
    int rc = INLAY_OK;

    while (rc == INLAY_OK && stepwise->done < stepwise->step->script->statement_count) {
        rc = inlay_lock_verify(stepwise->run, stepwise->err);
        if (rc == INLAY_OK)
            rc = run_statement(stepwise, stepwise->done);
        if (rc == INLAY_OK)
            stepwise->run->current_statement = ++stepwise->done;
    }
    return rc;
}

/* The row, or its end, and the end of the progress, in one transaction. */
static int record(struct stepwise *stepwise)
{
    struct run *run = stepwise->run;
    const struct inlay_migration *migration = stepwise->step->migration;
    char numbers[3][24];
    const char *const row[] = {numbers[0], migration->name, migration->sha256, numbers[1],
                               numbers[2]};
    bool down = stepwise->step->down;
    char *change = down ? inlay_sql_unmark(&run->name) : inlay_sql_record(&run->name);
    char *end = inlay_sql_progress_end(&run->name);
    const struct message queries[] = {
        {.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
        {.sql = change, .parameter_count = down ? 1 : 5, .parameters = row},
        {.sql = end, .parameter_count = 1, .parameters = row},
        {.sql = "COMMIT"}};
    PGresult *results[4] = {0};
    int rc = INLAY_E_MEMORY;

    snprintf(numbers[0], 24, "%lld", (long long)migration->version);
    snprintf(numbers[1], 24, "%lld", (long long)run->batch);
    snprintf(numbers[2], 24, "%lld", (long long)(inlay_clock_ms() - run->current_since));
    if (change != NULL && end != NULL)
        rc = inlay_session_ask(&run->session, queries, 4, results, stepwise->err);
    else
        inlay_error_memory(stepwise->err);
    for (size_t i = 0; rc == INLAY_OK && i < 4; i++)
        if (inlay_result_failed(results[i]))
            rc = inlay_result_error(results[i], INLAY_E_FAILED, stepwise->err);
    if (rc == INLAY_OK && strcmp(PQcmdTuples(results[1]), "1") != 0)
        rc = inlay_error_set(stepwise->err, INLAY_E_FAILED, "%s did not take the row",
                             run->name.text);
    inlay_session_clear(results, 4);
    free(change);
    free(end);
    return rc;
}

static int reset_session(struct stepwise *stepwise)
{
    enum { MOST = 16 };
    struct message queries[MOST] = {{0}};
    PGresult *results[MOST] = {0};
    size_t count = 0;

    for (; count < inlay_reset_count; count++)
        queries[count].sql = inlay_reset_statements[count];
    queries[count++].sql = inlay_gate_settings(stepwise->run);
    int rc = inlay_session_ask(&stepwise->run->session, queries, count, results, stepwise->err);
    inlay_session_clear(results, count);
    return rc;
}

static int run_file(struct stepwise *stepwise)
{
    int rc = find_start(stepwise);

    stepwise->run->current_statement = stepwise->done;
    if (rc == INLAY_OK)
        rc = configure_file(stepwise);
    if (rc == INLAY_OK)
        rc = repeat_settings(stepwise);
    if (rc == INLAY_OK)
        rc = run_statements(stepwise);
    /* Before the row is written: a body may have left us as a role that may not. */
    if (rc == INLAY_OK)
        rc = reset_session(stepwise);
    if (rc == INLAY_OK)
        rc = record(stepwise);
    /* Redoing goes on with the same look: what was undone is not half applied. */
    if (rc == INLAY_OK)
        inlay_history_finish(&stepwise->run->look.history, stepwise->step->migration->version);
    return rc;
}

static void tell_failure(struct stepwise *stepwise, int rc)
{
    struct run *run = stepwise->run;
    struct inlay_error *err = stepwise->err;
    bool answered = rc != INLAY_E_STOPPED && rc != INLAY_E_LOST;

    err->version = stepwise->step->migration->version;
    if (err->path[0] == '\0')
        inlay_error_file(err, run->set, stepwise->step->script);
    if (err->outcome[0] == '\0' && rc != INLAY_E_MISMATCH)
        inlay_progress_tell(&stepwise->progress, stepwise->done, answered, err);
    if (answered)
        inlay_run_tell(run, INLAY_EVENT_FAILED, inlay_clock_ms() - run->current_since);
}

int inlay_stepwise(struct run *run, const struct step *step, struct inlay_error *err)
{
    struct stepwise stepwise = {.run = run, .step = step, .err = err};
    int rc;

    if (!inlay_progress_init(&stepwise.progress, run, step))
        return inlay_error_memory(err);
    inlay_run_started(run, step);
    rc = run_file(&stepwise);
    if (rc == INLAY_OK)
        inlay_run_applied(run, inlay_clock_ms() - run->current_since);
    else
        tell_failure(&stepwise, rc);
    run->current = NULL;
    run->session.label = NULL;
    inlay_progress_finish(&stepwise.progress);
    return rc;
}

#include "apply/stepwise/statement.h"
#include "apply/failure.h"
#include "apply/stepwise/index.h"
#include "base/set.h"
#include "history/sql.h"

#include <stdio.h>
#include <string.h>

static const struct inlay_statement *next_statement(const struct stepwise *stepwise)
{
    return &stepwise->step->script->statements[stepwise->done];
}

static struct message statement_message(const struct stepwise *stepwise, size_t index)
{
    const struct inlay_script *script = stepwise->step->script;

    return (struct message){.sql = script->text + script->statements[index].offset,
                            .length = script->statements[index].length};
}

static int fail_statement(struct stepwise *stepwise, size_t index, const PGresult *result)
{
    inlay_result_error(result, INLAY_E_FAILED, stepwise->err);
    inlay_failure_place(stepwise->run->request.set, stepwise->step, index, result, stepwise->err);
    return INLAY_E_FAILED;
}

int inlay_statement_execute(struct stepwise *stepwise, size_t index)
{
    struct message query = statement_message(stepwise, index);
    PGresult *result = NULL;
    int rc =
        inlay_query_execute(&stepwise->run->connection.session, &query, 1, &result, stepwise->err);

    if (rc == INLAY_OK && inlay_result_failed(result))
        rc = fail_statement(stepwise, index, result);
    PQclear(result);
    return rc;
}

/* ---- what is recorded ---- */

static int save(struct stepwise *stepwise, size_t done, enum intent_kind kind, const char *index,
                struct inlay_error *err)
{
    const struct intent intent = {.kind = kind, .index = index};

    return inlay_progress_save(&stepwise->progress, &stepwise->run->connection.session, done,
                               &intent, err);
}

int inlay_statement_save(struct stepwise *stepwise, size_t done)
{
    return save(stepwise, done, INTENT_NONE, "", stepwise->err);
}

static int announce(struct stepwise *stepwise, enum intent_kind kind, const char *index)
{
    return save(stepwise, stepwise->done, kind, index, stepwise->err);
}

/* The server said that the statement failed. What cannot be recorded of that the next run will
 * find out. */
static void record_failure(struct stepwise *stepwise, enum intent_kind kind, const char *index)
{
    struct inlay_error ignored;

    save(stepwise, stepwise->done, kind, index, &ignored);
}

static int run_and_save(struct stepwise *stepwise)
{
    int rc = inlay_statement_execute(stepwise, stepwise->done);

    return rc == INLAY_OK ? inlay_statement_save(stepwise, stepwise->done + 1) : rc;
}

/* Runs a statement that cannot share a transaction with its progress; `failed` is what is known
 * where it fails. */
static int run_announced(struct stepwise *stepwise, enum intent_kind kind, const char *index,
                         enum intent_kind failed)
{
    int rc = announce(stepwise, kind, index);

    if (rc == INLAY_OK)
        rc = run_and_save(stepwise);
    if (rc == INLAY_E_FAILED)
        record_failure(stepwise, failed, "");
    return rc;
}

/* ---- statements that nobody can look at ---- */

void inlay_statement_ways_out(const struct stepwise *stepwise)
{
    struct inlay_error *err = stepwise->err;
    long long version = stepwise->step->migration->version;
    size_t next = stepwise->done + 1;

    inlay_text_add(err->hint, sizeof err->hint, "%scheck the database. ",
                   err->hint[0] != '\0' ? "\n" : "");
    if (stepwise->done < stepwise->step->script->statement_count)
        inlay_text_add(err->hint, sizeof err->hint,
                       "Statement %zu not done: --migrate-resume-at %lld:%zu. Done: "
                       "--migrate-resume-at %lld:%zu. ",
                       next, version, next, version, next + 1);
    else
        inlay_text_add(err->hint, sizeof err->hint,
                       "All statements of the file done: --migrate-resume-at %lld:%zu. ", version,
                       next);
    inlay_text_add(err->hint, sizeof err->hint, "Finished the file by hand: --migrate-%s %lld",
                   stepwise->step->down ? "unmark" : "mark", version);
}

/* A procedure that commits may have done so before it failed, and nobody knows how often. */
static int run_committing(struct stepwise *stepwise)
{
    int rc = run_announced(stepwise, INTENT_BEGUN, "", INTENT_BEGUN);
    char rest[128];

    if (rc != INLAY_E_FAILED)
        return rc;
    inlay_text_put(rest, sizeof rest,
                   "; statement %zu commits by itself, and what it committed before it failed "
                   "stays too",
                   stepwise->done + 1);
    inlay_progress_tell(&stepwise->progress, stepwise->done, rest, stepwise->err);
    inlay_statement_ways_out(stepwise);
    return rc;
}

/* ---- statements that share a transaction with their progress ---- */

/* A procedure that commits, or a statement that the generator does not know as one that cannot run
 * in a transaction: the server says so, and nothing was kept. */
static bool wants_no_transaction(const PGresult *result)
{
    return inlay_result_has_state(result, "2D000") || inlay_result_has_state(result, "25001");
}

/* Done exactly once. */
static int run_with_progress(struct stepwise *stepwise)
{
    enum { COUNT = PROGRESS_MESSAGES + 3 };
    struct message queries[COUNT] = {{.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
                                     statement_message(stepwise, stepwise->done),
                                     [COUNT - 1] = {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    inlay_progress_compose(&stepwise->progress, stepwise->done + 1, queries + 2);
    int rc = inlay_query_execute(&stepwise->run->connection.session, queries, COUNT, results,
                                 stepwise->err);
    bool alone = rc == INLAY_OK && wants_no_transaction(results[1]);
    for (size_t i = 0; i < COUNT && rc == INLAY_OK && !alone; i++)
        if (inlay_result_failed(results[i]))
            rc = fail_statement(stepwise, stepwise->done, results[i]);
    inlay_results_clear(results, COUNT);
    return alone ? run_committing(stepwise) : rc;
}

/* ---- indexes ---- */

static int look_for_index(struct stepwise *stepwise, struct index_look *found,
                          struct inlay_error *err)
{
    const struct inlay_statement *statement = next_statement(stepwise);

    return inlay_index_look(&stepwise->run->connection.session, statement->table, statement->index,
                            found, err);
}

/* The server took the statement for done, and IF NOT EXISTS takes whatever has the name. */
static int verify_built(struct stepwise *stepwise)
{
    struct inlay_error *err = stepwise->err;
    struct index_look found;
    int rc = look_for_index(stepwise, &found, err);

    if (rc != INLAY_OK || found.state == INDEX_VALID)
        return rc;
    inlay_error_set(err, INLAY_E_FAILED, "the statement built no index: what is named %s is %s",
                    next_statement(stepwise)->index,
                    found.state == INDEX_INVALID ? "an INVALID index" : "no index of that table");
    inlay_failure_place(stepwise->run->request.set, stepwise->step, stepwise->done, NULL, err);
    inlay_text_put(err->hint, sizeof err->hint,
                   "IF NOT EXISTS is content with that name: give the index another one");
    return err->code;
}

/* Where a build fails the index stays, INVALID; the next run finds it by its name. */
static void look_after_failure(struct stepwise *stepwise)
{
    struct inlay_error *err = stepwise->err;
    struct inlay_error ignored;
    struct index_look found;

    if (look_for_index(stepwise, &found, &ignored) != INLAY_OK)
        return;
    bool invalid = found.state == INDEX_INVALID;
    record_failure(stepwise, invalid ? INTENT_FAILED : INTENT_NONE, invalid ? found.name : "");
    if (invalid)
        inlay_text_add(err->hint, sizeof err->hint,
                       "%sthe INVALID index %s that it left is dropped by the next run, which "
                       "builds it again",
                       err->hint[0] != '\0' ? "\n" : "", found.name);
    if (found.state == INDEX_VALID && strcmp(err->sqlstate, "42P07") == 0)
        inlay_text_add(err->hint, sizeof err->hint,
                       "%san index %s was there before; if it is the one that the file means, go "
                       "on behind the statement: --migrate-resume-at %lld:%zu",
                       err->hint[0] != '\0' ? "\n" : "", found.name,
                       (long long)stepwise->step->migration->version, stepwise->done + 2);
}

/* An index that was not there before, and is valid afterwards, is ours: with its definition, which
 * nobody needs to compare. */
static int build_index(struct stepwise *stepwise)
{
    const struct inlay_statement *statement = next_statement(stepwise);
    struct index_look found;
    int rc = inlay_index_make_room(&stepwise->run->connection.session, statement->table,
                                   statement->index, &found, stepwise->err);

    if (rc == INLAY_OK)
        rc = found.state == INDEX_ABSENT ? announce(stepwise, INTENT_BUILDING, found.name)
                                         : announce(stepwise, INTENT_BEGUN, "");
    if (rc != INLAY_OK)
        return rc;
    rc = inlay_statement_execute(stepwise, stepwise->done);
    if (rc == INLAY_OK)
        rc = verify_built(stepwise);
    if (rc == INLAY_E_FAILED)
        look_after_failure(stepwise);
    return rc == INLAY_OK ? inlay_statement_save(stepwise, stepwise->done + 1) : rc;
}

static int run_drop_index(struct stepwise *stepwise)
{
    struct index_look found;
    int rc = look_for_index(stepwise, &found, stepwise->err);

    if (rc != INLAY_OK)
        return rc;
    return run_announced(stepwise, found.state == INDEX_ABSENT ? INTENT_BEGUN : INTENT_DROPPING,
                         found.name, INTENT_NONE);
}

static int run_concurrently(struct stepwise *stepwise, const struct intent *intent)
{
    const struct inlay_statement *statement = next_statement(stepwise);

    (void)intent;
    /* Where it fails, indexes whose names end in _ccnew or _ccold stay, INVALID. */
    if (statement->kind == INLAY_STATEMENT_REINDEX_CONCURRENTLY)
        return run_announced(stepwise, INTENT_BEGUN, "", INTENT_FAILED);
    if (statement->index == NULL) /* the generator was told to allow it */
        return run_announced(stepwise, INTENT_BEGUN, "", INTENT_NONE);
    if (statement->kind == INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY)
        return run_drop_index(stepwise);
    return build_index(stepwise);
}

/* ---- timeouts ---- */

static const char set_timeouts[] =
    "SELECT pg_catalog.set_config('lock_timeout', COALESCE($1::pg_catalog.text,"
    " pg_catalog.current_setting('lock_timeout')), false),"
    " pg_catalog.set_config('statement_timeout', COALESCE($2::pg_catalog.text,"
    " pg_catalog.current_setting('statement_timeout')), false)";

int inlay_statement_timeouts(struct stepwise *stepwise, const char *const values[2])
{
    struct message query = {.sql = set_timeouts, .parameter_count = 2, .parameters = values};
    PGresult *result = NULL;
    int rc = inlay_query_demand(&stepwise->run->connection.session, &query, 1, &result,
                                INLAY_E_FAILED, stepwise->err);

    PQclear(result);
    return rc;
}

int inlay_statement_without_timeouts(struct stepwise *stepwise,
                                     int (*work)(struct stepwise *stepwise,
                                                 const struct intent *intent),
                                     const struct intent *intent)
{
    const struct inlay_settings *settings = inlay_script_settings(stepwise->step->script);
    const char *const none[2] = {settings->lock_timeout_ms == INLAY_UNSET ? "0" : NULL,
                                 settings->statement_timeout_ms == INLAY_UNSET ? "0" : NULL};
    const struct message ask = {.sql = "SELECT pg_catalog.current_setting('lock_timeout'),"
                                       " pg_catalog.current_setting('statement_timeout')"};
    PGresult *before = NULL;
    int rc = inlay_query_demand(&stepwise->run->connection.session, &ask, 1, &before,
                                INLAY_E_FAILED, stepwise->err);

    if (rc == INLAY_OK)
        rc = inlay_statement_timeouts(stepwise, none);
    if (rc == INLAY_OK)
        rc = work(stepwise, intent);
    if (rc == INLAY_OK) {
        const char *const values[2] = {PQgetvalue(before, 0, 0), PQgetvalue(before, 0, 1)};
        rc = inlay_statement_timeouts(stepwise, values);
    }
    PQclear(before);
    return rc;
}

int inlay_statement_run(struct stepwise *stepwise)
{
    const struct inlay_statement *statement = next_statement(stepwise);

    switch (statement->kind) {
    case INLAY_STATEMENT_ORDINARY:
        return run_with_progress(stepwise);
    case INLAY_STATEMENT_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_REINDEX_CONCURRENTLY:
        return inlay_statement_without_timeouts(stepwise, run_concurrently, NULL);
    case INLAY_STATEMENT_SESSION_SET:
    case INLAY_STATEMENT_REPEATABLE:
        return run_and_save(stepwise);
    default: /* CREATE DATABASE and the like leave nothing behind where they fail */
        return run_announced(stepwise, INTENT_BEGUN, "", INTENT_NONE);
    }
}

/* Runs one statement of a no-transaction migration, announced before and recorded after, so that a
 * crash at any point leaves a row that tells. */
#include "apply/stepwise/statement.h"
#include "apply/stepwise/index.h"
#include "apply/stepwise/watched.h"
#include "apply/transaction/failure.h"
#include "base/set.h"
#include "history/sql.h"
#include "run/held.h"

#include <stdio.h>
#include <string.h>

static const struct inlay_statement *next_statement(const struct stepwise *stepwise)
{
    return inlay_script_statement(stepwise->step->script, stepwise->done);
}

static struct message statement_message(const struct stepwise *stepwise, size_t index)
{
    const struct inlay_script *script = stepwise->step->script;
    const struct inlay_statement *statement = inlay_script_statement(script, index);

    return (struct message){.sql = script->text + statement->offset, .length = statement->length};
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
    struct held held = inlay_held_init(&stepwise->run->connection.session, &stepwise->run->request,
                                       &stepwise->run->report);
    int rc;

    do
        rc = inlay_progress_save(&stepwise->progress, &stepwise->run->connection.session, done,
                                 &intent, err);
    while (inlay_held_again(&held, &rc, err));
    if (rc == INLAY_E_FAILED && inlay_progress_is_barred(err))
        inlay_failure_place(stepwise->run->request.set, stepwise->step, stepwise->done, NULL, err);
    return rc;
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

/* The statement succeeded. Where that cannot be recorded, what was announced stays: the next run
 * looks. */
static int record_success(struct stepwise *stepwise)
{
    int rc = inlay_statement_save(stepwise, stepwise->done + 1);

    stepwise->unrecorded = rc != INLAY_OK;
    return rc;
}

static int run_and_record(struct stepwise *stepwise)
{
    int rc = inlay_statement_execute(stepwise, stepwise->done);

    return rc == INLAY_OK ? record_success(stepwise) : rc;
}

/* Runs a statement that cannot share a transaction with its progress; `failed` is what is known
 * where the server says that it failed. */
static int run_announced(struct stepwise *stepwise, enum intent_kind kind, enum intent_kind failed)
{
    int rc = announce(stepwise, kind, "");

    if (rc != INLAY_OK)
        return rc;
    rc = inlay_statement_execute(stepwise, stepwise->done);
    if (rc == INLAY_E_FAILED)
        record_failure(stepwise, failed, "");
    return rc == INLAY_OK ? record_success(stepwise) : rc;
}

/* ---- statements that leave nothing to look at ---- */

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

static void tell_committed(struct stepwise *stepwise)
{
    char rest[128];

    inlay_text_put(rest, sizeof rest,
                   "; statement %zu commits by itself, and what it committed before it failed "
                   "stays too",
                   stepwise->done + 1);
    inlay_progress_tell(&stepwise->progress, stepwise->done, rest, stepwise->err);
    inlay_statement_ways_out(stepwise);
}

/* A procedure that commits may have done so before it failed, and it is not known how often: it
 * stays announced. */
static int run_committing(struct stepwise *stepwise)
{
    int rc = announce(stepwise, INTENT_BEGUN, "");

    if (rc != INLAY_OK)
        return rc;
    rc = inlay_statement_execute(stepwise, stepwise->done);
    stepwise->doubtful = rc == INLAY_E_FAILED;
    if (stepwise->doubtful)
        tell_committed(stepwise);
    return rc == INLAY_OK ? record_success(stepwise) : rc;
}

/* ---- statements that share a transaction with their progress ---- */

/* A procedure that commits, or a statement that the generator does not know as one that cannot run
 * in a transaction: the server says so, and nothing was kept. */
static bool wants_no_transaction(const PGresult *result)
{
    return inlay_result_has_state(result, "2D000") || inlay_result_has_state(result, "25001");
}

/* Done exactly once. `alone`: it wants none; `recording`: what failed is our record. */
static int run_together(struct stepwise *stepwise, bool *alone, bool *recording)
{
    enum { COUNT = PROGRESS_MESSAGES + 3 };
    struct message queries[COUNT] = {{.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
                                     statement_message(stepwise, stepwise->done),
                                     [COUNT - 1] = {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    inlay_progress_compose(&stepwise->progress, stepwise->done + 1, queries + 2);
    int rc = inlay_watched_execute(&stepwise->run->connection.session, stepwise->run->watch,
                                   stepwise->done, queries, COUNT, results, stepwise->err);
    *alone = rc == INLAY_OK && wants_no_transaction(results[1]);
    *recording = false;
    for (size_t i = 0; i < COUNT && rc == INLAY_OK && !*alone; i++)
        if (inlay_result_failed(results[i])) {
            rc = fail_statement(stepwise, stepwise->done, results[i]);
            *recording = i > 1 && i < COUNT - 1;
        }
    if (*recording)
        inlay_progress_is_barred(stepwise->err);
    inlay_results_clear(results, COUNT);
    inlay_query_rollback(&stepwise->run->connection.session);
    return rc;
}

static int run_with_progress(struct stepwise *stepwise)
{
    struct held held = inlay_held_init(&stepwise->run->connection.session, &stepwise->run->request,
                                       &stepwise->run->report);
    bool alone;
    bool recording;
    int rc;

    do
        rc = run_together(stepwise, &alone, &recording);
    while (recording && inlay_held_again(&held, &rc, stepwise->err));
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

/* What is known of a build that is not done: the index stays where it fails, INVALID, and the next
 * run finds it by its name. */
static void record_unbuilt(struct stepwise *stepwise, const struct index_look *found)
{
    struct inlay_error *err = stepwise->err;
    bool invalid = found->state == INDEX_INVALID;

    record_failure(stepwise, invalid ? INTENT_FAILED : INTENT_NONE, invalid ? found->name : "");
    if (invalid)
        inlay_text_add(err->hint, sizeof err->hint,
                       "%sthe INVALID index %s that it left is dropped by the next run, which "
                       "builds it again",
                       err->hint[0] != '\0' ? "\n" : "", found->name);
    if (found->state == INDEX_VALID && strcmp(err->sqlstate, "42P07") == 0)
        inlay_text_add(err->hint, sizeof err->hint,
                       "%san index %s was there before; if it is the one that the file means, "
                       "continue after the statement: --migrate-resume-at %lld:%zu",
                       err->hint[0] != '\0' ? "\n" : "", found->name,
                       (long long)stepwise->step->migration->version, stepwise->done + 2);
}

/* The server took the statement for done, and IF NOT EXISTS takes whatever has the name. */
static int verify_built(struct stepwise *stepwise)
{
    struct inlay_error *err = stepwise->err;
    struct index_look found;
    int rc = look_for_index(stepwise, &found, err);

    stepwise->unrecorded = rc != INLAY_OK;
    if (rc != INLAY_OK || found.state == INDEX_VALID)
        return rc;
    inlay_error_set(err, INLAY_E_FAILED, "the statement built no index: what is named %s is %s",
                    next_statement(stepwise)->index,
                    found.state == INDEX_INVALID ? "an INVALID index" : "no index of that table");
    inlay_failure_place(stepwise->run->request.set, stepwise->step, stepwise->done, NULL, err);
    inlay_text_put(err->hint, sizeof err->hint,
                   "IF NOT EXISTS is content with that name: give the index another one");
    record_unbuilt(stepwise, &found);
    return err->code;
}

/* An index that was not there before, and is valid afterwards, is ours: with its definition, which
 * need not be compared. */
static int build_index(struct stepwise *stepwise)
{
    const struct inlay_statement *statement = next_statement(stepwise);
    struct index_look found;
    struct inlay_error ignored;
    int rc = inlay_index_make_room(&stepwise->run->connection.session, statement->table,
                                   statement->index, &found, stepwise->err);

    if (rc == INLAY_OK)
        rc = found.state == INDEX_ABSENT ? announce(stepwise, INTENT_BUILDING, found.name)
                                         : announce(stepwise, INTENT_BEGUN, "");
    if (rc != INLAY_OK)
        return rc;
    rc = inlay_statement_execute(stepwise, stepwise->done);
    if (rc == INLAY_E_FAILED && look_for_index(stepwise, &found, &ignored) == INLAY_OK)
        record_unbuilt(stepwise, &found);
    if (rc == INLAY_OK)
        rc = verify_built(stepwise);
    return rc == INLAY_OK ? record_success(stepwise) : rc;
}

/* An index that was there and is gone counts as dropped, whatever the server answered. */
static int run_drop_index(struct stepwise *stepwise)
{
    struct index_look found;
    struct inlay_error ignored;
    int rc = look_for_index(stepwise, &found, stepwise->err);
    bool there = found.state != INDEX_ABSENT;

    if (rc == INLAY_OK)
        rc = announce(stepwise, there ? INTENT_DROPPING : INTENT_BEGUN, found.name);
    if (rc != INLAY_OK)
        return rc;
    rc = inlay_statement_execute(stepwise, stepwise->done);
    if (rc == INLAY_E_FAILED && look_for_index(stepwise, &found, &ignored) == INLAY_OK &&
        (!there || found.state != INDEX_ABSENT))
        record_failure(stepwise, INTENT_NONE, "");
    return rc == INLAY_OK ? record_success(stepwise) : rc;
}

static int run_concurrently(struct stepwise *stepwise, const struct intent *intent)
{
    const struct inlay_statement *statement = next_statement(stepwise);

    (void)intent;
    /* Where it fails, indexes whose names end in _ccnew or _ccold stay, INVALID. */
    if (statement->kind == INLAY_STATEMENT_REINDEX_CONCURRENTLY)
        return run_announced(stepwise, INTENT_BEGUN, INTENT_FAILED);
    if (statement->index == NULL) /* allowed by an option of the generator */
        return run_announced(stepwise, INTENT_BEGUN, INTENT_NONE);
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
    int rc =
        inlay_query_persist(&stepwise->run->connection.session, &query, 1, &result, stepwise->err);

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
    int rc =
        inlay_query_persist(&stepwise->run->connection.session, &ask, 1, &before, stepwise->err);

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
    case INLAY_STATEMENT_CALL:
        return run_with_progress(stepwise);
    case INLAY_STATEMENT_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY:
    case INLAY_STATEMENT_REINDEX_CONCURRENTLY:
        return inlay_statement_without_timeouts(stepwise, run_concurrently, NULL);
    case INLAY_STATEMENT_SESSION_SET:
    case INLAY_STATEMENT_REPEATABLE:
        return run_and_record(stepwise);
    default: /* CREATE DATABASE and the like leave nothing if they fail */
        return run_announced(stepwise, INTENT_BEGUN, INTENT_NONE);
    }
}

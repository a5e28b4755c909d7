/* Runs a no-transaction migration from where its progress says to its history row, and says what is
 * left if it fails. */
#include "apply/stepwise/stepwise.h"
#include "apply/stepwise/resume.h"
#include "apply/stepwise/verify.h"
#include "apply/stepwise/watched.h"
#include "apply/transaction/failure.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/search_path.h"
#include "base/set.h"
#include "history/down_script.h"
#include "history/sql.h"
#include "plan/row_values.h"
#include "plan/steps.h"
#include "run/held.h"
#include "run/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int configure_file(struct stepwise *stepwise)
{
    const struct inlay_settings *settings = inlay_script_settings(stepwise->step->script);
    const struct inlay_settings *own = &stepwise->run->connection.limits.own;
    int64_t lock_ms =
        settings->lock_timeout_ms != INLAY_UNSET ? settings->lock_timeout_ms : own->lock_timeout_ms;
    int64_t statement_ms = settings->statement_timeout_ms != INLAY_UNSET
                               ? settings->statement_timeout_ms
                               : own->statement_timeout_ms;
    char lock[24];
    char statement[24];
    const char *const values[2] = {lock_ms != INLAY_UNSET ? lock : "0", statement};

    snprintf(lock, sizeof lock, "%lld", (long long)lock_ms);
    snprintf(statement, sizeof statement, "%lld", (long long)statement_ms);
    return inlay_statement_timeouts(stepwise, values);
}

/* Until the session is reset. */
static int set_search_path(struct stepwise *stepwise)
{
    const char *names = stepwise->run->request.options.search_path;
    char sql[INLAY_SEARCH_PATH_MOST];
    const struct message query = {.sql = sql};
    PGresult *result = NULL;

    if (names == NULL)
        return INLAY_OK;
    inlay_search_path_sql(names, false, sql);
    int rc =
        inlay_query_persist(&stepwise->run->connection.session, &query, 1, &result, stepwise->err);
    PQclear(result);
    if (rc == INLAY_E_FAILED)
        inlay_failure_search_path(stepwise->err);
    return rc;
}

static int refuse_edited_statements(const struct stepwise *stepwise, int64_t done)
{
    const struct inlay_migration *migration = stepwise->step->migration;
    struct inlay_error *err = stepwise->err;

    inlay_error_set(err, INLAY_E_MISMATCH,
                    "an earlier run finished the first %lld statements of version %lld (%s), and "
                    "they were edited since",
                    (long long)done, (long long)migration->version, migration->name);
    err->version = migration->version;
    inlay_error_file(err, stepwise->run->request.set, stepwise->step->script);
    inlay_text_put(err->hint, sizeof err->hint,
                   "put these statements back as they were (later ones may change). Or check the "
                   "database, then name the statement of the edited file to continue with: "
                   "--migrate-resume-at %lld:STATEMENT (1 is the first). Finished the file by "
                   "hand: --migrate-%s %lld",
                   (long long)migration->version, stepwise->step->down ? "unmark" : "mark",
                   (long long)migration->version);
    return err->code;
}

/* What is recorded of the other script is no longer true: it was finished by hand, and then the
 * row of the version was written or deleted. */
static const struct history_progress *find_progress(const struct stepwise *stepwise)
{
    const struct inlay_migration *migration = stepwise->step->migration;
    const struct history_progress *progress =
        inlay_history_progress(&stepwise->run->known.snapshot.history, migration->version);

    if (progress == NULL)
        return NULL;
    bool others = stepwise->step->down ? inlay_partial_is_of(progress, &migration->up)
                                       : inlay_partial_is_down(progress);
    return others ? NULL : progress;
}

/* Where did an earlier run stop, and is what it did still what the file says? */
static int find_start(struct stepwise *stepwise, struct intent *intent)
{
    const struct inlay_script *script = stepwise->step->script;
    const struct history_progress *progress = find_progress(stepwise);
    char checksum[32];

    if (progress == NULL)
        return inlay_statement_save(stepwise, 0);
    if (progress->done < 0 || (size_t)progress->done > script->statement_count)
        return refuse_edited_statements(stepwise, progress->done);
    inlay_partial_checksum(script, stepwise->step->down, (size_t)progress->done, checksum);
    if (progress->checksum == NULL || strcmp(progress->checksum, checksum) != 0)
        return refuse_edited_statements(stepwise, progress->done);
    stepwise->done = (size_t)progress->done;
    *intent = inlay_partial_intent(progress);
    if (stepwise->done > 0)
        inlay_log(&stepwise->run->request.options, INLAY_LOG_INFO,
                  "%s: continuing after statement %zu of %zu, where an earlier run stopped",
                  script->path, stepwise->done, script->statement_count);
    return INLAY_OK;
}

/* What a finished SET did is gone with its session. */
static int repeat_settings(struct stepwise *stepwise)
{
    int rc = INLAY_OK;

    for (size_t i = 0; i < stepwise->done && rc == INLAY_OK; i++)
        if (inlay_script_statement(stepwise->step->script, i)->kind == INLAY_STATEMENT_SESSION_SET)
            rc = inlay_statement_execute(stepwise, i);
    return rc;
}

static int run_statements(struct stepwise *stepwise)
{
    int rc = INLAY_OK;

    while (rc == INLAY_OK && stepwise->done < stepwise->step->script->statement_count) {
        rc = inlay_lock_verify(&stepwise->run->connection.lock, stepwise->err);
        if (rc == INLAY_OK)
            rc = inlay_statement_run(stepwise);
        if (rc == INLAY_OK)
            rc = inlay_watched_look(stepwise->run->watch, WATCH_OUTSIDE, stepwise->done,
                                    stepwise->err);
        if (rc == INLAY_OK)
            stepwise->run->report.current_statement = ++stepwise->done;
    }
    return rc;
}

/* The messages of record, by what they do. */
enum { RECORD_BEGIN, RECORD_FIT, RECORD_CHANGE, RECORD_END, RECORD_MOST = RECORD_END + 3 };

/* What the file left is there to stay, but counts as applied only beside tables that are fit. */
static int send_record(struct stepwise *stepwise, const struct message *queries, size_t count)
{
    const struct request *request = &stepwise->run->request;
    PGresult *results[RECORD_MOST] = {0};
    int rc = inlay_query_persist(&stepwise->run->connection.session, queries, count, results,
                                 stepwise->err);

    if (rc == INLAY_E_FAILED)
        inlay_failure_unfit(request, stepwise->step, results[RECORD_FIT], true, stepwise->err);
    if (rc == INLAY_OK && strcmp(PQcmdTuples(results[RECORD_CHANGE]), "1") != 0)
        rc = inlay_error_set(stepwise->err, INLAY_E_FAILED, "%s did not take the row",
                             request->name.text);
    inlay_results_clear(results, RECORD_MOST);
    return rc;
}

/* The row, or its end, with all that goes with it, in one transaction. */
static int record(struct stepwise *stepwise)
{
    struct run *run = stepwise->run;
    const struct history_name *name = &run->request.name;
    const struct inlay_migration *migration = stepwise->step->migration;
    char elapsed[24];
    struct row_values row;
    bool down = stepwise->step->down;
    char *fit = inlay_sql_demand_fit(name, true);
    char *change = down ? inlay_sql_unmark(name) : inlay_sql_record(name);
    char *end = inlay_sql_progress_end(name);
    struct message queries[RECORD_MOST] = {
        [RECORD_BEGIN] = {.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
        [RECORD_FIT] = {.sql = fit},
        [RECORD_CHANGE] = {.sql = change,
                           .parameter_count = down ? 1 : 5,
                           .parameters = row.values},
        [RECORD_END] = {.sql = end, .parameter_count = 1, .parameters = row.values}};
    struct down_script keep;
    size_t count = RECORD_END + 1;
    bool ready =
        inlay_down_script_init(&keep, name) && fit != NULL && change != NULL && end != NULL;

    inlay_row_values_fill(&row, migration, run->report.batch);
    snprintf(elapsed, sizeof elapsed, "%lld",
             (long long)(inlay_clock_ms() - run->report.current_since));
    row.values[4] = elapsed;
    if (stepwise->step->keep != KEEP_AS_IT_IS)
        inlay_down_script_fill(&keep, stepwise->step->keep, migration->version, migration,
                               &queries[count++]);
    queries[count++].sql = "COMMIT";
    int rc = ready ? send_record(stepwise, queries, count) : inlay_error_memory(stepwise->err);
    inlay_down_script_finish(&keep);
    free(fit);
    free(change);
    free(end);
    return rc;
}

static int record_when_free(struct stepwise *stepwise)
{
    struct held held = inlay_held_init(&stepwise->run->connection.session, &stepwise->run->request,
                                       &stepwise->run->report);
    int rc;

    do
        rc = record(stepwise);
    while (inlay_held_again(&held, &rc, stepwise->err));
    return rc;
}

static int reset_session(struct stepwise *stepwise)
{
    enum { MOST = 16 + INLAY_SETTINGS };
    struct message queries[MOST] = {{0}};
    PGresult *results[MOST] = {0};
    const struct limits *limits = &stepwise->run->connection.limits;
    size_t count = 0;

    for (; count < inlay_reset_count; count++)
        queries[count].sql = inlay_reset_statements[count];
    for (size_t i = 0; i < limits->again_count; i++)
        queries[count++].sql = inlay_own_settings[limits->again[i]].statement;
    int rc = inlay_query_persist(&stepwise->run->connection.session, queries, count, results,
                                 stepwise->err);
    inlay_results_clear(results, count);
    return rc;
}

/* What it did stays, but it does not count as applied. */
static int verify_done(struct stepwise *stepwise)
{
    const struct step *step = stepwise->step;

    struct run *run = stepwise->run;

    return step->down ? INLAY_OK
                      : inlay_verify_run(&run->connection.session, &run->request,
                                         &run->connection.limits, step->migration, stepwise->err);
}

/* The plans that functions keep from before an earlier migration go first: a statement that fails
 * on one of these could not be tried again as one that is rolled back. */
static int run_file(struct stepwise *stepwise)
{
    struct intent intent = {.kind = INTENT_NONE};
    int rc = find_start(stepwise, &intent);

    inlay_query_tidy(&stepwise->run->connection.session, "DISCARD PLANS");
    stepwise->run->report.current_statement = stepwise->done;
    if (rc == INLAY_OK)
        rc = configure_file(stepwise);
    if (rc == INLAY_OK)
        rc = set_search_path(stepwise);
    if (rc == INLAY_OK)
        rc = repeat_settings(stepwise);
    if (rc == INLAY_OK)
        rc = inlay_resume(stepwise, &intent);
    if (rc == INLAY_OK)
        rc = run_statements(stepwise);
    /* Before the row is written: a body may have left us as a role that may not. */
    if (rc == INLAY_OK)
        rc = reset_session(stepwise);
    if (rc == INLAY_OK)
        rc = verify_done(stepwise);
    if (rc == INLAY_OK)
        rc = record_when_free(stepwise);
    /* Redoing continues with the same look: what was undone is not half applied. */
    if (rc == INLAY_OK)
        inlay_history_finish(&stepwise->run->known.snapshot.history,
                             stepwise->step->migration->version);
    return rc;
}

/* What the next run makes of a file that stopped after `done` statements. `answered`: nothing was
 * sent whose end is not known. */
static void tell_rest(struct stepwise *stepwise, bool answered)
{
    bool all = stepwise->done == stepwise->step->script->statement_count;
    char rest[96];

    if (all)
        inlay_text_put(rest, sizeof rest, "; the next run only writes its history row");
    else if (answered)
        inlay_text_put(rest, sizeof rest, "; the next run continues with statement %zu",
                       stepwise->done + 1);
    else
        inlay_text_put(rest, sizeof rest, ", perhaps statement %zu too; the next run finds out",
                       stepwise->done + 1);
    inlay_progress_tell(&stepwise->progress, stepwise->done, rest, stepwise->err);
}

/* Returns the code that it ends with: another than `rc` where a lock was in the way. */
static int tell_failure(struct stepwise *stepwise, int rc)
{
    struct run *run = stepwise->run;
    struct inlay_error *err = stepwise->err;
    bool answered =
        rc != INLAY_E_STOPPED && !run->connection.session.abandoned && !stepwise->unrecorded;

    if (rc == INLAY_E_FAILED && !stepwise->doubtful)
        rc = inlay_error_settle(err);
    if (rc == INLAY_E_FAILED)
        inlay_failure_advise(&run->known, stepwise->step, err);
    err->version = stepwise->step->migration->version;
    if (err->path[0] == '\0')
        inlay_error_file(err, run->request.set, stepwise->step->script);
    if (err->outcome[0] == '\0' && rc != INLAY_E_MISMATCH)
        tell_rest(stepwise, answered);
    if (rc != INLAY_E_STOPPED && rc != INLAY_E_LOST)
        inlay_report_tell(&run->report, INLAY_EVENT_FAILED,
                          inlay_clock_ms() - run->report.current_since);
    return rc;
}

int inlay_stepwise(struct run *run, const struct step *step, struct inlay_error *err)
{
    struct stepwise stepwise = {.run = run, .step = step, .err = err};
    int rc;

    if (!inlay_progress_init(&stepwise.progress, &run->request.name, run->known.snapshot.role,
                             step))
        return inlay_error_memory(err);
    inlay_report_started(&run->report, step);
    rc = run_file(&stepwise);
    if (rc == INLAY_OK)
        inlay_report_applied(&run->report, inlay_clock_ms() - run->report.current_since);
    else
        rc = tell_failure(&stepwise, rc);
    run->report.current = NULL;
    run->connection.session.label = NULL;
    inlay_progress_finish(&stepwise.progress);
    return rc;
}

/* Begins and ends a run, and makes its plan. Which parts a run has is in run.h. */
#include "run/run.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "base/set.h"
#include "plan/steps.h"
#include "plan/verdict.h"
#include "run/settings.h"
#include "wire/session.h"

#include <string.h>

int inlay_run_begin(struct run *run, const struct inlay_set *set,
                    const struct inlay_options *options, struct inlay_error *err)
{
    memset(run, 0, sizeof *run);
    run->request.set = set;
    run->connection.limits =
        (struct limits){.options = &run->request.options, .window = INLAY_WINDOW};
    run->report = (struct report){.set = set,
                                  .options = &run->request.options,
                                  .session = &run->connection.session,
                                  .begun_at = inlay_clock_ms(),
                                  .newest = -1};
    run->connection.lock =
        (struct lock){.session = &run->connection.session, .name = &run->request.name};
    run->connection.session.tick = inlay_report_tick;
    run->connection.session.tick_context = &run->report;
    if (inlay_set_validate(set, err) != INLAY_OK ||
        inlay_options_copy(&run->request.options, options, err) != INLAY_OK)
        return err->code;
    run->request.options.keep_down |= (set->flags & INLAY_SET_KEEP_DOWN) != 0;
    const char *history =
        run->request.options.history != NULL ? run->request.options.history : set->history;
    return inlay_name_parse(history, &run->request.name, err);
}

int inlay_run_connect(struct connection *connection, const struct request *request,
                      struct report *report, int64_t wait_ms, struct inlay_error *err)
{
    struct kept *kept = connection->kept;

    connection->seal_ready = false;
    if (kept != NULL && kept->session.conn != NULL) {
        inlay_session_move(&connection->session, &kept->session, &request->options);
        return INLAY_OK;
    }
    if (kept != NULL)
        inlay_results_clear(&kept->limits, 1);
    report->waiting_since = inlay_clock_ms();
    int rc = inlay_session_open(&connection->session, &request->options, wait_ms, err);
    report->waiting_since = 0;
    return rc;
}

void inlay_knowledge_forget(struct knowledge *known)
{
    inlay_plan_free(&known->plan);
    inlay_snapshot_free(&known->snapshot);
}

int inlay_run_verdict(const struct request *request, const struct plan *plan,
                      struct inlay_error *err)
{
    bool refuse_late =
        request->options.refuse_late || (request->set->flags & INLAY_SET_REFUSE_LATE) != 0;
    int rc = inlay_goal_verdict(request->set, plan, &request->goal, &request->name,
                                request->options.strict, err);

    if (rc == INLAY_OK && refuse_late)
        rc = inlay_verdict_late(request->set, plan, inlay_goal_reach(&request->goal), err);
    return rc;
}

/* An unknown version below what is embedded is no sign of a newer binary. */
static void warn_gone(const struct request *request, const struct plan *plan, int64_t newest)
{
    char versions[256];
    size_t count = inlay_plan_unknown(plan, newest, false, versions, sizeof versions);

    if (count > 0)
        inlay_log(&request->options, INLAY_LOG_WARNING,
                  "this binary lacks %zu version%s below its newest that %s has: %s (deleted here, "
                  "or applied late by a newer binary)",
                  count, count == 1 ? "" : "s", request->name.text, versions);
}

static void warn_newer(const struct request *request, const struct plan *plan, int64_t newest)
{
    char versions[256];
    size_t count = inlay_plan_unknown(plan, newest, true, versions, sizeof versions);

    if (count > 0)
        inlay_log(&request->options, INLAY_LOG_WARNING,
                  "the database is newer than this binary: %s has %zu version%s that this binary "
                  "lacks: %s (applied by a newer binary, or deleted here)",
                  request->name.text, count, count == 1 ? "" : "s", versions);
}

void inlay_run_warn_unknown(const struct request *request, const struct plan *plan)
{
    const struct inlay_set *set = request->set;
    int64_t newest =
        set->migration_count > 0 ? inlay_set_migration(set, set->migration_count - 1)->version : -1;

    if (plan->unknown == 0)
        return;
    warn_newer(request, plan, newest);
    warn_gone(request, plan, newest);
    for (size_t i = 0; i < plan->repeatable_count; i++)
        if (plan->repeatables[i].state == INLAY_STATE_REPLACED)
            inlay_log(&request->options, INLAY_LOG_WARNING,
                      "%s is another text than the database has, and is left to the newer binary",
                      plan->repeatables[i].migration->up.path);
}

/* A body that failed was not followed by the resets, and a rollback does not undo all of it. Our
 * own connection is closed; a caller's stays open. */
static void reset_caller(struct session *session)
{
    if (session->conn == NULL || session->owned)
        return;
    inlay_query_tidy_all(session, inlay_reset_statements, inlay_reset_count);
}

/* It may be in a pipeline, in a transaction, or have our lock. */
static int tell_lost(int rc, struct inlay_error *err)
{
    if (rc == INLAY_OK)
        rc = inlay_error_set(err, INLAY_E_LOST,
                             "it is done, but the caller's connection could not be given back");
    inlay_text_add(err->hint, sizeof err->hint, "%sclose the connection: it is of no use any more",
                   err->hint[0] != '\0' ? "\n" : "");
    return rc;
}

/* After a run that went well, which leaves nothing in the session but our settings. */
static bool keep_connection(struct connection *connection, const struct request *request, int rc)
{
    if (connection->kept == NULL || rc != INLAY_OK ||
        request->options.pooler == INLAY_POOLER_TRANSACTION ||
        !inlay_session_may_move(&connection->session))
        return false;
    inlay_session_move(&connection->kept->session, &connection->session, NULL);
    return true;
}

int inlay_run_disconnect(struct connection *connection, const struct request *request,
                         const struct report *report, int rc, struct inlay_error *err)
{
    inlay_query_rollback(&connection->session);
    if (report->total > 0 && request->options.pooler != INLAY_POOLER_TRANSACTION)
        reset_caller(&connection->session);
    if (connection->lock.held)
        inlay_lock_release(&connection->lock);
    if (keep_connection(connection, request, rc))
        return rc;
    return inlay_session_close(&connection->session) ? rc : tell_lost(rc, err);
}

void inlay_run_end(struct run *run)
{
    struct inlay_error ignored;

    inlay_error_clear(&ignored);
    inlay_run_disconnect(&run->connection, &run->request, &run->report, INLAY_OK, &ignored);
    inlay_knowledge_forget(&run->known);
}

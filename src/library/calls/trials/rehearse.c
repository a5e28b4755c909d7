/* inlay_rehearse: everything pending runs in one transaction, which is rolled back. What a real run
 * alone can run is left out. */
#include "apply/failure.h"
#include "apply/transaction/blockers.h"
#include "apply/transaction/rehearsal.h"
#include "apply/transaction/retry.h"
#include "base/clock.h"
#include "base/log.h"
#include "calls/migrate.h"
#include "run/prepare.h"

#include <inlay-admin.h>

#include <stdlib.h>
#include <string.h>

/* ---- what cannot be rehearsed ---- */

static void leave_out(struct run *run, const struct step *step, const char *why, const char *more)
{
    inlay_log(&run->request.options, INLAY_LOG_WARNING, "%s could not be rehearsed: %s%s",
              step->script->path, why, more);
    run->report.current = step->migration;
    inlay_report_tell(&run->report, INLAY_EVENT_UNREHEARSED, 0);
    run->report.skipped++;
}

/* ---- what went wrong ---- */

static void explain_left_out(const struct step *left_out, struct inlay_error *err)
{
    inlay_text_add(err->hint, sizeof err->hint,
                   "%sit may need %s, which could not be rehearsed: apply that to a copy of the "
                   "database and rehearse the rest there",
                   err->hint[0] != '\0' ? "\n" : "", left_out->script->path);
    if (left_out->migration->version >= 0)
        inlay_text_add(err->hint, sizeof err->hint, ": --migrate-to %lld",
                       (long long)left_out->migration->version);
}

static void explain(const struct rehearsal *rehearsal, const struct step *left_out)
{
    const struct step *step = inlay_rehearsal_current(rehearsal);
    struct inlay_error *err = rehearsal->err;

    inlay_failure_explain(&rehearsal->run->connection.limits, step, err);
    if (strcmp(err->sqlstate, "55P03") == 0)
        inlay_blockers_find(&rehearsal->run->connection, step,
                            inlay_phases_statement(&rehearsal->course, &rehearsal->reader),
                            err->detail, sizeof err->detail);
    if (inlay_error_passes(err))
        inlay_text_put(err->hint, sizeof err->hint,
                       "a run would try again; rehearse at a quieter time, or on a copy");
    if (left_out != NULL)
        explain_left_out(left_out, err);
}

static void tell_rehearsal(const struct rehearsal *rehearsal, bool committed)
{
    const struct inlay_migration *migration = inlay_rehearsal_current(rehearsal)->migration;
    struct inlay_error *err = rehearsal->err;

    err->version = migration->version;
    if (committed)
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "%s is PARTLY COMMITTED: it ended the transaction of the rehearsal, so what "
                       "it did before that is permanent, and the migrations before it are applied; "
                       "its own row was taken back",
                       migration->up.path);
    else
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "nothing was changed: this was a rehearsal");
}

static void fail_rehearsal(struct rehearsal *rehearsal, const struct step *left_out, int rc)
{
    struct run *run = rehearsal->run;
    bool committed = false;

    if (rc != INLAY_E_LOST) {
        inlay_query_rollback(&run->connection.session);
        committed = inlay_rehearsal_was_committed(rehearsal);
    }
    if (rc == INLAY_E_FAILED)
        explain(rehearsal, left_out);
    tell_rehearsal(rehearsal, committed);
    if (rc != INLAY_E_STOPPED)
        inlay_report_tell(&run->report, INLAY_EVENT_FAILED,
                          inlay_clock_ms() - run->report.current_since);
}

/* ---- all of them ---- */

/* `left_out` becomes the step if it is, for those that follow may need it. */
static int run_step(struct rehearsal *rehearsal, const struct step *step,
                    const struct step **left_out)
{
    struct run *run = rehearsal->run;

    inlay_report_started(&run->report, step);
    int rc = inlay_rehearsal_run(rehearsal, (size_t)(step - rehearsal->course.steps));
    if (rc == INLAY_OK) {
        inlay_report_tell(&run->report, INLAY_EVENT_REHEARSED,
                          inlay_clock_ms() - run->report.current_since);
        run->report.applied++;
    } else if (rc == INLAY_E_FAILED && inlay_rehearsal_wants_commit(rehearsal)) {
        *left_out = step;
        leave_out(run, step,
                  "an earlier migration has to be committed first: ", rehearsal->err->message);
        rc = INLAY_OK;
    } else {
        fail_rehearsal(rehearsal, *left_out, rc);
    }
    return rc;
}

static int rehearse_steps(struct rehearsal *rehearsal, const struct steps *steps)
{
    struct run *run = rehearsal->run;
    const struct step *left_out = NULL;
    int rc = INLAY_OK;

    for (size_t i = 0; i < steps->count && rc == INLAY_OK; i++) {
        const struct step *step = &steps->list[i];
        if ((step->script->flags & INLAY_SCRIPT_NO_TRANSACTION) != 0) {
            left_out = step;
            leave_out(run, step, "it runs without a transaction", "");
        } else {
            rc = run_step(rehearsal, step, &left_out);
        }
        run->report.current = NULL;
        run->connection.session.label = NULL;
    }
    return rc;
}

/* Nothing will be changed, so the host is not asked. */
static int begin(struct run *run, size_t count, struct inlay_error *err)
{
    const struct message query = {.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"};
    PGresult *result = NULL;

    run->report.total = count;
    run->report.batch = run->known.plan.next_batch;
    inlay_report_tell(&run->report, INLAY_EVENT_BEGIN, 0);
    inlay_migrate_warn_late(run);
    int rc = inlay_query_demand(&run->connection.session, &query, 1, &result, INLAY_E_FAILED, err);
    PQclear(result);
    return rc == INLAY_OK ? inlay_prepare_inside(run, err) : rc;
}

static int rehearse(struct run *run, const struct steps *steps, struct inlay_error *err)
{
    struct rehearsal rehearsal;
    int rc = inlay_rehearsal_init(&rehearsal, run, steps->list, err);

    if (rc == INLAY_OK)
        rc = begin(run, steps->count, err);
    if (rc == INLAY_OK)
        rc = rehearse_steps(&rehearsal, steps);
    inlay_query_rollback(&run->connection.session);
    inlay_rehearsal_finish(&rehearsal);
    return rc;
}

static int work(struct run *run, void *context, struct inlay_error *err)
{
    struct steps steps = {0};
    int rc = inlay_run_verdict(run, err);

    (void)context;
    if (rc == INLAY_OK)
        rc = inlay_steps_list(run->request.set, &run->known.plan, &run->request.goal, &steps, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = rehearse(run, &steps, err);
    free(steps.list);
    return rc;
}

/* What ran counts as applied, and what was left out as skipped. */
int inlay_rehearse(const struct inlay_set *set, const struct inlay_options *options,
                   struct inlay_rehearsal *result, struct inlay_error *err)
{
    const struct goal goal = {.kind = GOAL_UP, .rehearses = true};
    struct inlay_result counted;
    int rc = inlay_pursue(set, options, &goal, &(struct task){.work = work}, &counted, err);

    if (rc == INLAY_OK && result != NULL)
        *result = (struct inlay_rehearsal){.rehearsed = counted.applied,
                                           .unrehearsed = counted.skipped,
                                           .elapsed_ms = counted.elapsed_ms};
    return rc;
}

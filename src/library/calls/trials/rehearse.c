/* inlay_rehearse: everything pending runs in one transaction, which is rolled back, and what a real
 * run alone can run is left out. Or it is kept, a transaction a file. */
#include "apply/stepwise/stepwise.h"
#include "apply/transaction/blockers.h"
#include "apply/transaction/failure.h"
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

static void leave_out(struct report *report, const struct step *step, const char *why,
                      const char *more)
{
    inlay_log(report->options, INLAY_LOG_WARNING, "%s could not be rehearsed: %s%s",
              step->script->path, why, more);
    report->current = step->migration;
    inlay_report_tell(report, INLAY_EVENT_UNREHEARSED, 0);
    report->skipped++;
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

    inlay_failure_explain(&rehearsal->run->connection.limits, step->script, err);
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
    const struct step *step = inlay_rehearsal_current(rehearsal);
    struct inlay_error *err = rehearsal->err;

    err->version = step->migration->version;
    if (committed && rehearsal->keeps)
        inlay_failure_half(step, err);
    else if (committed)
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "%s is PARTLY COMMITTED: it ended the transaction of the rehearsal, so what "
                       "it did before that is permanent, and the migrations before it are applied; "
                       "its own row was taken back",
                       step->migration->up.path);
    else if (rehearsal->keeps && err->code == INLAY_E_LOST)
        inlay_failure_unknown(step, 0, err);
    else if (rehearsal->keeps)
        inlay_failure_outcome(&rehearsal->run->report, step, err);
    else
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "nothing was changed: this was a rehearsal");
}

static int fail_rehearsal(struct rehearsal *rehearsal, const struct step *left_out, int rc)
{
    struct run *run = rehearsal->run;
    bool committed = false;

    if (rc != INLAY_E_LOST) {
        inlay_query_rollback(&run->connection.session);
        committed = inlay_rehearsal_was_committed(rehearsal);
    }
    if (rc == INLAY_E_FAILED)
        explain(rehearsal, left_out);
    if (rc == INLAY_E_FAILED && !committed)
        rc = inlay_error_settle(rehearsal->err);
    tell_rehearsal(rehearsal, committed);
    if (rc != INLAY_E_STOPPED)
        inlay_report_tell(&run->report, INLAY_EVENT_FAILED,
                          inlay_clock_ms() - run->report.current_since);
    return rc;
}

/* ---- all of them ---- */

static void tell_done(struct rehearsal *rehearsal)
{
    struct report *report = &rehearsal->run->report;
    int64_t elapsed_ms = inlay_clock_ms() - report->current_since;

    if (rehearsal->keeps) {
        inlay_report_applied(report, elapsed_ms);
        return;
    }
    inlay_report_tell(report, INLAY_EVENT_REHEARSED, elapsed_ms);
    report->applied++;
}

/* `left_out` becomes the step if it is, for those that follow may need it. */
static int run_step(struct rehearsal *rehearsal, const struct step *step,
                    const struct step **left_out)
{
    struct run *run = rehearsal->run;

    inlay_report_started(&run->report, step);
    int rc = inlay_rehearsal_run(rehearsal, (size_t)(step - rehearsal->course.steps));
    if (rc == INLAY_OK) {
        tell_done(rehearsal);
    } else if (rc == INLAY_E_FAILED && !rehearsal->keeps &&
               inlay_rehearsal_wants_commit(rehearsal)) {
        *left_out = step;
        inlay_observer_begin(&rehearsal->observer, step);
        leave_out(&run->report, step,
                  "an earlier migration has to be committed first: ", rehearsal->err->message);
        rc = inlay_observer_ask(&rehearsal->observer, ROUND_ALL, true, rehearsal->err);
    } else {
        rc = fail_rehearsal(rehearsal, *left_out, rc);
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
        inlay_observer_begin(&rehearsal->observer, step);
        if (inlay_step_is_bare(step) && rehearsal->keeps) {
            rc = inlay_stepwise(run, step, rehearsal->err);
        } else if (inlay_step_is_bare(step)) {
            left_out = step;
            leave_out(&run->report, step, "it runs without a transaction", "");
        } else {
            rc = run_step(rehearsal, step, &left_out);
        }
        run->report.current = NULL;
        run->connection.session.label = NULL;
    }
    return rc;
}

/* The one transaction in which everything runs that is rolled back. */
static int begin_together(const struct rehearsal *rehearsal)
{
    const struct message query = {.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"};
    struct run *run = rehearsal->run;
    struct inlay_error *err = rehearsal->err;
    PGresult *result = NULL;
    int rc = inlay_query_demand(&run->connection.session, &query, 1, &result, INLAY_E_FAILED, err);

    PQclear(result);
    return rc == INLAY_OK
               ? inlay_prepare_inside(&run->connection.session, &run->request, &run->known, err)
               : rc;
}

/* The host is not asked: either nothing will be changed, or it named the database itself. */
static int begin(struct rehearsal *rehearsal, size_t count, struct inlay_error *err)
{
    struct run *run = rehearsal->run;

    run->report.total = count;
    run->report.batch = run->known.plan.next_batch;
    inlay_report_tell(&run->report, INLAY_EVENT_BEGIN, 0);
    inlay_migrate_warn_late(&run->request, &run->known.plan);
    int rc = rehearsal->keeps
                 ? inlay_prepare(&run->connection.session, &run->request, &run->known, err)
                 : begin_together(rehearsal);
    return rc == INLAY_OK
               ? inlay_observer_ask(&rehearsal->observer,
                                    rehearsal->keeps ? ROUND_OUTSIDE : ROUND_ALL, true, err)
               : rc;
}

static int rehearse(struct run *run, const struct steps *steps, struct inlay_error *err)
{
    struct rehearsal rehearsal;
    int rc = inlay_rehearsal_init(&rehearsal, run, steps->list, err);

    if (rc == INLAY_OK)
        rc = begin(&rehearsal, steps->count, err);
    run->connection.session.answer_ms = 0; /* what a body does takes as long as it takes */
    run->watch = &rehearsal.observer.watch;
    if (rc == INLAY_OK)
        rc = rehearse_steps(&rehearsal, steps);
    run->watch = NULL;
    inlay_query_rollback(&run->connection.session);
    inlay_rehearsal_finish(&rehearsal);
    return rc;
}

static int check_keeper(const struct snapshot *now, const char *name, struct inlay_error *err)
{
    return name != NULL ? inlay_pursue_confirmed(now, name, "nothing was run", err) : INLAY_OK;
}

/* `context`: where the name of the database that is to keep it stands, or NULL. */
static int work(struct run *run, void *context, struct inlay_error *err)
{
    const char *const *keep_in = context;
    struct steps steps = {0};
    int rc = inlay_run_verdict(&run->request, &run->known.plan, err);

    if (rc == INLAY_OK)
        rc = check_keeper(&run->known.snapshot, *keep_in, err);
    if (rc == INLAY_OK)
        rc = inlay_steps_list(run->request.set, &run->known.plan, &run->request.goal, &steps, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = rehearse(run, &steps, err);
    free(steps.list);
    return rc;
}

/* What ran counts as applied, and what was left out as skipped. */
int inlay_rehearse(const struct inlay_set *set, const struct inlay_options *options,
                   const char *keep_in, struct inlay_rehearsal *result, struct inlay_error *err)
{
    const struct goal goal = {.kind = GOAL_UP, .rehearses = true, .keeps = keep_in != NULL};
    const struct task task = {.work = work, .context = &keep_in};
    struct inlay_result counted;
    int rc = inlay_pursue(set, options, &goal, &task, &counted, err);

    if (rc == INLAY_OK && result != NULL)
        *result = (struct inlay_rehearsal){.rehearsed = counted.applied,
                                           .unrehearsed = counted.skipped,
                                           .elapsed_ms = counted.elapsed_ms};
    return rc;
}

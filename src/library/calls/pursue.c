#include "calls/pursue.h"
#include "base/clock.h"
#include "base/log.h"
#include "calls/takeover.h"
#include "run/admission.h"
#include "run/turn.h"

#include <string.h>

#define RECONNECT_MS (5 * 60 * 1000)

/* Without a lock the claims alone keep two processes apart. */
static int take_turn(struct run *run, struct inlay_error *err)
{
    struct admission admission;
    int rc = inlay_admission_enter(run, &admission, err);

    if (rc != INLAY_OK)
        return rc;
    rc = run->request.options.pooler == INLAY_POOLER_TRANSACTION
             ? inlay_admission_ask(run, &admission, err)
             : inlay_turn_wait(run, &admission, err);
    inlay_admission_finish(&admission);
    return rc;
}

/* Commits whose answers were lost with the connection: the history has them, under our number. */
static void tell_unheard(struct run *run)
{
    int64_t heard = run->report.newest;

    for (size_t i = 0; run->report.batch > 0 && i < run->known.plan.count; i++) {
        const struct plan_entry *entry = &run->known.plan.entries[i];
        if (entry->version <= heard || entry->migration == NULL || entry->row == NULL ||
            entry->row->batch != run->report.batch)
            continue;
        const struct step step = {.migration = entry->migration,
                                  .script = &entry->migration->up,
                                  .recorded = entry->recorded};
        inlay_report_started(&run->report, &step);
        inlay_report_applied(&run->report, entry->row->elapsed_ms);
    }
}

static int work_connected(struct run *run, const struct task *task, struct inlay_error *err)
{
    int rc = inlay_run_look(run, SNAPSHOT_ONLY, err);

    if (rc == INLAY_OK)
        tell_unheard(run);
    if (rc == INLAY_OK)
        rc = inlay_run_verdict(run, err);
    if (rc != INLAY_OK)
        return rc;
    inlay_run_warn_unknown(run);
    if (inlay_goal_reached(&run->known.plan, &run->request.goal))
        return INLAY_OK;
    rc = take_turn(run, err);
    if (rc == INLAY_OK && inlay_admission_adopts(run))
        rc = inlay_takeover_first(run, err);
    if (rc != INLAY_OK)
        return rc;
    tell_unheard(run); /* an orphaned server process may have gone on until then */
    return inlay_goal_reached(&run->known.plan, &run->request.goal)
               ? INLAY_OK
               : task->work(run, task->context, err);
}

static int attempt_task(struct run *run, const struct task *task, int64_t wait_ms,
                        struct inlay_error *err)
{
    int rc = inlay_run_connect(run, wait_ms, err);

    if (rc == INLAY_OK)
        rc = work_connected(run, task, err);
    if (rc == INLAY_E_LOST)
        run->connection.lock.held = false; /* gone with the connection */
    rc = inlay_run_disconnect(run, rc, err);
    inlay_run_end(run);
    return rc;
}

/* What was lost, and with what in the middle, matters more than why it stays away. */
static int stay_lost(const struct inlay_error *loss, struct inlay_error *err)
{
    char why[sizeof err->detail];

    inlay_text_put(why, sizeof why, "connecting again failed: %s", err->message);
    *err = *loss;
    memcpy(err->detail, why, sizeof why);
    return err->code;
}

/* Going up again is safe whatever was committed. "One back" is not: one may be back already. A
 * rehearsal that ends the server's process is to say so. */
static bool may_connect_again(const struct run *run, int rc)
{
    return rc == INLAY_E_LOST && run->request.options.connection == NULL &&
           !run->connection.session.stopping &&
           (run->request.goal.kind == GOAL_UP || run->request.goal.kind == GOAL_TO) &&
           !run->request.goal.rehearses;
}

/* A lost connection means that the last migration may be committed or not; the history knows. One
 * more try for each migration: one that ends the server's process twice is not tried for ever. */
int inlay_pursue_until_done(struct run *run, const struct task *task, struct inlay_error *err)
{
    int64_t lost_at = -2;
    int rc = attempt_task(run, task, run->request.options.connect_wait_ms, err);

    while (may_connect_again(run, rc) && err->version != lost_at) {
        int64_t patience = run->request.options.lock_wait_ms > 0 ? run->request.options.lock_wait_ms
                                                                 : RECONNECT_MS;
        struct inlay_error loss = *err;
        lost_at = err->version;
        run->connection.limits.window = 1; /* so that it is known which one it meets */
        inlay_log(&run->request.options, INLAY_LOG_WARNING, "%s; connecting again", err->message);
        rc = attempt_task(run, task, patience, err);
        if (rc == INLAY_E_CONNECTION)
            return stay_lost(&loss, err);
    }
    return rc;
}

int inlay_pursue(const struct inlay_set *set, const struct inlay_options *options,
                 const struct goal *goal, const struct task *task, struct inlay_result *result,
                 struct inlay_error *err)
{
    struct inlay_error own;
    struct run run;

    inlay_error_clear(&own);
    int rc = inlay_run_begin(&run, set, options, &own);
    run.request.goal = *goal;
    run.request.goal.skip_missing_down = run.request.options.skip_missing_down;
    run.request.goal.keep_down = run.request.options.keep_down;
    if (rc == INLAY_OK)
        rc = inlay_pursue_until_done(&run, task, &own);
    int64_t elapsed = inlay_clock_ms() - run.report.begun_at;
    if (run.report.total > 0)
        inlay_report_tell(&run.report, INLAY_EVENT_END, elapsed);
    if (rc == INLAY_OK && result != NULL)
        *result = (struct inlay_result){.applied = run.report.applied,
                                        .skipped = run.report.skipped,
                                        .batch = run.report.applied > 0 ? run.report.batch : 0,
                                        .elapsed_ms = elapsed,
                                        .undone = run.report.undone};
    return inlay_error_give(rc, &own, err);
}

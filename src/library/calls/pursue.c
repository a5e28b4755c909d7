/* What every call that changes a database does around its own work: connect, look, judge, take the
 * migration lock, and once more after a lost connection. */
#include "calls/pursue.h"
#include "base/clock.h"
#include "base/log.h"
#include "calls/takeover.h"
#include "run/admission.h"
#include "run/guard.h"
#include "run/held.h"
#include "run/look.h"
#include "run/turn.h"

#include <string.h>

#define RECONNECT_MS (5 * 60 * 1000)

/* How often it is looked whether a standby was promoted. */
#define PROMOTION_MS 500

/* Without a lock the claims alone keep two processes apart. */
static int take_turn(struct run *run, struct inlay_error *err)
{
    struct admission admission;
    int rc = inlay_admission_enter(&run->connection, &run->request, &run->known, &admission, err);

    if (rc != INLAY_OK)
        return rc;
    if (run->connection.lock.held && admission.before.count == 0)
        rc = inlay_admission_entered(&admission, err);
    else if (run->request.options.pooler == INLAY_POOLER_TRANSACTION)
        rc = inlay_admission_ask(&admission, err);
    else
        rc = inlay_turn_wait(run, &admission, err);
    inlay_admission_finish(&admission);
    return rc;
}

/* Over a connection that an earlier run has set up the first look is under the lock already, if
 * that is free: of many targets nearly all have something pending. */
static int look_first(struct run *run, struct inlay_error *err)
{
    struct admission ahead;

    if (!inlay_admission_is_settled(&run->connection))
        return inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);
    inlay_admission_go_ahead(&run->connection, &run->request, &ahead);
    int rc = inlay_run_look(run, &ahead.before, SNAPSHOT_TRY_LOCK, err);
    if (rc == INLAY_OK)
        rc = inlay_admission_take(&ahead, err);
    inlay_admission_finish(&ahead);
    return rc;
}

/* Commits whose answers were lost with the connection: the history has them, under our number. */
static void tell_unheard(struct report *report, const struct plan *plan)
{
    int64_t heard = report->newest;

    for (size_t i = 0; report->batch > 0 && i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->version <= heard || entry->migration == NULL || entry->row == NULL ||
            entry->row->batch != report->batch)
            continue;
        const struct step step = {.migration = entry->migration,
                                  .script = &entry->migration->up,
                                  .recorded = entry->recorded};
        inlay_report_started(report, &step);
        inlay_report_applied(report, entry->row->elapsed_ms);
    }
}

static int work_under_lock(struct run *run, const struct task *task, struct inlay_error *err)
{
    int rc = INLAY_OK;

    if (inlay_guard_adopts(&run->request, &run->known.snapshot))
        rc = inlay_takeover_first(run, err);
    if (rc != INLAY_OK)
        return rc;
    tell_unheard(&run->report,
                 &run->known.plan); /* an orphaned server process may have gone on until then */
    return inlay_goal_reached(&run->known.plan, &run->request.goal)
               ? INLAY_OK
               : task->work(run, task->context, err);
}

/* What is refused for a lock on our tables has changed nothing, and is done again from the look on.
 * A migration that has begun waits where it is. */
static int work_until_free(struct run *run, const struct task *task, struct inlay_error *err)
{
    struct held held = inlay_held_init(&run->connection.session, &run->request, &run->report);
    int rc = work_under_lock(run, task, err);

    while (rc == INLAY_E_REFUSED && inlay_held_again(&held, &rc, err)) {
        rc = inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);
        if (rc == INLAY_OK)
            rc = inlay_run_verdict(&run->request, &run->known.plan, err);
        if (rc == INLAY_OK)
            rc = work_under_lock(run, task, err);
    }
    return rc;
}

static int work_connected(struct run *run, const struct task *task, struct inlay_error *err)
{
    int rc = look_first(run, err);

    if (rc == INLAY_OK)
        tell_unheard(&run->report, &run->known.plan);
    if (rc == INLAY_OK)
        rc = inlay_run_verdict(&run->request, &run->known.plan, err);
    if (rc != INLAY_OK)
        return rc;
    inlay_run_warn_unknown(&run->request, &run->known.plan);
    if (inlay_goal_reached(&run->known.plan, &run->request.goal))
        return INLAY_OK;
    rc = take_turn(run, err);
    return rc == INLAY_OK ? work_until_free(run, task, err) : rc;
}

static int attempt_task(struct run *run, const struct task *task, int64_t wait_ms,
                        struct inlay_error *err)
{
    int rc = inlay_run_connect(&run->connection, &run->request, &run->report, wait_ms, err);

    if (rc == INLAY_OK)
        rc = work_connected(run, task, err);
    if (rc == INLAY_E_LOST)
        run->connection.lock.held = false; /* gone with the connection */
    run->connection.writes_refused =
        rc == INLAY_E_REFUSED && (run->known.snapshot.in_recovery || run->known.snapshot.read_only);
    rc = inlay_run_disconnect(&run->connection, &run->request, &run->report, rc, err);
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
static bool may_connect_again(const struct request *request, const struct session *session, int rc)
{
    return rc == INLAY_E_LOST && request->options.connection == NULL && !session->stopping &&
           (request->goal.kind == GOAL_UP || request->goal.kind == GOAL_TO) &&
           !request->goal.rehearses;
}

/* Among the hosts may be a standby that is about to be promoted. */
static int attempt_again(struct run *run, const struct task *task, int64_t patience_ms,
                         struct inlay_error *err)
{
    int64_t begun = inlay_clock_ms();
    bool told = false;
    int rc = attempt_task(run, task, patience_ms, err);

    while (run->connection.writes_refused) {
        int64_t left = patience_ms - (inlay_clock_ms() - begun);
        if (left < PROMOTION_MS)
            break;
        if (!told)
            inlay_log(&run->request.options, INLAY_LOG_INFO,
                      "waiting for a server that takes writes: %s", err->message);
        told = true;
        run->report.waiting_since = begun;
        rc = inlay_wire_sleep(&run->connection.session, PROMOTION_MS, err);
        run->report.waiting_since = 0;
        if (rc != INLAY_OK)
            return rc;
        rc = attempt_task(run, task, left - PROMOTION_MS, err);
    }
    return rc;
}

/* A lost connection means that the last migration may be committed or not; the history knows. One
 * more try for each migration: one that ends the server's process twice is not tried for ever. */
int inlay_pursue_until_done(struct run *run, const struct task *task, struct inlay_error *err)
{
    int64_t lost_at = -2;
    int rc = attempt_task(run, task, run->request.options.connect_wait_ms, err);

    while (may_connect_again(&run->request, &run->connection.session, rc) &&
           err->version != lost_at) {
        int64_t patience = run->request.options.lock_wait_ms > 0 ? run->request.options.lock_wait_ms
                                                                 : RECONNECT_MS;
        struct inlay_error loss = *err;
        lost_at = err->version;
        run->connection.limits.window = 1; /* so that it is known which one it meets */
        inlay_log(&run->request.options, INLAY_LOG_WARNING, "%s; connecting again", err->message);
        rc = attempt_again(run, task, patience, err);
        if (rc == INLAY_E_CONNECTION || run->connection.writes_refused)
            return stay_lost(&loss, err);
    }
    return rc;
}

int inlay_pursue_confirmed(const struct snapshot *now, const char *name, const char *outcome,
                           struct inlay_error *err)
{
    if (strcmp(name, now->database) == 0)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_ARGUMENT, "the database is \"%s\", and \"%s\" was confirmed",
                    now->database, name);
    inlay_text_put(err->outcome, sizeof err->outcome, "%s", outcome);
    return err->code;
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
    run.connection.kept = task->kept;
    run.request.goal.skip_missing_down = run.request.options.skip_missing_down;
    run.request.goal.keep_down = run.request.options.keep_down;
    run.connection.limits.once = goal->rehearses || run.request.options.retry_ms < 0;
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

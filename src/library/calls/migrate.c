/* Running towards a goal: connect, look, lock, run the steps; and again where the connection is
 * lost. */
#include "calls/migrate.h"
#include "apply/stepwise/stepwise.h"
#include "apply/transaction/apply.h"
#include "base/log.h"
#include "calls/adopt.h"
#include "history/tables.h"
#include "plan/steps.h"
#include "run/admission.h"
#include "run/turn.h"
#include "wire/environment.h"

#include <stdlib.h>
#include <string.h>

#define RECONNECT_MS (5 * 60 * 1000)

static bool without_transaction(const struct step *step)
{
    return (step->script->flags & INLAY_SCRIPT_NO_TRANSACTION) != 0;
}

static bool in_c(const struct step *step)
{
    return step->script->function != NULL;
}

/* The end of the stretch that begins here: transactional SQL is one conversation for as many as
 * follow each other; a migration in C and one without a transaction stand alone. */
static size_t stretch_end(const struct step *steps, size_t begin, size_t count)
{
    size_t end = begin;

    while (end < count && !without_transaction(&steps[end]) && !in_c(&steps[end]))
        end++;
    return end > begin ? end : begin + 1;
}

static int run_without_transaction(struct run *run, const struct step *step,
                                   struct inlay_error *err)
{
    int rc = inlay_report_permit(&run->report, step, err);

    if (rc == INLAY_OK)
        return inlay_stepwise(run, step, err);
    inlay_apply_outcome(run, step, err);
    return rc;
}

/* Our tables can travel with the first steps where these are in a transaction: what fails there
 * fails before anything of theirs. Without the lock somebody else may make them too. */
static bool brings_tables(const struct run *run, const struct step *first)
{
    return !without_transaction(first) && run->request.options.pooler != INLAY_POOLER_TRANSACTION;
}

static int run_steps(struct run *run, const struct step *steps, size_t count,
                     struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (size_t i = 0; i < count && rc == INLAY_OK;) {
        size_t end = stretch_end(steps, i, count);
        const struct stretch stretch = {.steps = steps + i,
                                        .count = end - i,
                                        .makes_tables = i == 0 && brings_tables(run, steps),
                                        .unlocks = end == count && !run->connection.keeps_lock};
        if (without_transaction(&steps[i]))
            rc = run_without_transaction(run, &steps[i], err);
        else
            rc = inlay_apply(run, &stretch, err);
        i = end;
    }
    return rc;
}

static void warn_late(const struct run *run)
{
    char versions[256];

    if (inlay_plan_late(&run->known.plan, inlay_goal_reach(&run->request.goal), versions,
                        sizeof versions) > 0)
        inlay_log(&run->request.options, INLAY_LOG_WARNING,
                  "applying late, below versions that are already applied: %s", versions);
}

static int begin(struct run *run, const struct steps *steps, struct inlay_error *err)
{
    int rc = inlay_report_announce(&run->report, steps->list, steps->count,
                                   run->known.plan.next_batch, err);

    if (rc == INLAY_OK)
        warn_late(run);
    return rc;
}

static int ensure_tables(struct run *run, struct inlay_error *err)
{
    int rc = inlay_tables_ensure(run, err);

    return rc == INLAY_E_REFUSED && inlay_tables_lost_race(run, err) ? INLAY_AGAIN : rc;
}

/* Under the lock, with a plan as of after it was taken. */
static int run_goal(struct run *run, struct inlay_error *err)
{
    struct steps steps = {0};
    int rc = inlay_run_verdict(run, err);

    if (rc == INLAY_OK)
        rc = inlay_steps_list(run->request.set, &run->known.plan, &run->request.goal, &steps, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = begin(run, &steps, err);
    if (rc == INLAY_OK && steps.count > 0 && !brings_tables(run, steps.list))
        rc = ensure_tables(run, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = run_steps(run, steps.list, steps.count, err);
    free(steps.list);
    return rc;
}

static int refuse_moved(const struct run *run, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "somebody else changed the history %s while this run was going back",
                    run->request.name.text);
    inlay_text_put(err->outcome, sizeof err->outcome,
                   "this run undid %zu and applied %zu; look at the status before going on",
                   run->report.undone, run->report.applied);
    return err->code;
}

int inlay_run_goal(struct run *run, struct inlay_error *err)
{
    int rc = run_goal(run, err);

    while (rc == INLAY_AGAIN) {
        if (run->request.goal.kind != GOAL_UP)
            return refuse_moved(run, err);
        rc = inlay_run_look(run, SNAPSHOT_ONLY, err);
        if (rc == INLAY_OK)
            rc = run_goal(run, err);
    }
    return rc;
}

/* Without a lock the claims alone keep two processes apart. */
static int take_turn(struct run *run, struct inlay_error *err)
{
    struct admission admission;
    int rc = inlay_gate_enter(run, &admission, err);

    if (rc != INLAY_OK)
        return rc;
    rc = run->request.options.pooler == INLAY_POOLER_TRANSACTION
             ? inlay_gate_ask(run, &admission, err)
             : inlay_turn_wait(run, &admission, err);
    inlay_gate_finish(&admission);
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

static int work_connected(struct run *run, inlay_work work, struct inlay_error *err)
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
    if (rc == INLAY_OK && inlay_adopt_is_due(run))
        rc = inlay_adopt_first(run, err);
    if (rc != INLAY_OK)
        return rc;
    tell_unheard(run); /* an orphaned server process may have gone on until then */
    return inlay_goal_reached(&run->known.plan, &run->request.goal) ? INLAY_OK : work(run, err);
}

static int attempt(struct run *run, inlay_work work, int64_t wait_ms, struct inlay_error *err)
{
    int rc = inlay_run_connect(run, wait_ms, err);

    if (rc == INLAY_OK)
        rc = work_connected(run, work, err);
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

/* Going up again is safe whatever was committed. "One back" is not: one may be back already. */
static bool may_try_again(const struct run *run, int rc)
{
    return rc == INLAY_E_LOST && run->request.options.connection == NULL &&
           !run->connection.session.stopping &&
           (run->request.goal.kind == GOAL_UP || run->request.goal.kind == GOAL_TO);
}

/* A lost connection means that the last migration may be committed or not; the history knows. One
 * more try for each migration: one that ends the server's process twice is not tried for ever. */
int inlay_work_until_done(struct run *run, inlay_work work, struct inlay_error *err)
{
    int64_t lost_at = -2;
    int rc = attempt(run, work, run->request.options.connect_wait_ms, err);

    while (may_try_again(run, rc) && err->version != lost_at) {
        int64_t patience = run->request.options.lock_wait_ms > 0 ? run->request.options.lock_wait_ms
                                                                 : RECONNECT_MS;
        struct inlay_error loss = *err;
        lost_at = err->version;
        run->connection.limits.window = 1; /* so that it is known which one it meets */
        inlay_log(&run->request.options, INLAY_LOG_WARNING, "%s; connecting again", err->message);
        rc = attempt(run, work, patience, err);
        if (rc == INLAY_E_CONNECTION)
            return stay_lost(&loss, err);
    }
    return rc;
}

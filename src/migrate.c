/* The public calls. */
#include "apply.h"
#include "gate.h"
#include "lock.h"
#include "log.h"
#include "run.h"
#include "stepwise.h"
#include "tables.h"

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

static int run_steps(struct run *run, const struct step *steps, size_t count,
                     struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (size_t i = 0; i < count && rc == INLAY_OK;) {
        size_t end = stretch_end(steps, i, count);
        if (without_transaction(&steps[i]))
            rc = inlay_stepwise(run, &steps[i], err);
        else
            rc = inlay_apply(run, steps + i, end - i, err);
        i = end;
    }
    return rc;
}

static struct step *list_pending(const struct plan *plan)
{
    struct step *steps = calloc(plan->pending + 1, sizeof *steps);
    size_t count = 0;

    for (size_t i = 0; steps != NULL && i < plan->count; i++)
        if (plan->entries[i].state == INLAY_STATE_PENDING) {
            steps[count].migration = plan->entries[i].migration;
            steps[count++].script = &plan->entries[i].migration->up;
        }
    return steps;
}

static void announce(struct run *run)
{
    char versions[256];

    if (run->batch == 0) /* a run that begins again keeps its number */
        run->batch = run->plan.next_batch;
    run->total = run->applied + run->skipped + run->plan.pending;
    if (run->applied + run->skipped == 0)
        inlay_run_tell(run, INLAY_EVENT_BEGIN, 0);
    if (run->plan.late == 0)
        return;
    versions[0] = '\0';
    for (size_t i = 0; i < run->plan.count; i++)
        if (run->plan.entries[i].late)
            inlay_text_add(versions, sizeof versions, "%s%lld", versions[0] != '\0' ? ", " : "",
                           (long long)run->plan.entries[i].version);
    inlay_log(&run->options, INLAY_LOG_WARNING,
              "applying late, below versions that are already applied: %s", versions);
}

/* Under the lock, with a plan as of after it was taken. */
static int run_pending(struct run *run, struct inlay_error *err)
{
    int rc = inlay_run_verdict(run, err);

    if (rc == INLAY_OK && run->plan.pending > 0)
        rc = inlay_tables_ensure(run, err);
    if (rc != INLAY_OK || run->plan.pending == 0)
        return rc;
    struct step *steps = list_pending(&run->plan);
    if (steps == NULL)
        return inlay_error_memory(err);
    announce(run);
    rc = run_steps(run, steps, run->plan.pending, err);
    free(steps);
    return rc;
}

/* Somebody else applied a migration while we ran: look again, run the rest. */
static int run_until_done(struct run *run, struct inlay_error *err)
{
    int rc = run_pending(run, err);

    while (rc == INLAY_AGAIN) {
        rc = inlay_run_look(run, LOOK_ONLY, err);
        if (rc == INLAY_OK)
            rc = run_pending(run, err);
    }
    return rc;
}

/* Without a lock the claims alone keep two processes apart. */
static int take_turn(struct run *run, struct inlay_error *err)
{
    if (run->options.pooler == INLAY_POOLER_TRANSACTION)
        return INLAY_OK;
    return inlay_lock(run, err);
}

static int migrate_connected(struct run *run, struct inlay_error *err)
{
    int rc = inlay_run_look(run, LOOK_ONLY, err);

    if (rc == INLAY_OK)
        rc = inlay_run_verdict(run, err);
    if (rc != INLAY_OK)
        return rc;
    inlay_run_warn_unknown(run);
    if (run->plan.pending == 0)
        return INLAY_OK;
    rc = inlay_gate(run, err);
    if (rc == INLAY_OK)
        rc = inlay_gate_session(run, err);
    if (rc == INLAY_OK)
        rc = take_turn(run, err);
    return rc == INLAY_OK ? run_until_done(run, err) : rc;
}

static int attempt(struct run *run, int64_t wait_ms, struct inlay_error *err)
{
    int rc = inlay_run_connect(run, wait_ms, err);

    if (rc == INLAY_OK)
        rc = migrate_connected(run, err);
    if (rc == INLAY_E_LOST)
        run->locked = false; /* gone with the connection */
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

/* A lost connection means that the last migration may be committed or not; the history knows. One
 * more try for each migration: one that ends the server's process twice is not tried for ever. */
static int migrate(struct run *run, struct inlay_error *err)
{
    int64_t lost_at = -2;
    int rc = attempt(run, run->options.connect_wait_ms, err);

    while (rc == INLAY_E_LOST && run->options.connection == NULL && !run->session.stopping &&
           err->version != lost_at) {
        int64_t patience = run->options.lock_wait_ms > 0 ? run->options.lock_wait_ms : RECONNECT_MS;
        struct inlay_error loss = *err;
        lost_at = err->version;
        inlay_log(&run->options, INLAY_LOG_WARNING, "%s; connecting again", err->message);
        rc = attempt(run, patience, err);
        if (rc == INLAY_E_CONNECTION)
            return stay_lost(&loss, err);
    }
    return rc;
}

int inlay_migrate(const struct inlay_set *set, const struct inlay_options *options,
                  struct inlay_result *result, struct inlay_error *err)
{
    struct inlay_error own;
    struct run run;

    inlay_error_clear(&own);
    int rc = inlay_run_begin(&run, set, options, &own);
    if (rc == INLAY_OK)
        rc = migrate(&run, &own);
    int64_t elapsed = inlay_clock_ms() - run.begun_at;
    if (run.total > 0)
        inlay_run_tell(&run, INLAY_EVENT_END, elapsed);
    if (rc == INLAY_OK && result != NULL)
        *result = (struct inlay_result){.applied = run.applied,
                                        .skipped = run.skipped,
                                        .batch = run.applied > 0 ? run.batch : 0,
                                        .elapsed_ms = elapsed};
    return inlay_error_give(rc, &own, err);
}

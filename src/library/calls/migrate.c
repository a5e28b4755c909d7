#include "calls/migrate.h"
#include "apply/stepwise/stepwise.h"
#include "apply/transaction/apply.h"
#include "base/log.h"
#include "plan/steps.h"
#include "run/prepare.h"

#include <inlay-admin.h>

#include <stdlib.h>
#include <string.h>

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
    inlay_failure_outcome(&run->report, step, err);
    return rc;
}

/* Our tables can travel with the first steps where these are in a transaction: what fails there
 * fails before anything of theirs. Without the lock somebody else may make them too. */
static bool brings_tables(const struct inlay_options *options, const struct step *first)
{
    return !without_transaction(first) && options->pooler != INLAY_POOLER_TRANSACTION;
}

static int run_steps(struct run *run, const struct step *steps, size_t count,
                     struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (size_t i = 0; i < count && rc == INLAY_OK;) {
        size_t end = stretch_end(steps, i, count);
        const struct stretch stretch = {.steps = steps + i,
                                        .count = end - i,
                                        .makes_tables =
                                            i == 0 && brings_tables(&run->request.options, steps),
                                        .unlocks = end == count && !run->connection.keeps_lock};
        if (without_transaction(&steps[i]))
            rc = run_without_transaction(run, &steps[i], err);
        else
            rc = inlay_apply(run, &stretch, err);
        i = end;
    }
    return rc;
}

void inlay_migrate_warn_late(const struct run *run)
{
    char versions[256];
    size_t late = inlay_plan_late(&run->known.plan, inlay_goal_reach(&run->request.goal), versions,
                                  sizeof versions);

    if (late > 0)
        inlay_log(&run->request.options, INLAY_LOG_WARNING,
                  "applying late: %s %s lower than a version already applied", versions,
                  late == 1 ? "is" : "are");
}

static int begin_steps(struct run *run, const struct steps *steps, struct inlay_error *err)
{
    int rc = inlay_report_announce(&run->report, steps->list, steps->count,
                                   run->known.plan.next_batch, err);

    if (rc == INLAY_OK)
        inlay_migrate_warn_late(run);
    return rc;
}

static int ensure_tables(struct run *run, struct inlay_error *err)
{
    int rc = inlay_prepare(run, err);

    return rc == INLAY_E_REFUSED && inlay_prepare_lost_race(run, err) ? INLAY_AGAIN : rc;
}

/* Under the lock, with a plan as of after it was taken. */
static int run_goal(struct run *run, struct inlay_error *err)
{
    struct steps steps = {0};
    int rc = inlay_run_verdict(run, err);

    if (rc == INLAY_OK)
        rc = inlay_steps_list(run->request.set, &run->known.plan, &run->request.goal, &steps, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = begin_steps(run, &steps, err);
    if (rc == INLAY_OK && steps.count > 0 && !brings_tables(&run->request.options, steps.list))
        rc = ensure_tables(run, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = run_steps(run, steps.list, steps.count, err);
    free(steps.list);
    return rc;
}

static int refuse_moved(const struct request *request, const struct report *report,
                        struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "another process changed the history %s while this run was undoing",
                    request->name.text);
    inlay_text_put(err->outcome, sizeof err->outcome,
                   "this run undid %zu and applied %zu; look at the status before going on",
                   report->undone, report->applied);
    return err->code;
}

int inlay_migrate_work(struct run *run, void *context, struct inlay_error *err)
{
    int rc = run_goal(run, err);

    (void)context;
    while (rc == INLAY_AGAIN) {
        if (run->request.goal.kind != GOAL_UP)
            return refuse_moved(&run->request, &run->report, err);
        rc = inlay_run_look(run, SNAPSHOT_ONLY, err);
        if (rc == INLAY_OK)
            rc = run_goal(run, err);
    }
    return rc;
}

/* ---- the calls ---- */

int inlay_migrate(const struct inlay_set *set, const struct inlay_options *options,
                  struct inlay_result *result, struct inlay_error *err)
{
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_UP},
                        &(struct task){.work = inlay_migrate_work}, result, err);
}

int inlay_migrate_to(const struct inlay_set *set, const struct inlay_options *options,
                     int64_t version, struct inlay_result *result, struct inlay_error *err)
{
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_TO, .version = version},
                        &(struct task){.work = inlay_migrate_work}, result, err);
}

/* inlay_migrate and inlay_migrate_to: lists the steps to a goal and runs them, under the migration
 * lock. */
#include "calls/migrate.h"
#include "apply/stepwise/stepwise.h"
#include "apply/transaction/apply.h"
#include "base/log.h"
#include "plan/steps.h"
#include "run/look.h"
#include "run/prepare.h"

#include <inlay-admin.h>

#include <stdlib.h>
#include <string.h>

static bool in_c(const struct step *step)
{
    return step->script->function != NULL;
}

/* The end of the stretch that begins here: transactional SQL is one conversation for as many as
 * follow each other; a migration in C and one without a transaction stand alone. */
static size_t stretch_end(const struct step *steps, size_t begin, size_t count)
{
    size_t end = begin;

    while (end < count && !inlay_step_is_bare(&steps[end]) && !in_c(&steps[end]))
        end++;
    return end > begin ? end : begin + 1;
}

/* A step without a transaction; a conversation asks about its own. */
static int permit_bare(struct report *report, const struct step *step, struct inlay_error *err)
{
    int rc = inlay_report_permit(report, step, err);

    if (rc != INLAY_OK)
        inlay_failure_outcome(report, step, err);
    return rc;
}

/* Our tables can travel with the first steps if these are in a transaction: what fails there
 * fails before anything of theirs. Without the lock another process may make them too. */
static bool brings_tables(const struct inlay_options *options, const struct step *first)
{
    return !inlay_step_is_bare(first) && options->pooler != INLAY_POOLER_TRANSACTION;
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
        bool bare = inlay_step_is_bare(&steps[i]);
        if (bare)
            rc = permit_bare(&run->report, &steps[i], err);
        if (rc == INLAY_OK)
            rc = bare ? inlay_stepwise(run, &steps[i], err) : inlay_apply(run, &stretch, err);
        i = end;
    }
    return rc;
}

void inlay_migrate_warn_late(const struct request *request, const struct plan *plan)
{
    char versions[256];
    size_t late =
        inlay_plan_late(plan, inlay_goal_reach(&request->goal), versions, sizeof versions);

    if (late > 0)
        inlay_log(&request->options, INLAY_LOG_WARNING,
                  "applying late: %s %s lower than a version already applied", versions,
                  late == 1 ? "is" : "are");
}

static int ensure_tables(struct session *session, const struct request *request,
                         struct knowledge *known, struct inlay_error *err)
{
    int rc = inlay_prepare(session, request, known, err);

    return rc == INLAY_E_REFUSED && inlay_prepare_lost_race(request, known, err) ? INLAY_AGAIN : rc;
}

/* What a repeatable made is not undone, and a down script that drops what it uses fails: said
 * before anything is. */
static void warn_standing(const struct request *request, const struct plan *plan,
                          const struct steps *steps)
{
    char names[512];
    size_t count = inlay_steps_left_standing(steps, plan, names, sizeof names);

    if (count > 0)
        inlay_log(&request->options, INLAY_LOG_WARNING,
                  "%s %s not undone: a down script fails if it drops what %s", names,
                  count == 1 ? "is" : "are", count == 1 ? "this one uses" : "one of them uses");
}

/* The server's hint is CASCADE, and what that drops would not come back with the next run. */
static void explain_standing(const struct request *request, const struct plan *plan,
                             const struct steps *steps, struct inlay_error *err)
{
    char names[512];

    if (strcmp(err->sqlstate, "2BP01") != 0 ||
        inlay_steps_left_standing(steps, plan, names, sizeof names) == 0)
        return;
    inlay_text_put(err->hint, sizeof err->hint,
                   "if what depends on it was made by a repeatable migration (%s), let the down "
                   "script drop that first, and delete the row of the repeatable in %s, so that "
                   "the next run makes it again",
                   names, request->name.quoted_state);
}

static int run_all_steps(struct run *run, const struct steps *steps, struct inlay_error *err)
{
    int rc = inlay_report_announce(&run->report, steps->list, steps->count,
                                   run->known.plan.next_batch, err);

    if (rc == INLAY_OK)
        inlay_migrate_warn_late(&run->request, &run->known.plan);
    if (rc == INLAY_OK)
        warn_standing(&run->request, &run->known.plan, steps);
    if (rc == INLAY_OK && !brings_tables(&run->request.options, steps->list))
        rc = ensure_tables(&run->connection.session, &run->request, &run->known, err);
    if (rc == INLAY_OK)
        rc = run_steps(run, steps->list, steps->count, err);
    if (rc == INLAY_E_FAILED)
        explain_standing(&run->request, &run->known.plan, steps, err);
    return rc;
}

/* Under the lock, with a plan as of after it was taken. */
static int run_goal(struct run *run, struct inlay_error *err)
{
    struct steps steps = {0};
    int rc = inlay_run_verdict(&run->request, &run->known.plan, err);

    if (rc == INLAY_OK)
        rc = inlay_steps_list(run->request.set, &run->known.plan, &run->request.goal, &steps, err);
    if (rc == INLAY_OK && steps.count > 0)
        rc = run_all_steps(run, &steps, err);
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
        rc = inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);
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

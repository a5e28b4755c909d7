/* The public calls that change a database. */
#include "base/clock.h"
#include "calls/adopt.h"
#include "calls/mark.h"
#include "calls/migrate.h"
#include "calls/reset.h"
#include "foreign/foreign.h"

static int pursue(const struct inlay_set *set, const struct inlay_options *options,
                  const struct goal *goal, inlay_work work, struct inlay_result *result,
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
        rc = inlay_work_until_done(&run, work, &own);
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

int inlay_migrate(const struct inlay_set *set, const struct inlay_options *options,
                  struct inlay_result *result, struct inlay_error *err)
{
    return pursue(set, options, &(struct goal){.kind = GOAL_UP}, inlay_run_goal, result, err);
}

int inlay_migrate_to(const struct inlay_set *set, const struct inlay_options *options,
                     int64_t version, struct inlay_result *result, struct inlay_error *err)
{
    return pursue(set, options, &(struct goal){.kind = GOAL_TO, .version = version}, inlay_run_goal,
                  result, err);
}

int inlay_undo(const struct inlay_set *set, const struct inlay_options *options, size_t count,
               struct inlay_result *result, struct inlay_error *err)
{
    return pursue(set, options, &(struct goal){.kind = GOAL_DOWN, .count = count}, inlay_run_goal,
                  result, err);
}

int inlay_undo_batch(const struct inlay_set *set, const struct inlay_options *options,
                     struct inlay_result *result, struct inlay_error *err)
{
    return pursue(set, options, &(struct goal){.kind = GOAL_ROLLBACK}, inlay_run_goal, result, err);
}

int inlay_redo(const struct inlay_set *set, const struct inlay_options *options,
               struct inlay_result *result, struct inlay_error *err)
{
    return pursue(set, options, &(struct goal){.kind = GOAL_REDO}, inlay_run_goal, result, err);
}

int inlay_reset(const struct inlay_set *set, const struct inlay_options *options,
                const char *database, struct inlay_result *result, struct inlay_error *err)
{
    const struct goal goal = {.kind = GOAL_RESET, .database = database != NULL ? database : ""};
    struct inlay_error own;

    if (set != NULL && inlay_reset_check_set(set, &own) != INLAY_OK)
        return inlay_error_give(own.code, &own, err);
    return pursue(set, options, &goal, inlay_reset_work, result, err);
}

static int edit(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                inlay_work work, struct inlay_error *err)
{
    return pursue(set, options, &(struct goal){.kind = GOAL_EDIT, .version = version}, work, NULL,
                  err);
}

int inlay_baseline(const struct inlay_set *set, const struct inlay_options *options,
                   int64_t version, struct inlay_error *err)
{
    return edit(set, options, version, inlay_edit_baseline, err);
}

int inlay_mark(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
               struct inlay_error *err)
{
    return edit(set, options, version, inlay_edit_mark, err);
}

int inlay_unmark(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                 struct inlay_error *err)
{
    return edit(set, options, version, inlay_edit_unmark, err);
}

int inlay_accept(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                 struct inlay_error *err)
{
    return edit(set, options, version, inlay_edit_accept, err);
}

int inlay_adopt(const struct inlay_set *set, const struct inlay_options *options,
                const char *source, struct inlay_error *err)
{
    struct foreign_source ignored;
    struct inlay_error own;

    inlay_error_clear(&own);
    if (inlay_foreign_parse(source, &ignored, &own) != INLAY_OK)
        return inlay_error_give(own.code, &own, err);
    return pursue(set, options, &(struct goal){.kind = GOAL_EDIT, .source = source},
                  inlay_adopt_source, NULL, err);
}

int inlay_resume_at(const struct inlay_set *set, const struct inlay_options *options,
                    int64_t version, size_t statement, struct inlay_error *err)
{
    const struct goal goal = {.kind = GOAL_EDIT, .version = version, .count = statement};

    return pursue(set, options, &goal, inlay_edit_resume_at, NULL, err);
}

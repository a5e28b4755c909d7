#include "run/run.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "base/set.h"
#include "plan/merge.h"
#include "plan/steps.h"
#include "plan/verdict.h"
#include "run/settings.h"
#include "wire/session.h"

#include <string.h>

/* How often it is looked at a history that comes and goes. */
#define LOOKS 5

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

int inlay_run_connect(struct run *run, int64_t wait_ms, struct inlay_error *err)
{
    run->report.waiting_since = inlay_clock_ms();
    int rc = inlay_session_open(&run->connection.session, &run->request.options, wait_ms, err);
    run->report.waiting_since = 0;
    return rc;
}

static void drop_look(struct knowledge *known)
{
    inlay_plan_free(&known->plan);
    inlay_snapshot_free(&known->snapshot);
}

/* Between two statements of a look somebody may drop the table that the first of them saw: a reset
 * does. */
static int look_until_steady(struct run *run, const struct questions_before *before,
                             enum snapshot_lock lock, struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (int turn = 0; turn < LOOKS; turn++) {
        drop_look(&run->known);
        rc = inlay_snapshot_read(
            &run->connection.session, &run->request.name, turn == 0 ? before : NULL,
            run->connection.lock.held ? SNAPSHOT_ONLY : lock, &run->known.snapshot, err);
        run->connection.lock.held = run->connection.lock.held || run->known.snapshot.locked;
        if (rc != INLAY_E_REFUSED || strcmp(err->sqlstate, "42P01") != 0)
            break;
    }
    return rc;
}

int inlay_run_look(struct run *run, enum snapshot_lock lock, struct inlay_error *err)
{
    return inlay_run_look_after(run, NULL, lock, err);
}

int inlay_run_look_after(struct run *run, const struct questions_before *before,
                         enum snapshot_lock lock, struct inlay_error *err)
{
    int rc = look_until_steady(run, before, lock, err);

    /* What ran of the repeatables is known there alone. */
    if (rc == INLAY_OK && run->known.snapshot.history.state_denied &&
        run->request.set->repeatable_count > 0)
        rc = inlay_snapshot_refuse_state(&run->known.snapshot, &run->request.name, err);
    if (rc == INLAY_OK)
        rc = inlay_merge(run->request.set, &run->known.snapshot.history, &run->known.plan, err);
    return rc;
}

int inlay_run_verdict(const struct run *run, struct inlay_error *err)
{
    bool refuse_late =
        run->request.options.refuse_late || (run->request.set->flags & INLAY_SET_REFUSE_LATE) != 0;
    int rc = inlay_goal_verdict(run->request.set, &run->known.plan, &run->request.goal,
                                &run->request.name, run->request.options.strict, err);

    if (rc == INLAY_OK && refuse_late)
        rc = inlay_verdict_late(run->request.set, &run->known.plan,
                                inlay_goal_reach(&run->request.goal), err);
    return rc;
}

void inlay_run_warn_unknown(const struct run *run)
{
    char versions[256];

    if (run->known.plan.unknown == 0)
        return;
    inlay_plan_versions(&run->known.plan, INLAY_STATE_UNKNOWN, versions, sizeof versions);
    inlay_log(&run->request.options, INLAY_LOG_WARNING,
              "the database is newer than this binary: %s has %zu version%s that this binary "
              "lacks: %s",
              run->request.name.text, run->known.plan.unknown,
              run->known.plan.unknown == 1 ? "" : "s", versions);
    for (size_t i = 0; i < run->known.plan.repeatable_count; i++)
        if (run->known.plan.repeatables[i].state == INLAY_STATE_REPLACED)
            inlay_log(&run->request.options, INLAY_LOG_WARNING,
                      "%s is another text than the database has, and is left to the newer binary",
                      run->known.plan.repeatables[i].migration->up.path);
}

/* A body that failed was not followed by the resets, and a rollback does not undo all of it. Our
 * own connection is closed; a caller's goes on. */
static void reset_caller(struct run *run)
{
    bool bare = run->request.options.pooler == INLAY_POOLER_TRANSACTION;

    if (run->connection.session.conn == NULL || run->connection.session.owned ||
        run->report.total == 0 || bare)
        return;
    for (size_t i = 0; i < inlay_reset_count; i++)
        inlay_query_tidy(&run->connection.session, inlay_reset_statements[i]);
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

int inlay_run_disconnect(struct run *run, int rc, struct inlay_error *err)
{
    inlay_query_rollback(&run->connection.session);
    reset_caller(run);
    if (run->connection.lock.held)
        inlay_lock_release(&run->connection.lock);
    return inlay_session_close(&run->connection.session) ? rc : tell_lost(rc, err);
}

void inlay_run_end(struct run *run)
{
    struct inlay_error ignored;

    inlay_error_clear(&ignored);
    inlay_run_disconnect(run, INLAY_OK, &ignored);
    drop_look(&run->known);
}

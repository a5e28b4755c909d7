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

static void on_tick(void *context)
{
    struct run *run = context;
    int64_t now = inlay_clock_ms();

    if (run->current != NULL)
        inlay_run_tell(run, INLAY_EVENT_PROGRESS, now - run->current_since);
    else if (run->waiting_since > 0)
        inlay_run_tell(run,
                       run->session.conn != NULL ? INLAY_EVENT_WAITING : INLAY_EVENT_CONNECTING,
                       now - run->waiting_since);
}

int inlay_run_begin(struct run *run, const struct inlay_set *set,
                    const struct inlay_options *options, struct inlay_error *err)
{
    memset(run, 0, sizeof *run);
    run->set = set;
    run->begun_at = inlay_clock_ms();
    run->window = INLAY_WINDOW;
    run->newest = -1;
    run->lock = (struct lock){.session = &run->session, .name = &run->name};
    run->session.tick = on_tick;
    run->session.tick_context = run;
    if (inlay_set_validate(set, err) != INLAY_OK ||
        inlay_options_copy(&run->options, options, err) != INLAY_OK)
        return err->code;
    run->options.keep_down |= (set->flags & INLAY_SET_KEEP_DOWN) != 0;
    const char *history = run->options.history != NULL ? run->options.history : set->history;
    return inlay_name_parse(history, &run->name, err);
}

int inlay_run_connect(struct run *run, int64_t wait_ms, struct inlay_error *err)
{
    run->waiting_since = inlay_clock_ms();
    int rc = inlay_session_open(&run->session, &run->options, wait_ms, err);
    run->waiting_since = 0;
    return rc;
}

static void drop_look(struct run *run)
{
    inlay_plan_free(&run->plan);
    inlay_look_free(&run->look);
}

/* Between two statements of a look somebody may drop the table that the first of them saw: a reset
 * does. */
static int look(struct run *run, const struct questions_before *before, enum look_lock lock,
                struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (int turn = 0; turn < LOOKS; turn++) {
        drop_look(run);
        rc = inlay_look(&run->session, &run->name, turn == 0 ? before : NULL,
                        run->lock.held ? LOOK_ONLY : lock, &run->look, err);
        run->lock.held = run->lock.held || run->look.locked;
        if (rc != INLAY_E_REFUSED || strcmp(err->sqlstate, "42P01") != 0)
            break;
    }
    return rc;
}

int inlay_run_look(struct run *run, enum look_lock lock, struct inlay_error *err)
{
    return inlay_run_look_after(run, NULL, lock, err);
}

int inlay_run_look_after(struct run *run, const struct questions_before *before,
                         enum look_lock lock, struct inlay_error *err)
{
    int rc = look(run, before, lock, err);

    /* What ran of the repeatables is known there alone. */
    if (rc == INLAY_OK && run->look.history.state_denied && run->set->repeatable_count > 0)
        rc = inlay_look_refuse_state(&run->look, &run->name, err);
    if (rc == INLAY_OK)
        rc = inlay_merge(run->set, &run->look.history, &run->plan, err);
    return rc;
}

int inlay_run_verdict(const struct run *run, struct inlay_error *err)
{
    bool refuse_late = run->options.refuse_late || (run->set->flags & INLAY_SET_REFUSE_LATE) != 0;
    int rc =
        inlay_goal_verdict(run->set, &run->plan, &run->goal, &run->name, run->options.strict, err);

    if (rc == INLAY_OK && refuse_late)
        rc = inlay_verdict_late(run->set, &run->plan, inlay_goal_reach(&run->goal), err);
    return rc;
}

void inlay_run_warn_unknown(const struct run *run)
{
    char versions[256];

    if (run->plan.unknown == 0)
        return;
    inlay_plan_versions(&run->plan, INLAY_STATE_UNKNOWN, versions, sizeof versions);
    inlay_log(&run->options, INLAY_LOG_WARNING,
              "the database is newer than this binary: %s holds %zu version%s that it does not "
              "have: %s",
              run->name.text, run->plan.unknown, run->plan.unknown == 1 ? "" : "s", versions);
    for (size_t i = 0; i < run->plan.repeatable_count; i++)
        if (run->plan.repeatables[i].state == INLAY_STATE_REPLACED)
            inlay_log(&run->options, INLAY_LOG_WARNING,
                      "%s is another text than the database has, and is left to the newer binary",
                      run->plan.repeatables[i].migration->up.path);
}

/* A body that failed was not followed by the resets, and a rollback does not undo all of it. Our
 * own connection is closed; a caller's goes on. */
static void reset_caller(struct run *run)
{
    bool bare = run->options.pooler == INLAY_POOLER_TRANSACTION;

    if (run->session.conn == NULL || run->session.owned || run->total == 0 || bare)
        return;
    for (size_t i = 0; i < inlay_reset_count; i++)
        inlay_session_tidy(&run->session, inlay_reset_statements[i]);
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
    inlay_session_rollback(&run->session);
    reset_caller(run);
    if (run->lock.held)
        inlay_lock_release(&run->lock);
    return inlay_session_close(&run->session) ? rc : tell_lost(rc, err);
}

void inlay_run_end(struct run *run)
{
    struct inlay_error ignored;

    inlay_error_clear(&ignored);
    inlay_run_disconnect(run, INLAY_OK, &ignored);
    drop_look(run);
}

static struct inlay_event describe(const struct run *run, enum inlay_event_kind kind,
                                   int64_t elapsed_ms)
{
    return (struct inlay_event){
        .kind = kind,
        .migration = run->current,
        .index = run->applied + run->undone + run->skipped + (run->current != NULL ? 1 : 0),
        .count = run->total,
        .statement = run->current_statement,
        .batch = run->batch,
        .elapsed_ms = elapsed_ms,
        .down = run->current != NULL && run->current_down,
        .recorded = run->current != NULL && run->current_recorded,
        .target = run->target,
    };
}

void inlay_run_tell(struct run *run, enum inlay_event_kind kind, int64_t elapsed_ms)
{
    const struct inlay_event event = describe(run, kind, elapsed_ms);

    inlay_tell(&run->options, &event);
}

int inlay_run_ask(const struct run *run, inlay_question question, enum inlay_event_kind kind,
                  struct inlay_error *err)
{
    const struct inlay_event event = describe(run, kind, 0);
    struct inlay_error own;

    if (question == NULL)
        return INLAY_OK;
    inlay_error_clear(&own);
    int rc = question(run->options.user, &event, &own);
    if (rc == INLAY_OK)
        return INLAY_OK;
    if (own.message[0] == '\0')
        inlay_error_set(&own, INLAY_E_REFUSED, "the program refused to go on");
    own.code = rc == INLAY_E_STOPPED ? INLAY_E_STOPPED : INLAY_E_REFUSED;
    return inlay_error_give(own.code, &own, err);
}

int inlay_run_permit(struct run *run, const struct step *step, struct inlay_error *err)
{
    if (run->options.before_migration == NULL)
        return INLAY_OK;
    run->current = step->migration;
    run->current_down = step->down;
    run->current_statement = 0;
    int rc = inlay_run_ask(run, run->options.before_migration, INLAY_EVENT_STARTED, err);
    run->current = NULL;
    if (rc == INLAY_OK)
        return rc;
    err->version = step->migration->version;
    inlay_error_file(err, run->set, step->script);
    return rc;
}

void inlay_run_started(struct run *run, const struct step *step)
{
    run->current = step->migration;
    run->current_down = step->down;
    run->current_recorded = step->recorded;
    run->current_since = inlay_clock_ms();
    run->current_statement = 0;
    run->session.label = step->script->path;
    inlay_run_tell(run, INLAY_EVENT_STARTED, 0);
}

void inlay_run_applied(struct run *run, int64_t elapsed_ms)
{
    inlay_run_tell(run, INLAY_EVENT_APPLIED, elapsed_ms);
    if (run->current_down) {
        run->undone++;
    } else {
        run->applied++;
        if (run->current->version > run->newest) /* which no repeatable is */
            run->newest = run->current->version;
    }
    if (run->window < INLAY_WINDOW)
        run->window *= 2;
    run->current = NULL;
    run->session.label = NULL;
}

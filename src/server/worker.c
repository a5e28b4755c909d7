/* The thread that looks at the database and migrates it. */
#include "worker.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "writing/text.h"

/* How often the database is looked at. */
#define LOOK_AGAIN_MS 5000

/* How soon after trouble while there is something to do: doubled up to LOOK_AGAIN_MS. */
#define RETRY_FIRST_MS 250

/* The library would wait for minutes for the lock. We come back sooner, to show what the other
 * process has done meanwhile; nothing is lost by that, there is no queue. */
#define LOCK_WAIT_MS 5000

/* ---- what the library tells ---- */

static void on_log(void *user, enum inlay_log_level level, const char *text)
{
    struct worker *worker = user;

    state_note(worker->state, text);
    log_line(level == INLAY_LOG_WARNING ? "warning: " : "", text);
}

static void tell_applied(const struct inlay_event *event)
{
    struct buffer line = {0};

    inlay_cli_buffer_text(&line,
                          event->kind == INLAY_EVENT_SKIPPED ? "applied elsewhere " : "applied ");
    inlay_cli_text_label(&line, event->migration);
    if (event->kind == INLAY_EVENT_APPLIED) {
        inlay_cli_buffer_text(&line, " (");
        inlay_cli_text_duration(&line, event->elapsed_ms);
        inlay_cli_buffer_text(&line, ")");
    }
    inlay_cli_buffer_text(&line, "\n");
    log_write(&line);
}

static void on_event(void *user, const struct inlay_event *event)
{
    struct worker *worker = user;

    if (event->kind == INLAY_EVENT_CONNECTING)
        state_connecting(worker->state);
    else if (event->kind == INLAY_EVENT_WAITING)
        state_waiting(worker->state, NULL);
    else if (event->kind != INLAY_EVENT_END)
        state_step(worker->state, event);
    if (event->kind == INLAY_EVENT_APPLIED || event->kind == INLAY_EVENT_SKIPPED)
        tell_applied(event);
}

/* ---- what we tell ---- */

static bool is_said(const struct worker *worker, const struct readiness *readiness)
{
    const char *why = readiness->error != NULL ? readiness->error->message : "";

    return worker->said == readiness->condition && strcmp(worker->said_why, why) == 0;
}

/* Logs how things stand, where that is news. */
static void report(struct worker *worker)
{
    const struct snapshot *now = state_hold(worker->state);
    struct readiness readiness = readiness_of(now, clock_ms());
    struct buffer line = {0};

    if (!is_said(worker, &readiness)) {
        inlay_cli_buffer_text(&line, readiness.condition == CONDITION_READY ? "" : "not ready: ");
        write_readiness(&line, now, &readiness);
    }
    worker->said = readiness.condition;
    snprintf(worker->said_why, sizeof worker->said_why, "%s",
             readiness.error != NULL ? readiness.error->message : "");
    state_release(worker->state);
    log_write(&line);
}

/* ---- what we do ---- */

static bool is_stopped(const struct worker *worker, int64_t wait_ms)
{
    struct pollfd fd = {.fd = worker->stop_pipe[0], .events = POLLIN};

    return poll(&fd, 1, (int)wait_ms) > 0;
}

/* A standby may be promoted, a role be given the right to write. */
static bool is_read_only(const struct inlay_status *status)
{
    return status->read_only && status->verdict.code == INLAY_E_REFUSED;
}

/* Reads the status. Does a run follow? */
static bool look(struct worker *worker)
{
    struct inlay_status *status;
    struct inlay_error err;
    int rc = inlay_status_read(worker->state->now.set, &worker->options, &status, &err);

    if (rc != INLAY_OK) {
        if (rc != INLAY_E_STOPPED)
            state_trouble(worker->state, &err);
        return false;
    }
    if (status->pending == 0 || (status->verdict.code != INLAY_OK && !is_read_only(status)))
        worker->migrates = false;
    bool run_follows = worker->migrates && !is_read_only(status);
    state_known(worker->state, status, run_follows);
    return run_follows;
}

/* Worth another attempt without anybody doing anything? A connection that was lost twice in the
 * same migration is not: it may be the migration that ends it. */
static bool may_pass(const struct inlay_error *err)
{
    return err->code == INLAY_E_CONNECTION || (err->code == INLAY_E_LOST && err->version < 0);
}

/* The server was lost, and what answers now is its standby, not yet promoted? */
static bool finds_standby(const struct worker *worker)
{
    struct inlay_status *status;
    int rc = inlay_status_read(worker->state->now.set, &worker->options, &status, NULL);
    bool found = rc == INLAY_OK && is_read_only(status);

    if (rc == INLAY_OK)
        inlay_status_free(status);
    return found;
}

static void give_up(struct worker *worker, const struct inlay_error *err)
{
    worker->migrates = false;
    state_failed(worker->state, err);
}

static void migrate(struct worker *worker)
{
    struct inlay_error err;
    int rc = inlay_migrate(worker->state->now.set, &worker->options, NULL, &err);

    if (rc == INLAY_OK)
        worker->migrates = false;
    else if (rc == INLAY_E_LOCKED)
        state_waiting(worker->state, &err);
    else if (rc != INLAY_E_STOPPED && (may_pass(&err) || finds_standby(worker)))
        state_trouble(worker->state, &err);
    else if (rc != INLAY_E_STOPPED)
        give_up(worker, &err);
}

/* One look at the database, and a run if there is something to run. */
static void step(struct worker *worker)
{
    if (!look(worker))
        return;
    migrate(worker);
    if (!worker->migrates)
        look(worker);
}

static void *run(void *context)
{
    struct worker *worker = context;
    int64_t pause = RETRY_FIRST_MS;

    do {
        step(worker);
        if (is_stopped(worker, 0))
            break;
        report(worker);
        if (!worker->migrates)
            pause = LOOK_AGAIN_MS;
        else if (pause < LOOK_AGAIN_MS / 2)
            pause *= 2;
    } while (!is_stopped(worker, pause));
    return NULL;
}

bool worker_start(struct worker *worker, struct state *state, const struct inlay_options *options)
{
    *worker = (struct worker){
        .state = state,
        .options = *options,
        .migrates = state->now.migrates,
        .said = CONDITION_STARTING,
    };
    if (pipe(worker->stop_pipe) != 0)
        return false;
    worker->options.stop_fd = worker->stop_pipe[0];
    worker->options.log = on_log;
    worker->options.event = on_event;
    worker->options.user = worker;
    if (worker->options.lock_wait_ms == 0)
        worker->options.lock_wait_ms = LOCK_WAIT_MS;
    errno = pthread_create(&worker->thread, NULL, run, worker);
    if (errno == 0)
        return true;
    close(worker->stop_pipe[0]);
    close(worker->stop_pipe[1]);
    return false;
}

void worker_stop(struct worker *worker)
{
    /* Nothing is written: the closed end makes the other one readable for ever. */
    close(worker->stop_pipe[1]);
    pthread_join(worker->thread, NULL);
    close(worker->stop_pipe[0]);
}

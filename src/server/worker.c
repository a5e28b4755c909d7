#include "worker.h"
#include "render.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often a database that is fine is looked at again, and how soon after trouble. */
#define LOOK_AGAIN_MS 5000
#define RETRY_MS 1000

static void on_log(void *user, enum inlay_log_level level, const char *text)
{
    (void)user;
    if (level >= INLAY_LOG_INFO)
        fprintf(stderr, "%s%s\n", level == INLAY_LOG_WARNING ? "warning: " : "", text);
}

static void report_applied(const struct inlay_event *event)
{
    fprintf(stderr, "applied %s (%lld ms)\n", event->migration->up.path,
            (long long)event->elapsed_ms);
}

static void on_event(void *user, const struct inlay_event *event)
{
    struct worker *worker = user;

    switch (event->kind) {
    case INLAY_EVENT_CONNECTING:
        state_set_phase(worker->state, PHASE_CONNECTING, "the database does not answer yet");
        break;
    case INLAY_EVENT_WAITING:
        state_set_phase(worker->state, PHASE_WAITING, "another process migrates the database");
        break;
    case INLAY_EVENT_APPLIED:
        report_applied(event);
        break;
    case INLAY_EVENT_BEGIN:
    case INLAY_EVENT_STARTED:
    case INLAY_EVENT_PROGRESS:
        state_set_progress(worker->state, event);
        break;
    default:
        break;
    }
}

/* Tells the reason to those who ask, and to the log where it is a new one. */
static void complain(struct worker *worker, enum phase phase, const struct inlay_error *err)
{
    char text[INLAY_ERROR_TEXT_MAX];

    inlay_error_format(err, text, sizeof text);
    state_set_phase(worker->state, phase, text);
    if (strcmp(worker->complaint, err->message) != 0)
        fputs(text, stderr);
    snprintf(worker->complaint, sizeof worker->complaint, "%s", err->message);
}

/* Trouble that may pass by itself: somebody else migrates, the database is away. */
static bool may_pass(int rc)
{
    return rc == INLAY_E_LOCKED || rc == INLAY_E_CONNECTION || rc == INLAY_E_LOST;
}

static enum phase phase_of(int rc)
{
    if (rc == INLAY_E_LOCKED)
        return PHASE_WAITING;
    return may_pass(rc) ? PHASE_CONNECTING : PHASE_BROKEN;
}

/* Reads the status and decides on readiness: all of the set is there and nothing disagrees. What a
 * failed migration said stands until then. */
static bool look(struct worker *worker, bool broken)
{
    struct inlay_status *status;
    struct inlay_error err;
    int rc = inlay_status_read(worker->set, &worker->options, &status, &err);

    if (rc != INLAY_OK) {
        if (rc != INLAY_E_STOPPED)
            complain(worker, phase_of(rc), &err);
        return false;
    }
    bool ready = status->verdict.code == INLAY_OK && status->pending == 0;
    state_set_tables(worker->state, render_table(status), render_json(status));
    if (ready) {
        worker->complaint[0] = '\0';
        state_set_phase(worker->state, PHASE_READY,
                        status->unknown > 0 ? "the database is newer than this binary" : "");
    }
    if (status->verdict.code != INLAY_OK)
        complain(worker, PHASE_BROKEN, &status->verdict);
    else if (!ready && !broken)
        state_set_phase(worker->state, PHASE_PENDING, "migrations are pending");
    inlay_status_free(status);
    return ready;
}

/* Something to show before there is something to do. */
static void show(struct worker *worker)
{
    struct inlay_status *status;

    if (inlay_status_read(worker->set, &worker->options, &status, NULL) != INLAY_OK)
        return;
    state_set_tables(worker->state, render_table(status), render_json(status));
    inlay_status_free(status);
}

static bool stop_requested(const struct worker *worker, int wait_ms)
{
    struct pollfd fd = {.fd = worker->stop_pipe[0], .events = POLLIN};

    return poll(&fd, 1, wait_ms) > 0;
}

/* True when there is nothing more for us to run: done, or failed in a way that stays. */
static bool migrate(struct worker *worker, bool *broken)
{
    struct inlay_error err;
    int rc = inlay_migrate(worker->set, &worker->options, NULL, &err);

    if (rc == INLAY_E_STOPPED)
        return true;
    if (rc != INLAY_OK)
        complain(worker, phase_of(rc), &err);
    *broken = rc != INLAY_OK && !may_pass(rc);
    return rc == INLAY_OK || *broken;
}

static void *run(void *context)
{
    struct worker *worker = context;
    bool broken = false;
    bool done = !worker->migrate;
    bool ready;

    do {
        if (!done) {
            show(worker);
            done = migrate(worker, &broken);
        }
        ready = done && look(worker, broken);
    } while (!stop_requested(worker, ready ? LOOK_AGAIN_MS : RETRY_MS));
    return NULL;
}

bool worker_start(struct worker *worker, const struct inlay_set *set, struct state *state,
                  const struct inlay_options *options, bool migrate)
{
    if (pipe(worker->stop_pipe) != 0)
        return false;
    worker->set = set;
    worker->state = state;
    worker->migrate = migrate;
    worker->options = *options;
    worker->options.stop_fd = worker->stop_pipe[0];
    worker->options.log = on_log;
    worker->options.event = on_event;
    worker->options.user = worker;
    return pthread_create(&worker->thread, NULL, run, worker) == 0;
}

void worker_stop(struct worker *worker)
{
    /* Nothing is written: the closed end makes the other one readable for ever. */
    close(worker->stop_pipe[1]);
    pthread_join(worker->thread, NULL);
    close(worker->stop_pipe[0]);
}

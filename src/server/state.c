/* What the server knows about its database, and how each thing that the worker hears changes it. */
#include "state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool state_init(struct state *state, const struct inlay_set *set, const char *program,
                bool migrates)
{
    memset(state, 0, sizeof *state);
    state->now.set = set;
    state->now.program = program;
    state->now.since = time(NULL);
    gethostname(state->now.host, sizeof state->now.host - 1);
    state->now.migrates = migrates;
    return pthread_mutex_init(&state->mutex, NULL) == 0;
}

void state_finish(struct state *state)
{
    inlay_status_free(state->now.status);
    pthread_mutex_destroy(&state->mutex);
}

const struct snapshot *state_hold(struct state *state)
{
    pthread_mutex_lock(&state->mutex);
    return &state->now;
}

void state_release(struct state *state)
{
    pthread_mutex_unlock(&state->mutex);
}

static struct snapshot *change(struct state *state)
{
    pthread_mutex_lock(&state->mutex);
    return &state->now;
}

static void begin_run(struct snapshot *now, size_t count)
{
    now->phase = PHASE_MIGRATING;
    now->index = 0;
    now->count = count;
    now->running = NULL;
}

void state_known(struct state *state, struct inlay_status *status, bool run_follows)
{
    struct snapshot *now = change(state);
    struct inlay_status *old = now->status;

    if (!run_follows)
        now->phase = PHASE_KNOWN;
    else if (now->phase != PHASE_WAITING)
        begin_run(now, status->pending);
    now->status = status;
    now->answered_at = clock_ms();
    state_release(state);
    inlay_status_free(old);
}

void state_trouble(struct state *state, const struct inlay_error *err)
{
    struct snapshot *now = change(state);

    now->phase = PHASE_TROUBLE;
    now->trouble = *err;
    state_release(state);
}

void state_connecting(struct state *state)
{
    const struct inlay_error silence = {
        .code = INLAY_E_CONNECTION,
        .version = -1,
        .message = "no answer from the server yet",
    };
    struct snapshot *now = change(state);

    /* What is known stays good for a while, and an error of the last attempt says more. */
    if (now->phase != PHASE_KNOWN && now->phase != PHASE_TROUBLE) {
        now->phase = PHASE_TROUBLE;
        now->trouble = silence;
    }
    state_release(state);
}

void state_failed(struct state *state, const struct inlay_error *err)
{
    struct snapshot *now = change(state);

    now->phase = PHASE_TROUBLE; /* until the status is read again */
    now->trouble = *err;
    now->failure = *err;
    state_release(state);
}

void state_waiting(struct state *state, const struct inlay_error *err)
{
    struct snapshot *now = change(state);

    if (now->phase != PHASE_WAITING) {
        now->note[0] = '\0';
        now->trouble.code = INLAY_OK;
    }
    now->phase = PHASE_WAITING;
    if (err != NULL)
        now->trouble = *err;
    state_release(state);
}

void state_note(struct state *state, const char *text)
{
    struct snapshot *now = change(state);

    if (now->phase == PHASE_WAITING)
        snprintf(now->note, sizeof now->note, "%s", text);
    state_release(state);
}

void state_step(struct state *state, const struct inlay_event *event)
{
    bool runs = event->kind == INLAY_EVENT_STARTED || event->kind == INLAY_EVENT_PROGRESS;
    struct snapshot *now = change(state);

    now->phase = PHASE_MIGRATING;
    now->index = event->index;
    now->count = event->count;
    now->running = runs ? event->migration : NULL;
    state_release(state);
}

#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool state_init(struct state *state, const struct inlay_set *set, bool migrates)
{
    memset(state, 0, sizeof *state);
    state->now.set = set;
    state->now.migrates = migrates;
    state->now.marks = calloc(set->migration_count + 1, sizeof *state->now.marks);
    if (state->now.marks == NULL)
        return false;
    if (pthread_mutex_init(&state->mutex, NULL) == 0)
        return true;
    free(state->now.marks);
    return false;
}

void state_finish(struct state *state)
{
    inlay_status_free(state->now.status);
    free(state->now.marks);
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
    memset(now->marks, 0, now->set->migration_count * sizeof *now->marks);
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

/* ---- a run ---- */

static enum deed deed_of(enum inlay_event_kind kind)
{
    switch (kind) {
    case INLAY_EVENT_STARTED:
    case INLAY_EVENT_PROGRESS:
        return DEED_RUNNING;
    case INLAY_EVENT_APPLIED:
    case INLAY_EVENT_SKIPPED:
        return DEED_APPLIED;
    default:
        return DEED_NONE;
    }
}

static void mark(struct snapshot *now, const struct inlay_event *event)
{
    bool skipped = event->kind == INLAY_EVENT_SKIPPED;

    now->marks[event->migration - now->set->migrations] = (struct mark){
        .deed = deed_of(event->kind),
        .batch = skipped ? -1 : event->batch,
        .elapsed_ms = skipped ? -1 : event->elapsed_ms,
    };
}

void state_step(struct state *state, const struct inlay_event *event)
{
    struct snapshot *now = change(state);

    now->phase = PHASE_MIGRATING;
    now->index = event->index;
    now->count = event->count;
    now->running = NULL;
    if (event->migration != NULL) {
        mark(now, event);
        if (deed_of(event->kind) == DEED_RUNNING)
            now->running = event->migration;
    }
    state_release(state);
}

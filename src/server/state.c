#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool state_init(struct state *state)
{
    memset(state, 0, sizeof *state);
    return pthread_mutex_init(&state->mutex, NULL) == 0;
}

void state_finish(struct state *state)
{
    state_view_free(&state->now);
    pthread_mutex_destroy(&state->mutex);
}

static void replace(char **text, char *by)
{
    if (by == NULL) /* no memory: what stands is better than nothing */
        return;
    free(*text);
    *text = by;
}

void state_set_phase(struct state *state, enum phase phase, const char *reason)
{
    char *copy = strdup(reason);

    pthread_mutex_lock(&state->mutex);
    state->now.phase = phase;
    replace(&state->now.reason, copy);
    pthread_mutex_unlock(&state->mutex);
}

void state_set_progress(struct state *state, const struct inlay_event *event)
{
    pthread_mutex_lock(&state->mutex);
    state->now.phase = PHASE_MIGRATING;
    state->now.index = event->index;
    state->now.count = event->count;
    snprintf(state->now.name, sizeof state->now.name, "%s",
             event->migration != NULL ? event->migration->up.path : "");
    pthread_mutex_unlock(&state->mutex);
}

void state_set_tables(struct state *state, char *table, char *json)
{
    pthread_mutex_lock(&state->mutex);
    replace(&state->now.table, table);
    replace(&state->now.json, json);
    pthread_mutex_unlock(&state->mutex);
}

bool state_view(struct state *state, struct view *view)
{
    pthread_mutex_lock(&state->mutex);
    *view = state->now;
    view->reason = strdup(view->reason != NULL ? view->reason : "");
    view->table = strdup(view->table != NULL ? view->table : "");
    view->json = strdup(view->json != NULL ? view->json : "[]");
    pthread_mutex_unlock(&state->mutex);
    if (view->reason != NULL && view->table != NULL && view->json != NULL)
        return true;
    state_view_free(view);
    return false;
}

void state_view_free(struct view *view)
{
    free(view->reason);
    free(view->table);
    free(view->json);
}

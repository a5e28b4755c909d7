/* What the server knows about its database: written by the worker thread, read by the HTTP side. */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include <inlay.h>

#include <pthread.h>

enum phase {
    PHASE_STARTING,   /* nothing known yet */
    PHASE_CONNECTING, /* the database is not to be reached; trying again */
    PHASE_WAITING,    /* another process migrates */
    PHASE_MIGRATING,
    PHASE_PENDING, /* something is pending and nobody here will run it (--no-migrate) */
    PHASE_BROKEN,  /* a migration failed, or history and binary disagree */
    PHASE_READY
};

/* A copy of what is known, for one request. Free with state_view_free. */
struct view {
    enum phase phase;
    size_t index; /* PHASE_MIGRATING: migration number `index` of `count` is running */
    size_t count;
    char name[128]; /* ... and is called so */
    char *reason;   /* why it is not ready, or a warning where it is; "" if there is nothing */
    char *table;    /* the migrations as HTML; "" before they are known */
    char *json;     /* the migrations as a JSON array */
};

struct state {
    pthread_mutex_t mutex;
    struct view now;
};

bool state_init(struct state *state);
void state_finish(struct state *state);

void state_set_phase(struct state *state, enum phase phase, const char *reason);
void state_set_progress(struct state *state, const struct inlay_event *event);

/* Takes over the two strings. */
void state_set_tables(struct state *state, char *table, char *json);

/* False without memory. */
bool state_view(struct state *state, struct view *view);
void state_view_free(struct view *view);

#endif

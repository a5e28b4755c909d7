/* What the server knows about its database. The worker thread writes it, the HTTP side reads it;
 * between them stands one mutex, which is never held during a wait. */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include <inlay.h>

#include <pthread.h>
#include <time.h>

enum phase {
    PHASE_STARTING,  /* the database was not asked yet */
    PHASE_MIGRATING, /* migrations run, `index` of `count` */
    PHASE_WAITING,   /* another process migrates */
    PHASE_TROUBLE,   /* the database cannot be asked: see `trouble` */
    PHASE_KNOWN      /* `status` is what the database says */
};

/* Everything that the mutex guards. Only the worker thread changes it. */
struct snapshot {
    const struct inlay_set *set;
    const char *program; /* how it was called */
    char host[256];      /* where it runs */
    time_t since;
    bool migrates; /* false: --no-migrate */
    enum phase phase;
    struct inlay_status *status; /* as last read; NULL before that */
    int64_t answered_at;         /* clock_ms() when it was read */
    struct inlay_error trouble;  /* TROUBLE, WAITING: the last attempt's error, if there was one */
    struct inlay_error failure;  /* why the run of the start ended early; else code INLAY_OK */
    char note[512];              /* WAITING: what has the lock; "" if that is not known */
    size_t index, count;         /* MIGRATING */
    const struct inlay_migration *running; /* MIGRATING: or NULL between two */
};

struct state {
    pthread_mutex_t mutex;
    struct snapshot now;
};

/* Milliseconds of a clock that is never set. */
int64_t clock_ms(void);

/* False without memory. `program` is kept. */
bool state_init(struct state *state, const struct inlay_set *set, const char *program,
                bool migrates);
void state_finish(struct state *state);

/* What there is to know, to be read until state_release. */
const struct snapshot *state_hold(struct state *state);
void state_release(struct state *state);

/* Takes over the status. Where a run follows the reason to be unready stays what it was: a wait for
 * the lock is one wait, however many turns it takes. */
void state_known(struct state *state, struct inlay_status *status, bool run_follows);
void state_trouble(struct state *state, const struct inlay_error *err);
void state_failed(struct state *state, const struct inlay_error *err);

/* No server answers the present attempt. */
void state_connecting(struct state *state);

/* For the lock. Without an error: the wait continues. */
void state_waiting(struct state *state, const struct inlay_error *err);
void state_note(struct state *state, const char *text);

/* A step of a run: BEGIN, STARTED, PROGRESS, APPLIED, SKIPPED, FAILED. */
void state_step(struct state *state, const struct inlay_event *event);

#endif

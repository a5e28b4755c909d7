/* What every call has at hand: set, options, the history's name, the connection, the last look at
 * the database and the plan that follows from it. */
#ifndef INLAY_RUN_H
#define INLAY_RUN_H

#include "history/snapshot.h"
#include "plan/goal.h"
#include "plan/steps.h"
#include "run/settings.h"

/* So many migrations may be in flight at once: round trips do not grow with the count. */
#define INLAY_WINDOW 1024

struct run {
    const struct inlay_set *set;
    struct inlay_options options; /* complete, whatever size the caller's has */
    struct history_name name;
    struct session session;
    size_t settings;                     /* of ours, that this server takes: see settings.h */
    unsigned char again[INLAY_SETTINGS]; /* which of them to make again after a reset */
    size_t again_count;
    bool asynchronous;         /* commits need not wait for the disk, which without us they would */
    struct inlay_settings own; /* timeouts of role, database or connection; INLAY_UNSET: none */
    struct look look;
    struct plan plan; /* points into set and look */
    struct goal goal;
    struct lock lock;
    bool keeps_lock; /* until the end, and not only until the goal is reached */

    /* Progress of this run, for events and outcomes. */
    int64_t begun_at;
    int64_t batch;
    size_t window;                         /* migrations in flight at once; one after a mishap */
    int64_t newest;                        /* version that this run is known to have applied */
    size_t total;                          /* migrations to run */
    size_t applied;                        /* migrations that this run committed */
    size_t undone;                         /* migrations that this run undid */
    size_t skipped;                        /* migrations that somebody else applied meanwhile */
    size_t unmade;                         /* times that our tables could not be made */
    const struct inlay_migration *current; /* what runs now; NULL: nothing */
    bool current_down;
    bool current_recorded;
    int64_t current_since;
    size_t current_statement;          /* statements of it that are done */
    int64_t waiting_since;             /* 0: not waiting */
    const struct inlay_target *target; /* while before_run is asked */
};

typedef int (*inlay_question)(void *user, const struct inlay_event *event, struct inlay_error *err);

/* Validates set and options. INLAY_OK or INLAY_E_ARGUMENT. */
int inlay_run_begin(struct run *run, const struct inlay_set *set,
                    const struct inlay_options *options, struct inlay_error *err);

/* Connects, or takes the caller's connection. */
int inlay_run_connect(struct run *run, int64_t wait_ms, struct inlay_error *err);

/* Looks and plans anew. */
int inlay_run_look(struct run *run, enum look_lock lock, struct inlay_error *err);
/* The same after other questions, see snapshot.h. */
int inlay_run_look_after(struct run *run, const struct questions_before *before,
                         enum look_lock lock, struct inlay_error *err);

/* May the goal be pursued, as the plan stands? INLAY_OK or the refusal. */
int inlay_run_verdict(const struct run *run, struct inlay_error *err);
void inlay_run_warn_unknown(const struct run *run);

/* Releases lock and connection. Returns `rc`, the code of what was done; INLAY_E_LOST in the place
 * of INLAY_OK where a caller's connection could not be given back. */
int inlay_run_disconnect(struct run *run, int rc, struct inlay_error *err);

/* The same, and memory. Safe after any failure and more than once. */
void inlay_run_end(struct run *run);

/* Sends an event about the current migration, or about the run where there is none. */
void inlay_run_tell(struct run *run, enum inlay_event_kind kind, int64_t elapsed_ms);

/* Asks the host whether to go on. INLAY_OK, or its refusal as INLAY_E_REFUSED; INLAY_E_STOPPED. */
int inlay_run_ask(const struct run *run, inlay_question question, enum inlay_event_kind kind,
                  struct inlay_error *err);

/* Asks the host about a migration that is next. INLAY_OK or INLAY_E_REFUSED. */
int inlay_run_permit(struct run *run, const struct step *step, struct inlay_error *err);

/* Declares that a migration begins to run now. */
void inlay_run_started(struct run *run, const struct step *step);
/* ... and that it is committed. */
void inlay_run_applied(struct run *run, int64_t elapsed_ms);

#endif

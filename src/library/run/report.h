/* What the host hears of a run: events, and the questions that it may answer with no. */
#ifndef INLAY_REPORT_H
#define INLAY_REPORT_H

#include "plan/steps.h"
#include "wire/wire.h"

struct report {
    const struct inlay_set *set;
    const struct inlay_options *options;
    struct session *session; /* its notices are labelled with what runs */

    int64_t begun_at;
    int64_t batch;
    int64_t newest;                        /* version that this run is known to have applied */
    size_t total;                          /* migrations to run */
    size_t applied;                        /* migrations that this run committed */
    size_t undone;                         /* migrations that this run undid */
    size_t skipped;                        /* migrations that another process applied meanwhile */
    const struct inlay_migration *current; /* what runs now; NULL: nothing */
    bool current_down;
    bool current_recorded;
    int64_t current_since;
    size_t current_statement;           /* statements of it that are done */
    int64_t waiting_since;              /* 0: not waiting */
    const struct inlay_target *target;  /* while before_run is asked */
    const struct inlay_effect *effects; /* of the current migration */
    size_t effect_count;
};

typedef int (*inlay_question)(void *user, const struct inlay_event *event, struct inlay_error *err);

/* Sends an event about the current migration, or about the run where there is none. */
void inlay_report_tell(struct report *report, enum inlay_event_kind kind, int64_t elapsed_ms);

/* Asks the host whether to continue. INLAY_OK, or its refusal as INLAY_E_REFUSED; INLAY_E_STOPPED.
 */
int inlay_report_ask(const struct report *report, inlay_question question,
                     enum inlay_event_kind kind, struct inlay_error *err);

/* Asks the host about a migration that is next. INLAY_OK or INLAY_E_REFUSED. */
int inlay_report_permit(struct report *report, const struct step *step, struct inlay_error *err);

/* Declares that a migration begins to run now. */
void inlay_report_started(struct report *report, const struct step *step);
/* ... and that it is committed. */
void inlay_report_applied(struct report *report, int64_t elapsed_ms);

/* Says that a run of so many steps begins, and asks the host whether it may. `first` may be NULL.
 * INLAY_OK, INLAY_E_REFUSED, INLAY_E_STOPPED, INLAY_E_MEMORY. */
int inlay_report_announce(struct report *report, const struct step *first, size_t steps,
                          int64_t batch, struct inlay_error *err);

/* What a session calls while it waits: how the run stands. `context` is the report. */
void inlay_report_tick(void *context);

#endif

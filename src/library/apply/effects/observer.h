/* Finds out what each statement of a migration did to what was there before: by questions after the
 * statement, whose answers are compared with those before it. */
#ifndef INLAY_OBSERVER_H
#define INLAY_OBSERVER_H

#include "apply/effects/changes.h"
#include "apply/effects/probes.h"
#include "run/report.h"
#include "run/watch.h"

struct observer {
    struct watch watch; /* first: what looks is handed its address */
    struct session *session;
    struct report *report;
    struct probes probes;
    struct picture picture;
    int64_t since_ms; /* the last round was answered */
    bool together;    /* all files are one transaction, which holds its locks until its end */
};

/* INLAY_OK or INLAY_E_MEMORY; finish it in any case. */
int inlay_observer_init(struct observer *observer, struct session *session,
                        const struct history_name *name, struct report *report, bool together,
                        struct inlay_error *err);
void inlay_observer_finish(struct observer *observer);

/* A file begins; what the last one did is forgotten. */
void inlay_observer_begin(struct observer *observer, const struct step *step);

/* A statement was answered, counted from 0. Its round follows. */
void inlay_observer_ran(struct observer *observer, size_t statement);

/* Takes a result, perhaps one row of it, of this question; then, that it has no more. */
void inlay_observer_take(struct observer *observer, enum probe probe, const PGresult *result);
void inlay_observer_answered(struct observer *observer, enum probe probe);

/* Asks a round by itself. `silent`: nothing of it is reported. INLAY_OK, INLAY_E_FAILED,
 * INLAY_E_MEMORY or the codes of inlay_query_ask. */
int inlay_observer_ask(struct observer *observer, enum round round, bool silent,
                       struct inlay_error *err);

/* After the round of a statement: looks at the objects, where it may have changed some. */
int inlay_observer_look(struct observer *observer, struct inlay_error *err);

/* The file has run in its transaction, and deferred constraints were checked. */
int inlay_observer_end(struct observer *observer, struct inlay_error *err);

/* Says that one of its questions failed; returns INLAY_E_FAILED. */
int inlay_observer_fail(const PGresult *result, struct inlay_error *err);

#endif

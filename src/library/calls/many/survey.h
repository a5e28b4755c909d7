/* One look at many targets: what it is made of. */
#ifndef INLAY_SURVEY_H
#define INLAY_SURVEY_H

#include "calls/many/aim.h"
#include "calls/many/seen.h"
#include "run/run.h"

struct survey {
    const struct inlay_set *set;
    struct inlay_options options;
    void (*found)(void *user, const struct inlay_many_finding *finding);
    void *user;
    struct history_name any; /* that of the options or the set: the names of the tables */
    struct seen seen;
    struct run run; /* for the judgement alone: it has no connection */
};

/* A target and its place in the caller's list. */
struct many_place {
    const struct inlay_many_target *target;
    size_t index;
};

/* Tells the caller how a target stands, from the code of `err`. */
void inlay_survey_tell(const struct survey *survey, const struct many_place *place, bool exists,
                       size_t pending, const struct inlay_error *err);

/* What follows from rows as they stand in survey->run.known.snapshot: fills `err` as inlay_check
 * does. Returns what is not about this target: INLAY_OK or INLAY_E_MEMORY. */
int inlay_survey_judge(struct survey *survey, struct inlay_error *err);

/* Looks at a target by itself, over a connection of its own. Returns as above, or
 * INLAY_E_STOPPED; `err` is how it stands. */
int inlay_survey_alone(struct survey *survey, const struct many_place *place,
                       struct inlay_error *err);

#endif

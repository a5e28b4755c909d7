/* What went wrong with a migration, where, and what is left of it: in words. */
#ifndef INLAY_FAILURE_H
#define INLAY_FAILURE_H

#include "apply/transaction/phases.h"
#include "plan/steps.h"
#include "run/run.h"

/* Names the place of a failed statement of a script. */
void inlay_failure_place(const struct inlay_set *set, const struct step *step, size_t statement,
                         const PGresult *result, struct inlay_error *err);

/* The statement of the migration's verify script failed, or is not true: says which, and its place.
 */
void inlay_failure_unverified(const struct inlay_set *set, const struct inlay_migration *migration,
                              size_t statement, const PGresult *result, struct inlay_error *err);

/* Says what was kept: nothing of this migration, and what this run applied before it. */
void inlay_failure_outcome(const struct report *report, const struct step *step,
                           struct inlay_error *err);

/* A message of the conversation about this migration failed. */
void inlay_failure_describe(const struct request *request, const struct step *step,
                            const struct cursor *at, const PGresult *result,
                            struct inlay_error *err);

/* Does this result say that the migration left a table of ours unfit? Then says so. `kept`: what it
 * did is permanent. */
bool inlay_failure_unfit(const struct request *request, const struct step *step,
                         const PGresult *result, bool kept, struct inlay_error *err);

/* The search_path of the options could not be set: says what to do. */
void inlay_failure_search_path(struct inlay_error *err);

/* Says whose statement_timeout it was that ended a statement. */
void inlay_failure_explain(const struct limits *limits, const struct inlay_script *script,
                           struct inlay_error *err);

/* Says how to get on where the server has no hint: what the file makes is there, or needs to run
 * without a transaction. */
void inlay_failure_advise(const struct knowledge *known, const struct step *step,
                          struct inlay_error *err);

/* The migration ended its transaction; `half`: and what it committed is there. */
void inlay_failure_ended(const struct request *request, const struct step *step,
                         struct inlay_error *err);
void inlay_failure_half(const struct step *step, struct inlay_error *err);

/* The connection is gone, and with it the answers: of this one and of so many after it. */
void inlay_failure_unknown(const struct step *step, size_t behind, struct inlay_error *err);

#endif

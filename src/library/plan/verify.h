/* The questions of a verify script, as they are sent. Pure. */
#ifndef INLAY_VERIFY_H
#define INLAY_VERIFY_H

#include "plan/steps.h"

/* The script that verifies what the step did, or NULL. */
const struct inlay_script *inlay_verify_script(const struct step *step);

/* What a query of one boolean raises that is false or NULL: followed by which. */
#define RAISED_FALSE "not verified: "

struct verify_terms {
    const char *search_path; /* NULL: the session's */
    int64_t lock_ms;
    int64_t statement_ms; /* INLAY_UNSET: the session's */
};

/* What is sent, in a transaction or savepoint of its own: first that this only reads, and under
 * which terms; then each statement of the script. A query stands in another one, which raises where
 * it gives a single boolean that is not true. */
size_t inlay_verify_count(const struct inlay_script *script);

/* The caller frees it. NULL without memory. */
char *inlay_verify_text(const struct inlay_script *script, const struct verify_terms *terms,
                        size_t index);

/* So many characters come before a statement in the text that is sent for it. */
size_t inlay_verify_shift(const struct inlay_script *script, size_t statement);

#endif

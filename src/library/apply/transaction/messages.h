/* Writing the messages of a transactional migration, one for each place of the cursor. */
#ifndef INLAY_MESSAGES_H
#define INLAY_MESSAGES_H

#include "apply/transaction/phases.h"
#include "base/search_path.h"
#include "history/down_script.h"
#include "plan/row_values.h"
#include "plan/steps.h"
#include "run/run.h"

/* What differs in how a migration is claimed and sealed. */
enum messages_kind {
    MESSAGES_UP,
    MESSAGES_DOWN,
    MESSAGES_REPLACING,
    MESSAGES_REPEATABLE,
    MESSAGES_KINDS
};

struct messages {
    const struct request *request;
    const struct limits *limits;
    const struct report *report;
    const char *owner; /* of both tables, where the seal was prepared ahead */
    char *claim_sql[MESSAGES_KINDS];
    char *seal_sql[MESSAGES_KINDS];
    char *forget_sql;
    char *prepare_sql;              /* what prepares the seal of MESSAGES_UP */
    char *half_sql[MESSAGES_KINDS]; /* made beforehand: what cleans up may find no memory */
    struct down_script keep;

    /* Text and parameters of the last message; libpq copies them when it is sent. */
    char text[96];
    char search_path[INLAY_SEARCH_PATH_MOST];
    char *question; /* of a verify script, on the heap */
    struct row_values row;
};

/* False without memory. Finish it in any case. */
bool inlay_messages_init(struct messages *messages, const struct request *request,
                         const struct knowledge *known, const struct limits *limits,
                         const struct report *report);
void inlay_messages_finish(struct messages *messages);

/* Can it be sealed by the prepared statement? */
bool inlay_messages_can_prepare(const struct step *step);

/* The migration whose row is the one of this number in the claims of a step. */
const struct inlay_migration *inlay_messages_claimed(const struct messages *messages,
                                                     const struct step *step, size_t item);

/* Fills the message of this place. It is valid until the next. */
void inlay_messages_fill(struct messages *messages, const struct course *course,
                         const struct cursor *at, struct message *message);

/* Fills the message that finds the claim of a body which ended its own transaction, and takes it
 * back. It is valid until the next. */
void inlay_messages_fill_half(struct messages *messages, const struct step *step,
                              const char *claim_xid, struct message *message);

#endif

/* Writing the messages of a transactional migration, one for each place of the cursor. */
#ifndef INLAY_COMPOSE_H
#define INLAY_COMPOSE_H

#include "cursor.h"
#include "run.h"

struct compose {
    const struct run *run;
    char *claim_sql[2]; /* up, down */
    char *seal_sql[2];

    /* Parameters of the last message; libpq copies them when it is sent. */
    char numbers[2][24];
    const char *values[4];
};

/* False without memory. Finish it in any case. */
bool inlay_compose_init(struct compose *compose, const struct run *run);
void inlay_compose_finish(struct compose *compose);

/* Fills the message of this place. It is valid until the next. */
void inlay_compose(struct compose *compose, const struct step *step, const struct cursor *at,
                   struct message *message);

#endif

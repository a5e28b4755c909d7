/* The down script that is stored beside a row, for a binary that does not have the version. It is
 * shown to people and never run. */
#ifndef INLAY_DOWN_SCRIPT_H
#define INLAY_DOWN_SCRIPT_H

#include "history/name.h"
#include "wire/exchange.h"

/* What becomes of the down script that is stored beside a row. */
enum keep { KEEP_AS_IT_IS, KEEP_STORE, KEEP_FORGET };

struct down_script {
    char *sql[2]; /* store, forget */

    /* Parameters of the last message; libpq copies them when it is sent. */
    char version[24];
    const char *values[3];
};

/* False without memory. Finish it in any case. */
bool inlay_down_script_init(struct down_script *texts, const struct history_name *name);
void inlay_down_script_finish(struct down_script *texts);

/* Fills the message that stores or forgets the script of a version; nothing else may be asked. To
 * forget needs no migration. */
void inlay_down_script_fill(struct down_script *texts, enum keep keep, int64_t version,
                            const struct inlay_migration *migration, struct message *message);

#endif

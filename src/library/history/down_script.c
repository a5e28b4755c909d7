/* The statements that store and forget the down script of a migration. What is stored is never
 * run. */
#include "history/down_script.h"
#include "history/sql.h"

#include <stdio.h>
#include <stdlib.h>

bool inlay_down_script_init(struct down_script *texts, const struct history_name *name)
{
    *texts = (struct down_script){.sql = {inlay_sql_keep_down(name), inlay_sql_forget_down(name)}};
    return texts->sql[0] != NULL && texts->sql[1] != NULL;
}

void inlay_down_script_finish(struct down_script *texts)
{
    free(texts->sql[0]);
    free(texts->sql[1]);
}

/* Where both directions stand in one file, the way back is its end: whoever hands what we store to
 * psql must not go up first. */
static const char *own_text(const struct inlay_migration *migration)
{
    const struct inlay_script *down = &migration->down;

    return down->text == migration->up.text && down->statement_count > 0
               ? down->text + down->statements[0].offset
               : down->text;
}

void inlay_down_script_fill(struct down_script *texts, enum keep keep, int64_t version,
                            const struct inlay_migration *migration, struct message *message)
{
    bool store = keep == KEEP_STORE;

    snprintf(texts->version, sizeof texts->version, "%lld", (long long)version);
    texts->values[0] = texts->version;
    texts->values[1] = store ? migration->sha256 : NULL;
    texts->values[2] = store ? own_text(migration) : NULL;
    *message = (struct message){
        .sql = texts->sql[!store], .parameter_count = store ? 3 : 1, .parameters = texts->values};
}

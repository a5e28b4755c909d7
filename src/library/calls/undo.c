/* The calls that undo migrations: the newest ones, the last batch, or one that is then applied
 * again. migrate.c does the work. */
#include "calls/migrate.h"

#include <inlay-admin.h>

int inlay_undo(const struct inlay_set *set, const struct inlay_options *options, size_t count,
               struct inlay_result *result, struct inlay_error *err)
{
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_DOWN, .count = count},
                        &(struct task){.work = inlay_migrate_work}, result, err);
}

int inlay_undo_batch(const struct inlay_set *set, const struct inlay_options *options,
                     struct inlay_result *result, struct inlay_error *err)
{
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_ROLLBACK},
                        &(struct task){.work = inlay_migrate_work}, result, err);
}

int inlay_redo(const struct inlay_set *set, const struct inlay_options *options,
               struct inlay_result *result, struct inlay_error *err)
{
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_REDO},
                        &(struct task){.work = inlay_migrate_work}, result, err);
}

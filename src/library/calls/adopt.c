/* The call that takes over another tool's record. */
#include "calls/pursue.h"
#include "calls/takeover.h"
#include "foreign/source.h"

#include <inlay-admin.h>

int inlay_adopt(const struct inlay_set *set, const struct inlay_options *options,
                const char *source, struct inlay_error *err)
{
    const struct task task = {.work = inlay_takeover_work, .context = &source};
    struct foreign_source ignored;
    struct inlay_error own;

    inlay_error_clear(&own);
    if (inlay_foreign_parse(source, &ignored, &own) != INLAY_OK)
        return inlay_error_give(own.code, &own, err);
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_NONE}, &task, NULL, err);
}

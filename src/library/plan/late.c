/* Refuses versions that come late, below an applied one, where that was asked for. Asks no server.
 */
#include "plan/verdict.h"

int inlay_verdict_late(const struct inlay_set *set, const struct plan *plan, int64_t up_to,
                       struct inlay_error *err)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_PENDING);
    int64_t newest = inlay_plan_newest(plan, up_to);
    char versions[256];
    size_t late = inlay_plan_late(plan, up_to, versions, sizeof versions);

    if (late == 0)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_MISMATCH,
                    "version %lld (%s) comes late: version %lld is applied, and late versions are "
                    "refused",
                    (long long)entry->version, entry->migration->name, (long long)newest);
    err->version = entry->version;
    inlay_error_file(err, set, &entry->migration->up);
    if (late > 1)
        inlay_text_put(err->detail, sizeof err->detail, "%zu versions are late: %s", late,
                       versions);
    inlay_text_put(err->hint, sizeof err->hint,
                   "give the file a number above %lld and build again; or apply it all the same: "
                   "without --migrate-late=refuse, and from a set that was embedded without "
                   "--late=refuse; or, if the database has it already: --migrate-mark %lld",
                   (long long)newest, (long long)entry->version);
    return err->code;
}

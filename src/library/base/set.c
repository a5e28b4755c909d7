#include "base/set.h"

const struct inlay_settings *inlay_script_settings(const struct inlay_script *script)
{
    static const struct inlay_settings unset = {.lock_timeout_ms = INLAY_UNSET,
                                                .statement_timeout_ms = INLAY_UNSET};

    return script->settings != NULL ? script->settings : &unset;
}

const struct inlay_migration *inlay_set_find(const struct inlay_set *set, int64_t version)
{
    size_t low = 0;
    size_t high = set->migration_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->migrations[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->migration_count && set->migrations[low].version == version
               ? &set->migrations[low]
               : NULL;
}

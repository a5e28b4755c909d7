#include "base/set.h"
#include "base/error.h"
#include "base/versions.h"

#include <string.h>

const struct inlay_settings *inlay_script_settings(const struct inlay_script *script)
{
    static const struct inlay_settings unset = {.lock_timeout_ms = INLAY_UNSET,
                                                .statement_timeout_ms = INLAY_UNSET};

    return script->settings != NULL ? script->settings : &unset;
}

const struct inlay_migration *inlay_set_find(const struct inlay_set *set, int64_t version)
{
    return inlay_versions_find(set->migrations, set->migration_count, sizeof *set->migrations,
                               version);
}

static bool is_ascending(const struct inlay_set *set)
{
    for (size_t i = 1; i < set->repeatable_count; i++)
        if (strcmp(set->repeatables[i - 1].name, set->repeatables[i].name) >= 0)
            return false;
    return true;
}

int inlay_set_validate(const struct inlay_set *set, struct inlay_error *err)
{
    if (set == NULL)
        return inlay_error_set(err, INLAY_E_ARGUMENT, "there is no set of migrations");
    if (set->abi != INLAY_ABI)
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "the set was embedded for ABI %u, this library has ABI %d: build "
                               "both from one version",
                               set->abi, INLAY_ABI);
    for (size_t i = 0; i < set->migration_count; i++) {
        int64_t version = set->migrations[i].version;
        if (version < 0 || (i > 0 && version <= set->migrations[i - 1].version))
            return inlay_error_set(err, INLAY_E_ARGUMENT,
                                   "the set is not ascending at version %lld", (long long)version);
    }
    if (!is_ascending(set))
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "the repeatables of the set are not ascending by name");
    return INLAY_OK;
}

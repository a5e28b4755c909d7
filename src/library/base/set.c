/* Checks the array that the generator wrote and finds migrations in it. Reads no SQL. */
#include "base/set.h"
#include "base/error.h"
#include "base/newer.h"
#include "base/versions.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The size of a struct that ends with this pointer: so it was in the first header of this number.
 */
#define LAST_SIZE(type, last) (offsetof(type, last) + sizeof(const void *))

#define SET_FLAGS (INLAY_SET_KEEP_DOWN | INLAY_SET_REFUSE_LATE | INLAY_SET_NO_RESET)
#define SCRIPT_FLAGS (INLAY_SCRIPT_NO_TRANSACTION | INLAY_SCRIPT_FROZEN)

const struct inlay_settings *inlay_script_settings(const struct inlay_script *script)
{
    static const struct inlay_settings unset = {.lock_timeout_ms = INLAY_UNSET,
                                                .statement_timeout_ms = INLAY_UNSET};

    return script->settings != NULL ? script->settings : &unset;
}

const struct inlay_migration *inlay_set_find(const struct inlay_set *set, int64_t version)
{
    if (set == NULL || set->migrations == NULL)
        return NULL;
    return inlay_versions_find(set->migrations, set->migration_count, set->migration_size, version);
}

static bool is_ascending(const struct inlay_set *set)
{
    for (size_t i = 1; i < set->repeatable_count; i++)
        if (strcmp(inlay_set_repeatable(set, i - 1)->name, inlay_set_repeatable(set, i)->name) >= 0)
            return false;
    return true;
}

static int refuse_null(struct inlay_error *err, const char *field)
{
    return inlay_error_set(err, INLAY_E_ARGUMENT, "%s is NULL", field);
}

/* Nothing of a script that is there may be missing. The member that is, or NULL. */
static const char *find_null_in_script(const struct inlay_script *script)
{
    if (script->path == NULL)
        return "path";
    if (script->statements == NULL && script->statement_count > 0)
        return "statements";
    return script->text == NULL && script->function == NULL ? "text" : NULL;
}

static bool is_there(const struct inlay_script *script)
{
    return script->text != NULL || script->function != NULL || script->statement_count > 0;
}

/* Of the first header with this number, to whose structs others append. */
static bool is_short(const struct inlay_script *script)
{
    return (script->statement_count > 0 &&
            script->statement_size < LAST_SIZE(struct inlay_statement, table)) ||
           (script->settings != NULL &&
            script->settings_size < LAST_SIZE(struct inlay_settings, reserved));
}

static int check_script_sizes(const char *array, size_t index,
                              const struct inlay_migration *migration, struct inlay_error *err)
{
    const struct inlay_script *verify = migration->verify;
    const char *found = is_short(&migration->up)             ? "up"
                        : is_short(&migration->down)         ? "down"
                        : verify != NULL && is_short(verify) ? "verify"
                                                             : NULL;

    if (found == NULL)
        return INLAY_OK;
    return inlay_error_set(err, INLAY_E_ARGUMENT,
                           "set.%s[%zu].%s lacks its sizes: write INLAY_SCRIPT_SIZES", array, index,
                           found);
}

/* "set.migrations[3].up.path" */
static int check_migration(const char *array, size_t index, const struct inlay_migration *migration,
                           struct inlay_error *err)
{
    const struct inlay_range *range = migration->replaces;
    const char *up = find_null_in_script(&migration->up);
    const char *down = is_there(&migration->down) ? find_null_in_script(&migration->down) : NULL;
    const char *verify = migration->verify != NULL ? find_null_in_script(migration->verify) : NULL;
    const char *member = migration->name == NULL     ? "name"
                         : migration->sha256 == NULL ? "sha256"
                         : up != NULL                ? up
                         : down != NULL              ? down
                                                     : verify;
    char field[64];

    if (member == NULL && range != NULL && range->versions == NULL && range->version_count > 0)
        member = "replaces->versions";
    if (member == NULL)
        return check_script_sizes(array, index, migration, err);
    snprintf(field, sizeof field, "set.%s[%zu].%s%s", array, index,
             member == up       ? "up."
             : member == down   ? "down."
             : member == verify ? "verify->"
                                : "",
             member);
    return refuse_null(err, field);
}

static int check_arrays(const struct inlay_set *set, struct inlay_error *err)
{
    if (set->migrations == NULL && set->migration_count > 0)
        return refuse_null(err, "set.migrations");
    if (set->repeatables == NULL && set->repeatable_count > 0)
        return refuse_null(err, "set.repeatables");
    for (size_t i = 0; i < set->migration_count; i++)
        if (check_migration("migrations", i, inlay_set_migration(set, i), err) != INLAY_OK)
            return err->code;
    for (size_t i = 0; i < set->repeatable_count; i++)
        if (check_migration("repeatables", i, inlay_set_repeatable(set, i), err) != INLAY_OK)
            return err->code;
    return INLAY_OK;
}

/* A set that was written by hand, or cut short. */
static int check_members(const struct inlay_set *set, struct inlay_error *err)
{
    if (set->directory == NULL)
        return refuse_null(err, "set.directory");
    if (set->history == NULL)
        return refuse_null(err, "set.history");
    if (set->digest == NULL)
        return refuse_null(err, "set.digest");
    return check_arrays(set, err);
}

/* ---- a program of another age ---- */

static int check_sizes(const struct inlay_set *set, struct inlay_error *err)
{
    if (set->size >= LAST_SIZE(struct inlay_set, reserved) &&
        set->migration_size >= LAST_SIZE(struct inlay_migration, verify) &&
        set->range_size >= offsetof(struct inlay_range, version_count) + sizeof(size_t))
        return INLAY_OK;
    return inlay_error_set(err, INLAY_E_ARGUMENT, "the set lacks its sizes: write INLAY_SET_ABI");
}

static bool knows_script(const struct inlay_script *script)
{
    const struct inlay_settings *settings = script->settings;

    if ((script->flags & ~SCRIPT_FLAGS) != 0 || script->reserved != NULL)
        return false;
    if (settings != NULL &&
        (settings->reserved != NULL ||
         !inlay_newer_is_unset(settings, sizeof *settings, script->settings_size)))
        return false;
    for (size_t i = 0;
         script->statement_size > sizeof(struct inlay_statement) && i < script->statement_count;
         i++)
        if (!inlay_newer_is_unset(inlay_script_statement(script, i), sizeof(struct inlay_statement),
                                  script->statement_size))
            return false;
    return true;
}

static bool knows_migration(const struct inlay_set *set, const struct inlay_migration *migration)
{
    const struct inlay_range *range = migration->replaces;

    return inlay_newer_is_unset(migration, sizeof *migration, set->migration_size) &&
           (range == NULL || inlay_newer_is_unset(range, sizeof *range, set->range_size)) &&
           knows_script(&migration->up) && knows_script(&migration->down) &&
           (migration->verify == NULL || knows_script(migration->verify));
}

/* What a newer generator said may be what keeps a database whole: it is not passed over. */
static int check_known(const struct inlay_set *set, struct inlay_error *err)
{
    char field[64] = "";

    if ((set->flags & ~SET_FLAGS) != 0 || set->reserved != NULL ||
        !inlay_newer_is_unset(set, sizeof *set, set->size))
        return inlay_newer_refuse("set", err);
    for (size_t i = 0; i < set->migration_count && field[0] == '\0'; i++)
        if (!knows_migration(set, inlay_set_migration(set, i)))
            snprintf(field, sizeof field, "set.migrations[%zu]", i);
    for (size_t i = 0; i < set->repeatable_count && field[0] == '\0'; i++)
        if (!knows_migration(set, inlay_set_repeatable(set, i)))
            snprintf(field, sizeof field, "set.repeatables[%zu]", i);
    return field[0] == '\0' ? INLAY_OK : inlay_newer_refuse(field, err);
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
    if (check_sizes(set, err) != INLAY_OK || check_members(set, err) != INLAY_OK ||
        check_known(set, err) != INLAY_OK)
        return err->code;
    for (size_t i = 0; i < set->migration_count; i++) {
        int64_t version = inlay_set_migration(set, i)->version;
        if (version < 0 || (i > 0 && version <= inlay_set_migration(set, i - 1)->version))
            return inlay_error_set(err, INLAY_E_ARGUMENT,
                                   "the set is not ascending at version %lld", (long long)version);
    }
    if (!is_ascending(set))
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "the repeatables of the set are not ascending by name");
    return INLAY_OK;
}

/* The table of options: for each its name, its help, how its value is read and where it is
 * stored. */
#include "words/options.h"

#include <stddef.h>
#include <string.h>

#include "words/settings.h"

#define AT(member) offsetof(struct cli, member)

const struct option inlay_cli_options[] = {
    {"database", ARGUMENT_URL, USE_DATABASE, "connect to this database", OPTION_TEXT,
     AT(options.conninfo)},
    {"history", ARGUMENT_TABLE, USE_DATABASE, "keep the history in this table", OPTION_TEXT,
     AT(options.history)},
    {"search-path", ARGUMENT_SCHEMAS, USE_SCRIPTS, "begin each migration with this search_path",
     OPTION_TEXT, AT(options.search_path)},
    {"lock-wait", ARGUMENT_DURATION, USE_LOCK,
     "wait this long for the migration lock (5min; 0: not at all)", OPTION_WAIT,
     AT(options.lock_wait_ms)},
    {"connect-wait", ARGUMENT_DURATION, USE_DATABASE, "keep trying while the server is not up (0)",
     OPTION_NUMBER, AT(options.connect_wait_ms)},
    {"set", ARGUMENT_SETTINGS, USE_SCRIPTS,
     "defaults for files without their own: lock_timeout=5s ...", OPTION_SETTINGS, AT(options)},
    {"retry", ARGUMENT_DURATION, USE_COMMIT,
     "retry a migration that cannot get a table lock (2min; 0: never)", OPTION_WAIT,
     AT(options.retry_ms)},
    {"late", ARGUMENT_REFUSE, USE_VERDICT, "refuse pending versions lower than an applied one",
     OPTION_FLAG, AT(options.refuse_late)},
    {"asynchronous", ARGUMENT_NONE, USE_COMMIT,
     "wait for the disk at the end of a run, not after each commit", OPTION_FLAG,
     AT(options.asynchronous)},
    {"strict", ARGUMENT_NONE, USE_VERDICT,
     "refuse when the history has versions that are not embedded", OPTION_FLAG, AT(options.strict)},
    {"fresh", ARGUMENT_NONE, USE_VERDICT,
     "run although the database seems to be made without inlay", OPTION_FLAG, AT(options.fresh)},
    {"pooler", ARGUMENT_POOLER, USE_LOCK, "run through a connection pooler of this kind",
     OPTION_POOLER, AT(options.pooler)},
    {"yes", ARGUMENT_NAME, USE_CONFIRM, "going back: do not ask; reset: with the database's name",
     OPTION_YES, AT(yes_name)},
    {"skip-missing-down", ARGUMENT_NONE, USE_UNDO,
     "undo without a down script: delete the history row only", OPTION_FLAG,
     AT(options.skip_missing_down)},
    {"allow-missing", ARGUMENT_NONE, USE_ADOPT,
     "adopt even if the other tool and this binary differ in versions", OPTION_FLAG,
     AT(options.allow_missing)},
    {"allow-drift", ARGUMENT_PATTERNS, USE_DRIFT,
     "differences that may be: patterns with *, one a line", OPTION_TEXT, AT(options.allow_drift)},
    {"keep-down", ARGUMENT_NONE, USE_ROWS,
     "store each down script in the database, for an older binary", OPTION_FLAG,
     AT(options.keep_down)},
    {"backup", ARGUMENT_DIRECTORY, USE_BACKUP,
     "have pg_dump write a backup to DIR before anything changes", OPTION_TEXT,
     AT(backup.directory)},
    {"backup-keep", ARGUMENT_COUNT, USE_BACKUP, "keep the newest N backups of this database (10)",
     OPTION_NUMBER, AT(backup.keep)},
    {"backup-required", ARGUMENT_NONE, USE_BACKUP,
     "refuse where pg_dump is missing or older than the server", OPTION_FLAG, AT(backup.required)},
    {"no-backup", ARGUMENT_NONE, USE_BACKUP, "make no backup, whatever the environment says",
     OPTION_FLAG, AT(backup.none)},
    {"targets", ARGUMENT_TARGETS, USE_TARGETS,
     "many histories: schemas or connection strings, listed", OPTION_TEXT, AT(targets)},
    {"jobs", ARGUMENT_JOBS, USE_TARGETS | USE_COMMIT, "migrate N targets at once (1)",
     OPTION_NUMBER, AT(jobs)},
    {"part", ARGUMENT_PART, USE_TARGETS, "take only the I-th of N parts of the targets",
     OPTION_TEXT, AT(part)},
    {"json", ARGUMENT_FORM, USE_ANY, "print one JSON document on stdout; lines: events before it",
     OPTION_JSON, AT(json)},
    {0},
};

static bool row_is_named(const char *row, const char *name, size_t length)
{
    return strlen(row) == length && memcmp(row, name, length) == 0;
}

const struct option *inlay_cli_options_find(const char *name, size_t length)
{
    for (const struct option *option = inlay_cli_options; option->name; option++) {
        if (row_is_named(option->name, name, length))
            return option;
    }
    return NULL;
}

const struct verb *inlay_cli_options_find_verb(const struct verb *verbs, const char *name,
                                               size_t length)
{
    for (const struct verb *verb = verbs; verb->name; verb++) {
        if (row_is_named(verb->name, name, length))
            return verb;
    }
    return NULL;
}

bool inlay_cli_options_take(struct cli *cli, const struct option *option, struct value value,
                            char *why, size_t size)
{
    void *member = (char *)cli + option->offset;
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)member = value.text;
        break;
    case OPTION_FLAG:
        *(bool *)member = true;
        break;
    case OPTION_NUMBER:
        *(int64_t *)member = value.number;
        break;
    case OPTION_WAIT:
        *(int64_t *)member = value.number ? value.number : INLAY_NO_WAIT;
        break;
    case OPTION_POOLER:
        *(enum inlay_pooler *)member = (enum inlay_pooler)value.number;
        break;
    case OPTION_YES:
        cli->yes = true;
        *(const char **)member = value.text;
        break;
    case OPTION_JSON:
        cli->lines |= value.text != NULL;
        *(bool *)member = true;
        break;
    case OPTION_SETTINGS:
        return !value.text || inlay_cli_settings_read(value.text, member, why, size);
    }
    return true;
}

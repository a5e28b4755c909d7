#include "words/options.h"

#include <stddef.h>

#include "words/settings.h"

#define AT(member) offsetof(struct cli, member)

const struct option inlay_cli_options[] = {
    {"database", ARGUMENT_URL, "connect to this database", OPTION_TEXT, AT(options.conninfo)},
    {"history", ARGUMENT_TABLE, "keep the history in this table", OPTION_TEXT, AT(options.history)},
    {"lock-wait", ARGUMENT_DURATION, "wait this long for the migration lock (5min; 0: not at all)",
     OPTION_WAIT, AT(options.lock_wait_ms)},
    {"connect-wait", ARGUMENT_DURATION, "keep trying while the server is not up (0)", OPTION_NUMBER,
     AT(options.connect_wait_ms)},
    {"set", ARGUMENT_SETTINGS, "defaults for files without their own: lock_timeout=5s ...",
     OPTION_SETTINGS, AT(options)},
    {"retry", ARGUMENT_DURATION, "retry a migration that cannot get a table lock (2min; 0: never)",
     OPTION_WAIT, AT(options.retry_ms)},
    {"late", ARGUMENT_REFUSE, "refuse pending versions lower than an applied one", OPTION_FLAG,
     AT(options.refuse_late)},
    {"asynchronous", ARGUMENT_NONE, "wait for the disk at the end of a run, not after each commit",
     OPTION_FLAG, AT(options.asynchronous)},
    {"strict", ARGUMENT_NONE, "refuse when the history has versions that are not embedded",
     OPTION_FLAG, AT(options.strict)},
    {"fresh", ARGUMENT_NONE, "run although another tool's history is in the database", OPTION_FLAG,
     AT(options.fresh)},
    {"pooler", ARGUMENT_POOLER, "run through a connection pooler of this kind", OPTION_POOLER,
     AT(options.pooler)},
    {"yes", ARGUMENT_NAME, "going back: do not ask; reset: with the database's name", OPTION_YES,
     AT(yes_name)},
    {"skip-missing-down", ARGUMENT_NONE, "undo without a down script: delete the history row only",
     OPTION_FLAG, AT(options.skip_missing_down)},
    {"allow-missing", ARGUMENT_NONE,
     "adopt even if the other tool and this binary differ in versions", OPTION_FLAG,
     AT(options.allow_missing)},
    {"keep-down", ARGUMENT_NONE, "store each down script in the database, for an older binary",
     OPTION_FLAG, AT(options.keep_down)},
    {"backup", ARGUMENT_DIRECTORY, "have pg_dump write a backup to DIR before anything changes",
     OPTION_TEXT, AT(backup.directory)},
    {"backup-keep", ARGUMENT_COUNT, "keep the newest N backups of this database (10)",
     OPTION_NUMBER, AT(backup.keep)},
    {"backup-required", ARGUMENT_NONE, "refuse where pg_dump is missing or older than the server",
     OPTION_FLAG, AT(backup.required)},
    {"no-backup", ARGUMENT_NONE, "make no backup, whatever the environment says", OPTION_FLAG,
     AT(backup.none)},
    {"json", ARGUMENT_NONE, "print one JSON document on stdout", OPTION_FLAG, AT(json)},
    {0},
};

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
    case OPTION_SETTINGS:
        return !value.text || inlay_cli_settings_read(value.text, member, why, size);
    }
    return true;
}

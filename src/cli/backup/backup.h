/* A backup before anything changes. */
#ifndef INLAY_CLI_BACKUP_H
#define INLAY_CLI_BACKUP_H

#include <inlay.h>

#include "terminal/console.h"

struct backup {
    const char *directory; /* NULL: none is wanted */
    int64_t keep;          /* how many of this database */
    bool required;         /* refuse where pg_dump cannot make one */
    bool none;             /* --migrate-no-backup */

    struct console *console;
    const struct inlay_options *options; /* of the run */
    const char *prefix;                  /* how messages spell an option */

    struct buffer path; /* of the one that was made; empty: none was */
    int64_t bytes;
    int64_t elapsed_ms;
};

/* Makes one before a run that `event` announces, as options.before_run does. */
int inlay_cli_backup(struct backup *backup, const struct inlay_event *event,
                     struct inlay_error *err);

#endif

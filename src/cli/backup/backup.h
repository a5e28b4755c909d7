/* A backup before anything changes. */
#ifndef INLAY_CLI_BACKUP_H
#define INLAY_CLI_BACKUP_H

#include <inlay.h>

#include "writing/buffer.h"

struct cli;

struct backup {
    const char *directory; /* NULL: none is wanted */
    int64_t keep;          /* how many of this database */
    bool required;         /* refuse where pg_dump cannot make one */
    bool none;             /* --migrate-no-backup */

    struct buffer path; /* of the one that was made; empty: none was */
    int64_t bytes;
    int64_t elapsed_ms;
};

/* options.before_run; `user` is the struct cli. */
int inlay_cli_backup(void *user, const struct inlay_event *event, struct inlay_error *err);

/* ---- files.c: the directory and the names in it ---- */

/* One file that is being written. */
struct backup_file {
    int directory; /* open; -1: not */
    int fd;        /* open and locked as long as somebody writes it; -1: not */
    char name[320];
    char part[328]; /* its name until it is whole */
};

/* Opens the directory, clears away what a dump left that ended in the middle, and begins a file.
 * False: errno. Finish it in any case. */
bool inlay_cli_backup_begin(struct backup_file *file, const char *directory, const char *database,
                            const char *before);

/* Makes it whole and lasting under its name. False: errno, 0 where it is not compressed. */
bool inlay_cli_backup_commit(struct backup_file *file, int64_t *bytes);

/* Removes what is not whole, and closes. */
void inlay_cli_backup_finish(struct backup_file *file);

/* Removes the oldest of this database's, and keeps `keep`. `removed` is told each name; errno of
 * the first that could not be removed, or 0. */
int inlay_cli_backup_prune(const struct backup_file *file, const char *database, size_t keep,
                           void (*removed)(void *context, const char *name), void *context);

#endif

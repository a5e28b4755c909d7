/* The directory of backups, and the names in it. */
#ifndef INLAY_CLI_FILES_H
#define INLAY_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One file that is being written. */
struct backup_file {
    int directory; /* open; -1: not */
    int fd;        /* open and locked as long as a process writes it; -1: not */
    char name[320];
    char part[328]; /* its name until it is whole */
};

/* Opens the directory, clears away what a dump left that ended in the middle, and begins a file.
 * False: errno. Finish it in any case. */
bool inlay_cli_files_begin(struct backup_file *file, const char *directory, const char *database,
                           const char *before);

/* Makes it whole and lasting under its name. False: errno, 0 where it is not compressed. */
bool inlay_cli_files_commit(struct backup_file *file, int64_t *bytes);

/* Removes what is not whole, and closes. */
void inlay_cli_files_finish(struct backup_file *file);

/* Removes the oldest of this database's, and keeps `keep`. `removed` is called with each name;
 * errno of the first that could not be removed, or 0. */
int inlay_cli_files_prune(const struct backup_file *file, const char *database, size_t keep,
                          void (*removed)(void *context, const char *name), void *context);

#endif

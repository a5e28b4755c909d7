/* The directory of backups. The names in it are
 *
 *     20261121T113158Z_DATABASE_before_VERSION.sql.gz
 *
 * with every byte of DATABASE that is neither letter, digit, '-', '_' nor '.' as %XX. One name
 * belongs to one database, because VERSION has no '_' in it. While a file is written
 * ".part" follows, and the writer has a lock on the file (flock), which ends with the process. */
#include "backup/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "terminal/signals.h"

#define STAMP_LENGTH 16 /* 20261121T113158Z */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
static const char ending[] = ".sql.gz";
static const char part_ending[] = ".sql.gz.part";

/* ---- names ---- */

/* "_DATABASE_before_" */
static void write_middle(char *middle, size_t size, const char *database)
{
    size_t length = (size_t)snprintf(middle, size, "_");
    for (const char *c = database; *c && length + 4 < size; c++) {
        if (strchr(letters, *c))
            middle[length++] = *c;
        else
            length += (size_t)snprintf(middle + length, size - length, "%%%02X", (unsigned char)*c);
    }
    snprintf(middle + length, size - length, "_before_");
}

static bool is_stamp(const char *text)
{
    for (size_t i = 0; i < STAMP_LENGTH; i++) {
        char want = i == 8 ? 'T' : i == 15 ? 'Z' : '0';
        if (want == '0' ? text[i] < '0' || text[i] > '9' : text[i] != want)
            return false;
    }
    return true;
}

/* Is this the name of a backup of this very database? */
static bool is_ours(const char *name, const char *middle, const char *end)
{
    if (!is_stamp(name) || strncmp(name + STAMP_LENGTH, middle, strlen(middle)) != 0)
        return false;
    const char *version = name + STAMP_LENGTH + strlen(middle);
    size_t length = strspn(version, "0123456789abcdefghijklmnopqrstuvwxyz");
    return length > 0 && strcmp(version + length, end) == 0;
}

struct name {
    char text[NAME_MAX + 1];
};

static int newest_first(const void *a, const void *b)
{
    const struct name *left = a, *right = b;
    return strcmp(right->text, left->text);
}

/* False without memory. */
static bool keep_name(struct name **names, size_t *count, const char *name)
{
    struct name *more = realloc(*names, (*count + 1) * sizeof *more);
    if (!more)
        return false;
    *names = more;
    snprintf(more[(*count)++].text, sizeof more->text, "%s", name);
    return true;
}

static struct name *read_names(DIR *stream, const char *middle, const char *end, size_t *count)
{
    struct name *names = malloc(sizeof *names);
    bool going = names != NULL;
    errno = 0;
    for (struct dirent *entry; going && (entry = readdir(stream)) != NULL;) {
        if (is_ours(entry->d_name, middle, end))
            going = keep_name(&names, count, entry->d_name);
    }
    if (going && errno == 0) {
        qsort(names, *count, sizeof *names, newest_first);
        return names;
    }
    free(names);
    return NULL;
}

/* Every name that is ours, the newest first; NULL, with errno, where they cannot be read. */
static struct name *list_ours(int directory, const char *middle, const char *end, size_t *count)
{
    /* A descriptor of its own: closing the stream closes it. */
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    *count = 0;
    if (!stream) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct name *names = read_names(stream, middle, end, count);
    int saved = errno;
    closedir(stream);
    errno = saved;
    return names;
}

/* ---- beginning ---- */

/* No process writes it any more if its lock can be had. If locks do not work it stays. */
static void clear_leftover(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat found;
    if (fd < 0)
        return;
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(directory, name, 0);
    close(fd);
}

static void clear_leftovers(int directory, const char *middle)
{
    size_t count;
    struct name *names = list_ours(directory, middle, part_ending, &count);
    for (size_t i = 0; names && i < count; i++)
        clear_leftover(directory, names[i].text);
    free(names);
}

static void name_now(struct backup_file *file, const char *middle, const char *before)
{
    char stamp[STAMP_LENGTH + 1];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(file->name, sizeof file->name, "%s%s%s%s", stamp, middle, before, ending);
    snprintf(file->part, sizeof file->part, "%s.part", file->name);
}

/* A name that is taken is free in the next second. The process that has the part may take the name;
 * one that cleared it away in the moment before it was locked has taken it from us. */
static bool create(struct backup_file *file)
{
    struct stat found;
    file->fd = openat(file->directory, file->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return false;
    flock(file->fd, LOCK_EX);
    if (fstatat(file->directory, file->name, &found, AT_SYMLINK_NOFOLLOW) != 0 &&
        fstat(file->fd, &found) == 0 && found.st_nlink > 0)
        return true;
    unlinkat(file->directory, file->part, 0);
    close(file->fd);
    file->fd = -1;
    errno = EEXIST;
    return false;
}

bool inlay_cli_files_begin(struct backup_file *file, const char *directory, const char *database,
                           const char *before)
{
    char middle[256];
    *file = (struct backup_file){.fd = -1};
    file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0)
        return false;
    write_middle(middle, sizeof middle, database);
    clear_leftovers(file->directory, middle);
    name_now(file, middle, before);
    while (!create(file)) {
        if (errno != EEXIST)
            return false;
        inlay_cli_signals_sleep(-1, 50);
        name_now(file, middle, before);
    }
    return true;
}

/* ---- the end ---- */

/* A pg_dump without zlib writes plain text, and says so only on stderr. */
static bool is_compressed(int fd)
{
    unsigned char magic[2];
    return pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
}

bool inlay_cli_files_commit(struct backup_file *file, int64_t *bytes)
{
    struct stat written;
    errno = 0;
    if (!is_compressed(file->fd) || fsync(file->fd) != 0 || fstat(file->fd, &written) != 0 ||
        renameat(file->directory, file->part, file->directory, file->name) != 0)
        return false;
    *bytes = written.st_size;
    close(file->fd);
    file->fd = -1;
    return fsync(file->directory) == 0;
}

void inlay_cli_files_finish(struct backup_file *file)
{
    if (file->fd >= 0) {
        unlinkat(file->directory, file->part, 0);
        close(file->fd);
    }
    if (file->directory >= 0)
        close(file->directory);
}

int inlay_cli_files_prune(const struct backup_file *file, const char *database, size_t keep,
                          void (*removed)(void *context, const char *name), void *context)
{
    char middle[256];
    size_t count;
    int failed = 0;
    write_middle(middle, sizeof middle, database);
    struct name *names = list_ours(file->directory, middle, ending, &count);
    if (!names)
        return errno;
    for (size_t i = keep; i < count; i++) {
        if (strcmp(names[i].text, file->name) == 0) /* the clock was put back */
            continue;
        if (unlinkat(file->directory, names[i].text, 0) == 0)
            removed(context, names[i].text);
        else if (!failed)
            failed = errno;
    }
    free(names);
    return failed;
}

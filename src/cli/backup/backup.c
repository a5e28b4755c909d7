/* --migrate-backup: pg_dump, asked for by the holder of the lock before the first change. */
#include "backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/child.h"
#include "backup/files.h"
#include "writing/text.h"

/* As the library waits for the migration lock where nothing is said. */
#define LOCK_WAIT_MS (5 * 60 * 1000)
#define LOCK_WAIT_LEAST_MS 1000

extern char **environ;

static void refuse(struct inlay_error *err, const char *format, ...) INLAY_CLI_PRINTF(2, 3);

static void refuse(struct inlay_error *err, const char *format, ...)
{
    char message[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    inlay_refuse(err, message);
    snprintf(err->outcome, sizeof err->outcome, "there is no backup, and nothing was changed");
}

/* Where pg_dump cannot do it: INLAY_OK, unless there must be one. */
static int go_without(struct backup *backup, struct inlay_error *err, const char *why)
{
    struct buffer line = {0};
    if (backup->required) {
        refuse(err, "no backup can be made: %s", why);
        snprintf(err->hint, sizeof err->hint,
                 "put a pg_dump of the server's version or later into PATH");
        return INLAY_E_REFUSED;
    }
    inlay_cli_buffer_format(&line, "continuing without a backup: %s", why);
    if (!line.failed)
        inlay_cli_console_log(backup->console, INLAY_LOG_WARNING, line.data);
    inlay_cli_buffer_free(&line);
    return INLAY_OK;
}

/* ---- the environment ---- */

/* What begins with PG is libpq's, and would lead pg_dump elsewhere. */
static char **make_environment(const struct inlay_target *target)
{
    size_t count = 1, length = 0;
    for (char **own = environ; *own; own++)
        count++;
    for (char *const *given = target->environment; *given; given++)
        count++;
    char **made = malloc(count * sizeof *made);
    for (char **own = environ; made && *own; own++) {
        if (strncmp(*own, "PG", 2) != 0)
            made[length++] = *own;
    }
    for (char *const *given = target->environment; made && *given; given++)
        made[length++] = *given;
    if (made)
        made[length] = NULL;
    return made;
}

/* ---- its version ---- */

/* It says it within a moment, unless it hangs. */
#define VERSION_MS 10000

/* "pg_dump (PostgreSQL) 15.4 (Debian ...)": 15; 0 where it does not say. */
static int read_major(int fd)
{
    char line[128];
    ssize_t length = read(fd, line, sizeof line - 1);
    line[length > 0 ? length : 0] = '\0';
    const char *closed = strchr(line, ')');
    return closed ? atoi(closed + 1) : 0;
}

static enum child_end ask_version(struct child *child, int *major)
{
    static const char *const arguments[] = {"pg_dump", "--version", NULL};
    int answer[2];
    if (pipe(answer) != 0)
        return CHILD_NOT_RUN;
    fcntl(answer[0], F_SETFD, FD_CLOEXEC);
    fcntl(answer[0], F_SETFL, O_NONBLOCK); /* what it has started may keep the other end open */
    memcpy(child->arguments, arguments, sizeof arguments);
    child->output = answer[1];
    child->limit_ms = VERSION_MS;
    enum child_end end = inlay_cli_child_run(child);
    child->limit_ms = 0;
    close(answer[1]);
    *major = read_major(answer[0]);
    close(answer[0]);
    return end;
}

/* ---- the dump ---- */

struct progress {
    struct console *console;
    int fd;
};

static void draw(void *context, int64_t elapsed_ms)
{
    const struct progress *progress = context;
    struct buffer line = {0};
    struct stat written;
    inlay_cli_buffer_text(&line, "backup, ");
    inlay_cli_text_bytes(&line, fstat(progress->fd, &written) == 0 ? written.st_size : 0);
    inlay_cli_buffer_text(&line, ", ");
    inlay_cli_text_duration(&line, elapsed_ms);
    if (!line.failed)
        inlay_cli_console_draw(progress->console, line.data);
    inlay_cli_buffer_free(&line);
}

/* Several lines as one: " pg_dump: error: ...; ...". */
static void join_lines(struct buffer *text)
{
    while (text->length > 0 && text->data[text->length - 1] == '\n')
        text->data[--text->length] = '\0';
    for (size_t i = 0; i < text->length; i++) {
        if (text->data[i] == '\n')
            text->data[i] = ' ';
    }
}

static int explain_end(struct backup *backup, enum child_end end, struct child *child,
                       struct inlay_error *err)
{
    const char *said = child->errors.length > 0 ? child->errors.data : "";
    switch (end) {
    case CHILD_DONE:
        if (said[0])
            inlay_cli_console_log(backup->console, INLAY_LOG_WARNING, said);
        return INLAY_OK;
    case CHILD_STOPPED:
        refuse(err, "stopped while the backup was made");
        return INLAY_E_STOPPED;
    case CHILD_NOT_RUN:
        refuse(err, "pg_dump cannot be run: %s", strerror(errno));
        return INLAY_E_REFUSED;
    case CHILD_FAILED:
        break;
    }
    refuse(err, "pg_dump failed");
    snprintf(err->detail, sizeof err->detail, "%s", said);
    return INLAY_E_REFUSED;
}

/* How long pg_dump waits for its lock on a table: as long as we for ours, but never no time, in
 * which it would get none. */
static int64_t lock_patience_ms(const struct inlay_options *options)
{
    if (options->lock_wait_ms == 0)
        return LOCK_WAIT_MS;
    if (options->lock_wait_ms < LOCK_WAIT_LEAST_MS)
        return LOCK_WAIT_LEAST_MS;
    return options->lock_wait_ms < INT32_MAX ? options->lock_wait_ms : INT32_MAX;
}

/* pg_dump calls it a statement timeout, in the server's language. */
static void advise_lock(const struct child *child, int64_t patience_ms, struct inlay_error *err)
{
    if (child->elapsed_ms >= patience_ms && strstr(err->detail, "LOCK TABLE"))
        snprintf(err->hint, sizeof err->hint,
                 "another session has locked this table for %" PRId64
                 " s: let it finish and run again, or wait longer with --migrate-lock-wait",
                 patience_ms / 1000);
}

static int dump(struct backup *backup, struct child *child, int fd, struct inlay_error *err)
{
    int64_t patience_ms = lock_patience_ms(backup->options);
    char lock_wait[48];
    snprintf(lock_wait, sizeof lock_wait, "--lock-wait-timeout=%" PRId64, patience_ms);
    const char *const arguments[] = {"pg_dump",      "--no-password", "--clean", "--if-exists",
                                     "--compress=6", lock_wait,       NULL};
    struct progress progress = {.console = backup->console, .fd = fd};
    memcpy(child->arguments, arguments, sizeof arguments);
    child->output = fd;
    child->tick = draw;
    child->context = &progress;
    inlay_cli_buffer_clear(&child->errors);
    enum child_end end = inlay_cli_child_run(child);
    join_lines(&child->errors);
    int code = explain_end(backup, end, child, err);
    if (end == CHILD_FAILED)
        advise_lock(child, patience_ms, err);
    return code;
}

/* ---- the file ---- */

static void say_made(struct backup *backup)
{
    struct buffer rest = {0};
    inlay_cli_buffer_text(&rest, " ");
    inlay_cli_text_escape(&rest, backup->path.data, "");
    inlay_cli_buffer_text(&rest, " (");
    inlay_cli_text_bytes(&rest, backup->bytes);
    inlay_cli_buffer_text(&rest, ", ");
    inlay_cli_text_duration(&rest, backup->elapsed_ms);
    inlay_cli_buffer_text(&rest, ")");
    if (!rest.failed)
        inlay_cli_console_say(backup->console, STYLE_GOOD, "backup", rest.data);
    inlay_cli_buffer_free(&rest);
}

static void say_removed(void *context, const char *name)
{
    const struct backup *backup = context;
    struct buffer rest = {0};
    inlay_cli_buffer_text(&rest, " ");
    inlay_cli_text_escape(&rest, name, "");
    inlay_cli_buffer_format(&rest, ", an older backup: %" PRId64 " %s kept", backup->keep,
                            backup->keep == 1 ? "is" : "are");
    if (!rest.failed)
        inlay_cli_console_say(backup->console, STYLE_PLAIN, "removed", rest.data);
    inlay_cli_buffer_free(&rest);
}

static void prune(struct backup *backup, const struct backup_file *file, const char *database)
{
    struct buffer line = {0};
    int failed = inlay_cli_files_prune(file, database, (size_t)backup->keep, say_removed, backup);
    if (!failed)
        return;
    inlay_cli_buffer_format(&line, "older backups in %s cannot be removed: %s", backup->directory,
                            strerror(failed));
    if (!line.failed)
        inlay_cli_console_log(backup->console, INLAY_LOG_WARNING, line.data);
    inlay_cli_buffer_free(&line);
}

/* As a shell reads it back. */
static void quote(struct buffer *out, const char *text)
{
    inlay_cli_buffer_text(out, "'");
    for (const char *c = text; *c; c++)
        inlay_cli_buffer_add(out, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    inlay_cli_buffer_text(out, "'");
}

static int refuse_directory(const struct backup *backup, struct inlay_error *err)
{
    struct buffer quoted = {0};
    bool missing = errno == ENOENT;
    refuse(err, "no backup can be written to %s: %s", backup->directory, strerror(errno));
    quote(&quoted, backup->directory);
    if (missing && !quoted.failed)
        snprintf(err->hint, sizeof err->hint, "mkdir -p -m 700 %s", quoted.data);
    inlay_cli_buffer_free(&quoted);
    return INLAY_E_REFUSED;
}

static int refuse_file(const struct backup *backup, struct inlay_error *err)
{
    if (errno == 0)
        refuse(err, "pg_dump wrote nothing that is compressed");
    else
        refuse(err, "the backup in %s is not whole: %s", backup->directory, strerror(errno));
    return INLAY_E_REFUSED;
}

/* "3", "repeatable", "reset": what the run begins with. */
static void name_first(const struct inlay_migration *first, char *name, size_t size)
{
    if (first && first->version >= 0)
        snprintf(name, size, "%" PRId64, first->version);
    else
        snprintf(name, size, "%s", first ? "repeatable" : "reset");
}

static int write_file(struct backup *backup, const struct inlay_event *event, struct child *child,
                      struct backup_file *file, struct inlay_error *err)
{
    char first[32];
    name_first(event->migration, first, sizeof first);
    if (!inlay_cli_files_begin(file, backup->directory, event->target->database, first))
        return refuse_directory(backup, err);
    inlay_cli_console_say(backup->console, STYLE_PLAIN, "making a backup", "");
    int code = dump(backup, child, file->fd, err);
    if (code != INLAY_OK)
        return code;
    if (!inlay_cli_files_commit(file, &backup->bytes))
        return refuse_file(backup, err);
    backup->elapsed_ms = child->elapsed_ms;
    inlay_cli_buffer_text(&backup->path, backup->directory);
    inlay_cli_buffer_text(&backup->path, "/");
    inlay_cli_buffer_text(&backup->path, file->name);
    if (!backup->path.failed)
        say_made(backup);
    prune(backup, file, event->target->database);
    return INLAY_OK;
}

/* A pg_dump that is there but does not work is no reason to go on: nobody would look at it before
 * the backup is needed. */
static int refuse_broken(const struct backup *backup, enum child_end end, struct child *child,
                         struct inlay_error *err)
{
    if (end == CHILD_DONE)
        refuse(err, "no backup can be made: %s does not say its version", child->path);
    else if (child->elapsed_ms > VERSION_MS)
        refuse(err, "no backup can be made: %s --version did not end within %d s", child->path,
               VERSION_MS / 1000);
    else if (WIFSIGNALED(child->status))
        refuse(err, "no backup can be made: %s --version was ended by signal %d", child->path,
               WTERMSIG(child->status));
    else
        refuse(err, "no backup can be made: %s --version ended with status %d", child->path,
               WEXITSTATUS(child->status));
    join_lines(&child->errors);
    if (child->errors.length > 0)
        snprintf(err->detail, sizeof err->detail, "%s", child->errors.data);
    snprintf(err->hint, sizeof err->hint,
             "put a pg_dump that works, of the server's version or later, into PATH; or go on "
             "without a backup this once, with %sno-backup",
             backup->prefix);
    return INLAY_E_REFUSED;
}

static int make(struct backup *backup, const struct inlay_event *event, struct child *child,
                struct inlay_error *err)
{
    char what[80];
    int major = 0, server_major = event->target->server_version / 10000;
    enum child_end end = ask_version(child, &major);
    if (end == CHILD_STOPPED || end == CHILD_NOT_RUN)
        return explain_end(backup, end, child, err);
    if (end == CHILD_FAILED || major == 0)
        return refuse_broken(backup, end, child, err);
    if (major < server_major) {
        snprintf(what, sizeof what, "pg_dump is of version %d, the server of %d", major,
                 server_major);
        return go_without(backup, err, what);
    }
    struct backup_file file;
    int code = write_file(backup, event, child, &file, err);
    inlay_cli_files_finish(&file);
    return code;
}

int inlay_cli_backup(struct backup *backup, const struct inlay_event *event,
                     struct inlay_error *err)
{
    char path[PATH_MAX];
    if (backup->options->pooler == INLAY_POOLER_TRANSACTION) {
        refuse(err, "no backup can be made through a pooler in transaction mode");
        snprintf(err->hint, sizeof err->hint,
                 "use the direct URL of the server (INLAY_DATABASE_URL), or %sno-backup",
                 backup->prefix);
        return INLAY_E_REFUSED;
    }
    if (!inlay_cli_child_find("pg_dump", path, sizeof path))
        return go_without(backup, err, "there is no pg_dump in PATH");
    char **environment = make_environment(event->target);
    if (!environment) {
        refuse(err, "out of memory");
        return INLAY_E_REFUSED;
    }
    struct child child = {
        .path = path, .environment = environment, .stop_fd = backup->options->stop_fd};
    int code = make(backup, event, &child, err);
    inlay_cli_buffer_free(&child.errors);
    free(environment);
    return code;
}

/* Copies the caller's options into a complete struct, whatever its size, and refuses values that
 * cannot be. */
#include "base/options.h"
#include "base/error.h"
#include "base/newer.h"
#include "base/search_path.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

/* No program has as many, whatever its age. */
#define MOST_SIZE 65536

/* The server would say so too, but in the middle of a run. */
static int validate_timeout(const char *name, int64_t ms, struct inlay_error *err)
{
    if (ms >= INLAY_NO_TIMEOUT && ms <= INT32_MAX)
        return INLAY_OK;
    return inlay_error_set(err, INLAY_E_ARGUMENT,
                           "options.%s is %lld: milliseconds up to %d (24 days), 0 or "
                           "INLAY_NO_TIMEOUT",
                           name, (long long)ms, INT32_MAX);
}

/* What poll() says of a file or a directory is always "readable", and of a closed descriptor
 * something that is no less than that: the call would end as if it had been asked to. */
static int validate_stop_fd(int fd, struct inlay_error *err)
{
    struct stat found;

    if (fd <= 0)
        return INLAY_OK;
    if (fstat(fd, &found) != 0)
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "options.stop_fd is %d: no descriptor of that number is open", fd);
    if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode) && !S_ISBLK(found.st_mode))
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_ARGUMENT,
                    "options.stop_fd is %d: a file, which is always readable", fd);
    inlay_text_put(err->hint, sizeof err->hint,
                   "hand over the reading end of a pipe, a socket or an eventfd");
    return err->code;
}

static int validate_search_path(const char *names, struct inlay_error *err)
{
    char sql[INLAY_SEARCH_PATH_MOST];

    if (names == NULL || inlay_search_path_sql(names, true, sql))
        return INLAY_OK;
    return inlay_error_set(
        err, INLAY_E_ARGUMENT,
        "options.search_path is not a list of schemas: up to 8 names, separated by "
        "commas, as stored: no quotes");
}

static int validate_values(const struct inlay_options *options, struct inlay_error *err)
{
    if ((unsigned)options->pooler > INLAY_POOLER_TRANSACTION)
        return inlay_error_set(err, INLAY_E_ARGUMENT, "options.pooler is %d: no such mode",
                               (int)options->pooler);
    if (validate_stop_fd(options->stop_fd, err) != INLAY_OK)
        return err->code;
    if ((unsigned)options->isolation > INLAY_ISOLATION_SERIALIZABLE)
        return inlay_error_set(err, INLAY_E_ARGUMENT, "options.isolation is %d: no such level",
                               (int)options->isolation);
    if (validate_timeout("lock_timeout_ms", options->lock_timeout_ms, err) != INLAY_OK)
        return err->code;
    if (validate_timeout("statement_timeout_ms", options->statement_timeout_ms, err) != INLAY_OK)
        return err->code;
    return validate_search_path(options->search_path, err);
}

static int refuse_size(size_t size, struct inlay_error *err)
{
    return inlay_error_set(err, INLAY_E_ARGUMENT,
                           "options.size is %zu: set it to sizeof(struct inlay_options)", size);
}

int inlay_options_copy(struct inlay_options *to, const struct inlay_options *options,
                       struct inlay_error *err)
{
    size_t size = sizeof *to;

    memset(to, 0, size);
    if (options != NULL) {
        if (options->size < offsetof(struct inlay_options, conninfo))
            return refuse_size(options->size, err);
        if (options->size > MOST_SIZE)
            return refuse_size(options->size, err);
        memcpy(to, options, options->size < size ? options->size : size);
        if (!inlay_newer_is_unset(options, size, options->size) ||
            !inlay_newer_is_unset(to->reserved, 0, sizeof to->reserved))
            return inlay_newer_refuse("options", err);
    }
    to->size = size;
    return validate_values(to, err);
}

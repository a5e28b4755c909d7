#include "base/options.h"
#include "base/error.h"

#include <stddef.h>
#include <string.h>

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

static int validate_values(const struct inlay_options *options, struct inlay_error *err)
{
    if ((unsigned)options->isolation > INLAY_ISOLATION_SERIALIZABLE)
        return inlay_error_set(err, INLAY_E_ARGUMENT, "options.isolation is %d: no such level",
                               (int)options->isolation);
    if (validate_timeout("lock_timeout_ms", options->lock_timeout_ms, err) != INLAY_OK)
        return err->code;
    return validate_timeout("statement_timeout_ms", options->statement_timeout_ms, err);
}

int inlay_options_copy(struct inlay_options *to, const struct inlay_options *options,
                       struct inlay_error *err)
{
    size_t size = sizeof *to;

    memset(to, 0, size);
    if (options != NULL) {
        if (options->size < offsetof(struct inlay_options, conninfo))
            return inlay_error_set(err, INLAY_E_ARGUMENT,
                                   "options.size is %zu: set it to sizeof(struct inlay_options)",
                                   options->size);
        memcpy(to, options, options->size < size ? options->size : size);
    }
    to->size = size;
    return validate_values(to, err);
}

/* How long a run waits for another process, if the options do not say. */
#include "base/patience.h"

#define LOCK_WAIT_MS (5 * 60 * 1000)
#define READ_WAIT_MS (10 * 1000)

int64_t inlay_patience_for_lock(const struct inlay_options *options)
{
    int64_t patience = options->lock_wait_ms;

    return patience == 0 ? LOCK_WAIT_MS : patience < 0 ? 0 : patience;
}

int64_t inlay_patience_to_read(const struct inlay_options *options)
{
    int64_t patience = inlay_patience_for_lock(options);

    return patience < READ_WAIT_MS ? patience : READ_WAIT_MS;
}

/* Computes how long to wait before the next attempt: longer each time, with jitter. Does not
 * wait. */
#include "base/backoff.h"

struct backoff inlay_backoff_begin(int64_t first_ms, int64_t most_ms, int64_t seed)
{
    return (struct backoff){
        .delay_ms = first_ms, .most_ms = most_ms, .random = (unsigned)seed * 2654435761u};
}

int64_t inlay_backoff_next(struct backoff *backoff, int64_t left_ms)
{
    int64_t half = backoff->delay_ms / 2;
    int64_t longer = backoff->delay_ms * 3 / 2;

    backoff->random = backoff->random * 1103515245u + 12345u;
    int64_t delay = half + (int64_t)(backoff->random >> 16) % (half + 1);

    backoff->delay_ms = longer < backoff->most_ms ? longer : backoff->most_ms;
    return delay < left_ms ? delay : left_ms;
}

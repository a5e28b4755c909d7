/* How long to wait before the next attempt: longer each time, with jitter. Pure. */
#ifndef INLAY_BACKOFF_H
#define INLAY_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t delay_ms; /* of the next wait, at most */
    int64_t most_ms;  /* it grows no further */
    unsigned random;  /* jitter needs no good randomness, only different processes */
};

struct backoff inlay_backoff_begin(int64_t first_ms, int64_t most_ms, int64_t seed);

/* Between half of the delay and all of it, but no more than `left_ms`. */
int64_t inlay_backoff_next(struct backoff *backoff, int64_t left_ms);

#endif

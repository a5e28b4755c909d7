/* Reads the monotonic clock, in milliseconds; setting the time of day does not move it. */
#include "terminal/clock.h"

#include <time.h>

int64_t inlay_cli_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

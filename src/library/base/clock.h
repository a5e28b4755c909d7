/* Time for waits and durations. */
#ifndef INLAY_CLOCK_H
#define INLAY_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back. */
int64_t inlay_clock_ms(void);

/* The time in so many milliseconds. INT64_MAX, which never comes, where that is out of reach. */
int64_t inlay_clock_after(int64_t ms);

#endif

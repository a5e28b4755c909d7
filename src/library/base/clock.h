/* Time for waits and durations. */
#ifndef INLAY_CLOCK_H
#define INLAY_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back. */
int64_t inlay_clock_ms(void);

#endif

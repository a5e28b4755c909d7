/* Time that passes. */
#ifndef INLAY_CLI_CLOCK_H
#define INLAY_CLI_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back. */
int64_t inlay_cli_clock_ms(void);

#endif

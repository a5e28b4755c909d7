/* Is the database up to date, for calls that only make sense then. */
#ifndef INLAY_STATUS_H
#define INLAY_STATUS_H

#include "base/error.h"

/* For inlay_reading, with the run as its context: INLAY_OK, INLAY_E_PENDING, or what
 * inlay_run_verdict refuses with. */
int inlay_status_take_check(void *context, struct inlay_error *err);

#endif

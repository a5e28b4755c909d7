/* How long a run waits for others. */
#ifndef INLAY_PATIENCE_H
#define INLAY_PATIENCE_H

#include <inlay.h>

/* For the migration lock and what goes with it, in milliseconds; 0: not at all. */
int64_t inlay_patience_for_lock(const struct inlay_options *options);

/* For the answer to a call that only reads: as long, but not for minutes. */
int64_t inlay_patience_to_read(const struct inlay_options *options);

#endif

/* Filling struct inlay_error. */
#ifndef INLAY_ERROR_H
#define INLAY_ERROR_H

#include "base/text.h"
#include <inlay.h>

/* Makes the error empty: INLAY_OK, no version, no texts. */
void inlay_error_clear(struct inlay_error *err);

/* Clears the error, sets code and message; returns the code. */
int inlay_error_set(struct inlay_error *err, enum inlay_code code, const char *format, ...)
    INLAY_PRINTF(3, 4);

int inlay_error_memory(struct inlay_error *err);

/* Names the file of a script. */
void inlay_error_file(struct inlay_error *err, const struct inlay_set *set,
                      const struct inlay_script *script);

/* Names the place of a byte of a script: file, line, column and the excerpt with its caret. */
void inlay_error_place(struct inlay_error *err, const struct inlay_set *set,
                       const struct inlay_script *script, size_t offset);

/* Will this failure pass by itself: a lock not given in time, a deadlock, a serialization failure?
 */
bool inlay_error_passes(const struct inlay_error *err);

/* Ends a call: hands the error to the caller, who may not want it, and returns `rc`. Where that is
 * INLAY_OK the error is empty, whatever was met and overcome on the way. */
int inlay_error_give(int rc, struct inlay_error *from, struct inlay_error *to);

#endif

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

/* What the context of a failure begins with that names a table of the server's own. */
extern const char inlay_error_in_catalog[];

/* Will this failure pass by itself: a lock not given in time, a deadlock, a serialization failure,
 * another session that changed the same row of the catalog?
 */
bool inlay_error_passes(const struct inlay_error *err);

/* Ends a failure that was not tried again, or not any more: where it would have passed it is one of
 * a lock that was not obtained in time. Returns its code. */
int inlay_error_settle(struct inlay_error *err);

/* Ends a call: hands the error to the caller, unless `to` is NULL, and returns `rc`. If that is
 * INLAY_OK the error is empty, whatever was met and overcome on the way. */
int inlay_error_give(int rc, struct inlay_error *from, struct inlay_error *to);

#endif

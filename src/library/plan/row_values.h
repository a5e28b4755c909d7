/* The parameters of the statements that write a migration's row into the history. Pure. */
#ifndef INLAY_ROW_VALUES_H
#define INLAY_ROW_VALUES_H

#include "base/text.h"

#include <inlay-set.h>

/* They take the first of these: version, name, checksum, batch; and of a migration that replaces
 * others the range of those, and how many they are. */
enum { ROW_VALUES = 6 };

struct row_values {
    const char *values[ROW_VALUES]; /* point into this struct and the migration */
    char version[INLAY_DECIMAL_MAX];
    char batch[INLAY_DECIMAL_MAX];
    char range[48];
    char replaced[24];
};

/* `batch`: the run's number; negative: the migration is recorded without running it, and has
 * neither checksum nor batch. */
void inlay_row_values_fill(struct row_values *row, const struct inlay_migration *migration,
                           int64_t batch);

#endif

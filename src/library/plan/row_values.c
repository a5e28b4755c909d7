/* Writes what is recorded of a migration as parameters. Which of them a statement takes is in
 * history/sql_history.c. */
#include "plan/row_values.h"

#include <stdio.h>

/* How many versions the range has; 0: not known. One that holds another replacing migration, of
 * which the files are deleted, begins below what is known. */
static size_t count_replaced(const struct inlay_range *range)
{
    return range->version_count > 0 && range->versions[0] == range->first ? range->version_count
                                                                          : 0;
}

void inlay_row_values_fill(struct row_values *row, const struct inlay_migration *migration,
                           int64_t batch)
{
    const struct inlay_range *range = migration->replaces;

    inlay_text_decimal(migration->version, row->version);
    inlay_text_decimal(batch, row->batch);
    row->values[0] = row->version;
    row->values[1] = migration->name;
    row->values[2] = batch < 0 ? NULL : migration->sha256;
    row->values[3] = batch < 0 ? NULL : row->batch;
    row->values[4] = row->values[5] = NULL;
    if (range == NULL)
        return;
    snprintf(row->range, sizeof row->range, "%lld..%lld", (long long)range->first,
             (long long)range->last);
    snprintf(row->replaced, sizeof row->replaced, "%zu", count_replaced(range));
    row->values[4] = row->range;
    row->values[5] = row->replaced;
}

/* The columns of our two tables: the one list that CREATE TABLE, ADD COLUMN, the check of a table
 * that is there and the reading of its rows follow. */
#ifndef INLAY_COLUMNS_H
#define INLAY_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of CREATE TABLE. */
enum {
    HISTORY_VERSION,
    HISTORY_NAME,
    HISTORY_APPLIED_AT,
    HISTORY_CHECKSUM,
    HISTORY_BATCH,
    HISTORY_ELAPSED_MS,
    HISTORY_COLUMNS
};
enum { STATE_KIND, STATE_KEY, STATE_CHECKSUM, STATE_DONE, STATE_BODY, STATE_AT, STATE_COLUMNS };
enum {
    COLUMNS_MOST =
        (int)HISTORY_COLUMNS > (int)STATE_COLUMNS ? (int)HISTORY_COLUMNS : (int)STATE_COLUMNS
};

struct column {
    const char *name;
    const char *type;       /* as in CREATE TABLE */
    const char *constraint; /* the rest of it there */
    const char *wanted;     /* the type in words */
    int64_t types[2];       /* OIDs that will do */
    bool required;          /* in a table that is there already */
    bool in_key;
};

extern const struct column inlay_history_columns[HISTORY_COLUMNS];
extern const struct column inlay_state_columns[STATE_COLUMNS];

/* "(version bigint NOT NULL, ..., PRIMARY KEY (version))"; the caller frees. NULL without memory.
 */
char *inlay_columns_text(const struct column *columns, size_t count);

#endif

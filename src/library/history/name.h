/* The history's name and everything that follows from it. */
#ifndef INLAY_NAME_H
#define INLAY_NAME_H

#include "base/error.h"

struct history_name {
    char schema[64]; /* as stored in the catalogs */
    char table[64];
    char state_table[64];
    char text[130];   /* schema.table, for messages */
    char quoted[264]; /* "schema"."table", for SQL */
    char quoted_state[264];
    char quoted_schema[132];
    char literal[2 * 264 + 4]; /* 'quoted' as a string, whatever standard_conforming_strings says */
    char literal_state[2 * 264 + 4];
    int64_t lock_key; /* of the advisory lock */
};

/* Splits "schema.table", taken literally: no quotes, no folding. Returns INLAY_OK or
 * INLAY_E_ARGUMENT. */
int inlay_name_parse(const char *text, struct history_name *name, struct inlay_error *err);

#endif

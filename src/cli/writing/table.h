/* A table for people: columns as wide as what they hold, empty ones left out. */
#ifndef INLAY_CLI_TABLE_H
#define INLAY_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "writing/buffer.h"
#include "writing/style.h"

struct column {
    const char *title;
    bool right; /* numbers */
};

struct table {
    const struct column *columns;
    size_t column_count;
    bool colour;
    struct buffer cells; /* row by row: one byte of style, the text, NUL */
};

/* Appends the next cell; text in UTF-8, made safe for a terminal on the way. */
void inlay_cli_table_cell(struct table *table, enum style style, const char *text);

/* The table under its titles. Frees the cells. */
void inlay_cli_table_print(struct table *table, struct buffer *out);

#endif

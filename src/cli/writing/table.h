/* A table for people: columns as wide as what they hold, empty ones left out. Where a terminal is
 * too narrow, some are left out too and others shortened. */
#ifndef INLAY_CLI_TABLE_H
#define INLAY_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "writing/buffer.h"
#include "writing/style.h"

struct column {
    const char *title;
    bool right;    /* numbers */
    bool shortens; /* to 16 columns */
    int rank;      /* 1: the first to be left out; 0: never */
};

struct table {
    const struct column *columns;
    size_t column_count;
    bool colour;
    size_t width;        /* of the terminal; 0: none */
    struct buffer cells; /* row by row: one byte of style, the text, NUL */
};

/* Appends the next cell; text in UTF-8, made safe for a terminal on the way. */
void inlay_cli_table_cell(struct table *table, enum style style, const char *text);

/* The table under its titles. Frees the cells. */
void inlay_cli_table_print(struct table *table, struct buffer *out);

#endif

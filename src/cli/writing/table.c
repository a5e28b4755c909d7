/* Lays rows out as a table whose columns are as wide as their longest cell, as far as the terminal
 * is wide enough. */
#include "writing/table.h"

#include <string.h>

#include "writing/text.h"

#define MAX_COLUMNS 12
#define SHORTENED 16

void inlay_cli_table_cell(struct table *table, enum style style, const char *text)
{
    char mark = (char)style;
    inlay_cli_buffer_add(&table->cells, &mark, 1);
    inlay_cli_text_escape(&table->cells, text, "");
    inlay_cli_buffer_add(&table->cells, "", 1);
}

static const char *next_cell(const char *cell)
{
    return cell + 1 + strlen(cell + 1) + 1;
}

/* Columns that are empty from top to bottom get the width 0: their titles do not count. */
static void measure(const struct table *table, size_t widths[])
{
    const char *cell = table->cells.data, *end = cell + table->cells.length;
    for (size_t i = 0; cell < end; i = (i + 1) % table->column_count, cell = next_cell(cell)) {
        size_t width = inlay_cli_text_width(cell + 1);
        widths[i] = width > widths[i] ? width : widths[i];
    }
    for (size_t i = 0; i < table->column_count; i++) {
        size_t title = strlen(table->columns[i].title);
        widths[i] = widths[i] > 0 && widths[i] < title ? title : widths[i];
    }
}

/* How far a column may shrink. */
static size_t slack(const struct table *table, const size_t widths[], size_t i)
{
    return table->columns[i].shortens && widths[i] > SHORTENED ? widths[i] - SHORTENED : 0;
}

/* By how much the table is wider than the terminal, or would be with every column shortened. */
static size_t excess(const struct table *table, const size_t widths[], bool shortened)
{
    size_t total = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] > 0)
            total += widths[i] + 2 - (shortened ? slack(table, widths, i) : 0);
    }
    return total > table->width + 2 ? total - table->width - 2 : 0;
}

static void leave_out(const struct table *table, size_t widths[], int rank)
{
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = table->columns[i].rank == rank ? 0 : widths[i];
}

/* The first column goes before anything is shortened, the others after. */
static void fit(const struct table *table, size_t widths[])
{
    if (table->width == 0 || excess(table, widths, false) == 0)
        return;
    leave_out(table, widths, 1);
    for (int rank = 2; rank < MAX_COLUMNS && excess(table, widths, true) > 0; rank++)
        leave_out(table, widths, rank);
    for (size_t i = 0; i < table->column_count; i++) {
        size_t more = excess(table, widths, false), most = slack(table, widths, i);
        widths[i] -= more < most ? more : most;
    }
}

/* Blanks are owed until something follows them, so that no line ends in any. */
static void print_cell(struct buffer *out, size_t *owed, const struct column *column, size_t width,
                       const char *before, const char *text, const char *after)
{
    size_t taken = inlay_cli_text_width(text), blanks = taken < width ? width - taken : 0;
    if (text[0] == '\0') {
        *owed += width + 2;
        return;
    }
    inlay_cli_buffer_format(out, "%*s", (int)(*owed + (column->right ? blanks : 0)), "");
    inlay_cli_buffer_text(out, before);
    inlay_cli_text_shorten(out, text, width);
    inlay_cli_buffer_text(out, after);
    *owed = 2 + (column->right ? 0 : blanks);
}

static void print_titles(const struct table *table, const size_t widths[], struct buffer *out)
{
    const char *before = table->colour ? inlay_cli_style(STYLE_HEAD) : "";
    const char *after = table->colour ? inlay_cli_style(STYLE_PLAIN) : "";
    size_t owed = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] > 0)
            print_cell(out, &owed, &table->columns[i], widths[i], before, table->columns[i].title,
                       after);
    }
    inlay_cli_buffer_text(out, "\n");
}

static const char *print_row(const struct table *table, const size_t widths[], const char *cell,
                             struct buffer *out)
{
    size_t owed = 0;
    for (size_t i = 0; i < table->column_count; i++, cell = next_cell(cell)) {
        bool styled = table->colour && cell[0] != STYLE_PLAIN;
        if (widths[i] > 0)
            print_cell(out, &owed, &table->columns[i], widths[i],
                       styled ? inlay_cli_style((enum style)cell[0]) : "", cell + 1,
                       styled ? inlay_cli_style(STYLE_PLAIN) : "");
    }
    inlay_cli_buffer_text(out, "\n");
    return cell;
}

void inlay_cli_table_print(struct table *table, struct buffer *out)
{
    size_t widths[MAX_COLUMNS] = {0};
    out->failed |= table->cells.failed;
    if (!out->failed && table->cells.length > 0) {
        const char *cell = table->cells.data, *end = cell + table->cells.length;
        measure(table, widths);
        fit(table, widths);
        print_titles(table, widths, out);
        while (cell < end)
            cell = print_row(table, widths, cell, out);
    }
    inlay_cli_buffer_free(&table->cells);
}

/* Turns the answers of the server into the rows of the history and of the state table. */
#include "history/rows.h"
#include "history/columns.h"
#include "history/sql.h"
#include "wire/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t number_at(const PGresult *result, int row, int column, int64_t otherwise)
{
    int64_t number;

    return inlay_text_number(inlay_result_text(result, row, column), &number) ? number : otherwise;
}

/* 2026-01-31 09:30:00.5+02 as 2026-01-31T09:30:00.5+02:00. False without memory. */
static bool copy_time(const char *text, char **copy)
{
    if (text == NULL)
        return inlay_text_copy(text, copy);
    size_t date = strcspn(text, " ");
    size_t zone = date + strcspn(text + date, "+-");
    bool hours_only = text[zone] != '\0' && strlen(text + zone) == 3;
    *copy = inlay_text_new("%s%s", text, hours_only ? ":00" : "");
    if (*copy != NULL && text[date] == ' ')
        (*copy)[date] = 'T';
    return *copy != NULL;
}

/* ---- the history ---- */

/* Where the columns are in the answer; -1: the table has no such column. */
static void find_columns(const PGresult *result, int at[HISTORY_COLUMNS])
{
    int iso_at = inlay_result_column(result, ROWS_ISO_AT);

    for (size_t i = 0; i < HISTORY_COLUMNS; i++)
        at[i] = inlay_result_column(result, inlay_history_columns[i].name);
    if (iso_at >= 0)
        at[HISTORY_APPLIED_AT] = iso_at;
}

static int read_history_row(const PGresult *result, int row, const int at[HISTORY_COLUMNS],
                            struct history_row *to, const struct history_name *name,
                            struct inlay_error *err)
{
    const char *text = inlay_result_text(result, row, at[HISTORY_NAME]);

    if (!inlay_text_number(inlay_result_text(result, row, at[HISTORY_VERSION]), &to->version) ||
        text == NULL)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "%s has a row without a version or a name: repair it by hand",
                               name->quoted);
    to->batch = number_at(result, row, at[HISTORY_BATCH], -1);
    to->elapsed_ms = number_at(result, row, at[HISTORY_ELAPSED_MS], -1);
    if (!inlay_text_copy(text, &to->name) ||
        !copy_time(inlay_result_text(result, row, at[HISTORY_APPLIED_AT]), &to->applied_at) ||
        !inlay_text_copy(inlay_result_text(result, row, at[HISTORY_CHECKSUM]), &to->checksum))
        return inlay_error_memory(err);
    return INLAY_OK;
}

static int compare_rows(const void *a, const void *b)
{
    int64_t left = ((const struct history_row *)a)->version;
    int64_t right = ((const struct history_row *)b)->version;

    return (left > right) - (left < right);
}

int inlay_rows_read(const PGresult *result, const struct history_name *name,
                    struct history *history, struct inlay_error *err)
{
    size_t count = (size_t)PQntuples(result);
    int at[HISTORY_COLUMNS];

    history->rows = calloc(count + 1, sizeof *history->rows);
    if (history->rows == NULL)
        return inlay_error_memory(err);
    find_columns(result, at);
    for (size_t i = 0; i < count; i++) {
        history->row_count++;
        if (read_history_row(result, (int)i, at, &history->rows[i], name, err) != INLAY_OK)
            return err->code;
    }
    qsort(history->rows, count, sizeof *history->rows, compare_rows);
    return INLAY_OK;
}

/* ---- the state ---- */

static bool read_progress(const PGresult *result, int row, struct history *history)
{
    struct history_progress *to = &history->progress[history->progress_count];

    if (!inlay_text_number(inlay_result_text(result, row, STATE_KEY), &to->version))
        return true;
    to->done = number_at(result, row, STATE_DONE, 0);
    history->progress_count++;
    return inlay_text_copy(inlay_result_text(result, row, STATE_CHECKSUM), &to->checksum) &&
           inlay_text_copy(inlay_result_text(result, row, STATE_BODY), &to->body);
}

static bool read_repeatable(const PGresult *result, int row, struct history *history)
{
    struct history_repeatable *to = &history->repeatables[history->repeatable_count++];
    int at = PQnfields(result) > STATE_ISO_AT ? STATE_ISO_AT : STATE_AT;

    to->batch = number_at(result, row, STATE_DONE, -1);
    return inlay_text_copy(PQgetvalue(result, row, STATE_KEY), &to->name) &&
           inlay_text_copy(inlay_result_text(result, row, STATE_CHECKSUM), &to->checksum) &&
           copy_time(inlay_result_text(result, row, at), &to->applied_at);
}

static void read_cover(const PGresult *result, int row, struct history *history)
{
    struct history_cover *to = &history->covers[history->cover_count];
    const char *body = inlay_result_text(result, row, STATE_BODY);

    if (inlay_text_number(inlay_result_text(result, row, STATE_KEY), &to->version) &&
        body != NULL && sscanf(body, "%" SCNd64 "..%" SCNd64, &to->first, &to->last) == 2) {
        to->count = number_at(result, row, STATE_DONE, 0);
        history->cover_count++;
    }
}

static void read_down(const PGresult *result, int row, struct history *history)
{
    if (inlay_text_number(inlay_result_text(result, row, STATE_KEY),
                          &history->downs[history->down_count]))
        history->down_count++;
}

/* False without memory. What is of no kind or in no form of ours is none of ours. */
static bool read_state_row(const PGresult *result, int row, struct history *history)
{
    const char *kind = PQgetvalue(result, row, STATE_KIND);

    if (strcmp(kind, "progress") == 0)
        return read_progress(result, row, history);
    if (strcmp(kind, "repeatable") == 0)
        return read_repeatable(result, row, history);
    if (strcmp(kind, "down") == 0)
        read_down(result, row, history);
    else if (strcmp(kind, "replaces") == 0)
        read_cover(result, row, history);
    return true;
}

static int compare_history_rows(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int compare_repeatables(const void *a, const void *b)
{
    return strcmp(((const struct history_repeatable *)a)->name,
                  ((const struct history_repeatable *)b)->name);
}

int inlay_rows_read_state(const PGresult *result, struct history *history, struct inlay_error *err)
{
    size_t count = (size_t)PQntuples(result);

    history->progress = calloc(count + 1, sizeof *history->progress);
    history->covers = calloc(count + 1, sizeof *history->covers);
    history->repeatables = calloc(count + 1, sizeof *history->repeatables);
    history->downs = calloc(count + 1, sizeof *history->downs);
    bool read = history->progress != NULL && history->covers != NULL &&
                history->repeatables != NULL && history->downs != NULL;
    for (int i = 0; read && i < (int)count; i++)
        read = read_state_row(result, i, history);
    if (!read)
        return inlay_error_memory(err);
    qsort(history->downs, history->down_count, sizeof *history->downs, compare_history_rows);
    qsort(history->repeatables, history->repeatable_count, sizeof *history->repeatables,
          compare_repeatables);
    return INLAY_OK;
}

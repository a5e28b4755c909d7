/* Searches the history that snapshot.c has read, and frees it. Asks no server. */
#include "history/history.h"
#include "base/text.h"
#include "base/versions.h"

#include <stdlib.h>
#include <string.h>

void inlay_history_free(struct history *history)
{
    for (size_t i = 0; i < history->row_count; i++) {
        free(history->rows[i].name);
        free(history->rows[i].applied_at);
        free(history->rows[i].checksum);
    }
    for (size_t i = 0; i < history->progress_count; i++) {
        free(history->progress[i].checksum);
        free(history->progress[i].body);
    }
    for (size_t i = 0; i < history->repeatable_count; i++) {
        free(history->repeatables[i].name);
        free(history->repeatables[i].checksum);
        free(history->repeatables[i].applied_at);
    }
    free(history->repeatables);
    free(history->covers);
    free(history->rows);
    free(history->progress);
    free(history->downs);
    memset(history, 0, sizeof *history);
}

void inlay_history_finish(struct history *history, int64_t version)
{
    for (size_t i = 0; i < history->progress_count; i++)
        if (history->progress[i].version == version)
            history->progress[i].version = -1;
}

bool inlay_history_has_down(const struct history *history, int64_t version)
{
    return inlay_versions_find(history->downs, history->down_count, sizeof *history->downs,
                               version) != NULL;
}

const struct history_progress *inlay_history_progress(const struct history *history,
                                                      int64_t version)
{
    for (size_t i = 0; i < history->progress_count; i++)
        if (history->progress[i].version == version)
            return &history->progress[i];
    return NULL;
}

bool inlay_history_assume(struct history *history, const struct inlay_set *set, int64_t up_to)
{
    history->rows = calloc(set->migration_count + 1, sizeof *history->rows);
    if (history->rows == NULL)
        return false;
    for (size_t i = 0; i < set->migration_count; i++) {
        const struct inlay_migration *migration = inlay_set_migration(set, i);
        struct history_row *row = &history->rows[history->row_count];
        if (migration->version > up_to)
            break;
        *row = (struct history_row){.version = migration->version, .batch = 1};
        history->row_count++;
        if (!inlay_text_copy(migration->name, &row->name) ||
            !inlay_text_copy(migration->sha256, &row->checksum))
            return false;
    }
    history->exists = history->row_count > 0;
    return true;
}

#include "row.h"

#include <string.h>

size_t row_count(const struct snapshot *now)
{
    return now->status != NULL ? now->status->entry_count : now->set->migration_count;
}

static struct row from_entry(const struct inlay_status_entry *entry)
{
    return (struct row){
        .state = inlay_state_name(entry->state),
        .version = entry->version,
        .late = entry->late,
        .name = entry->name,
        .migration = entry->migration,
        .recorded_name = entry->recorded_name,
        .recorded_checksum = entry->recorded_checksum,
        .applied_at = entry->applied_at,
        .batch = entry->batch,
        .elapsed_ms = entry->elapsed_ms,
        .statements_done = entry->statements_done,
    };
}

static struct row from_set(const struct inlay_migration *migration)
{
    return (struct row){
        .state = "unread",
        .version = migration->version,
        .name = migration->name,
        .migration = migration,
        .batch = -1,
        .elapsed_ms = -1,
        .statements_done = -1,
    };
}

static void apply_mark(struct row *row, const struct mark *mark)
{
    if (mark->deed == DEED_NONE)
        return;
    row->state = mark->deed == DEED_RUNNING ? "running" : "applied";
    row->late = false;
    row->elapsed_ms = mark->elapsed_ms;
    if (mark->deed == DEED_APPLIED)
        row->batch = mark->batch;
}

/* What ended the boot's run, while it is not applied by somebody else. */
static bool is_failure(const struct snapshot *now, const struct row *row)
{
    return (now->failure.code == INLAY_E_FAILED || now->failure.code == INLAY_E_LOST) &&
           now->failure.version == row->version && strcmp(row->state, "pending") == 0;
}

static const char *sign_of(const char *state)
{
    static const struct {
        const char *state, *sign;
    } signs[] = {
        {"applied", "\xE2\x9C\x93"}, /* a check mark */
        {"pending", "\xE2\x97\x8B"}, /* an empty circle */
        {"running", "\xE2\x96\xB6"}, /* a triangle to the right */
        {"unknown", "?"},
        {"unread", "\xC2\xB7"},     /* a dot */
        {"failed", "\xE2\x9C\x95"}, /* a cross */
        {"edited", "\xE2\x89\xA0"}, /* an inequality sign */
        {"renamed", "\xE2\x89\xA0"},
    };

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strcmp(signs[i].state, state) == 0)
            return signs[i].sign;
    return "";
}

struct row row_at(const struct snapshot *now, size_t index)
{
    struct row row = now->status != NULL ? from_entry(&now->status->entries[index])
                                         : from_set(&now->set->migrations[index]);

    if (row.migration != NULL)
        apply_mark(&row, &now->marks[row.migration - now->set->migrations]);
    if (is_failure(now, &row))
        row.state = "failed";
    row.sign = sign_of(row.state);
    return row;
}

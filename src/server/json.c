/* /status.json. Members have the names that --migrate-status --migrate-json gives them. */
#include "document.h"
#include "row.h"

#include <inttypes.h>

static void text_member(struct writer *writer, const char *name, const char *value)
{
    write_format(writer, ",\"%s\":", name);
    write_json(writer, value);
}

/* Null where the number is negative. */
static void number_member(struct writer *writer, const char *name, int64_t value)
{
    if (value >= 0)
        write_format(writer, ",\"%s\":%" PRId64, name, value);
    else
        write_format(writer, ",\"%s\":null", name);
}

static void bool_member(struct writer *writer, const char *name, bool value)
{
    write_format(writer, ",\"%s\":%s", name, value ? "true" : "false");
}

static void write_row(struct writer *writer, const struct row *row)
{
    const struct inlay_migration *migration = row->migration;

    write_format(writer, "{\"version\":\"%" PRId64 "\"", row->version);
    text_member(writer, "name", row->name);
    text_member(writer, "state", row->state);
    bool_member(writer, "late", row->late);
    text_member(writer, "applied_at", row->applied_at);
    number_member(writer, "batch", row->batch);
    number_member(writer, "elapsed_ms", row->elapsed_ms);
    text_member(writer, "recorded_name", row->recorded_name);
    text_member(writer, "recorded_checksum", row->recorded_checksum);
    number_member(writer, "statements_done", row->statements_done);
    text_member(writer, "path", migration != NULL ? migration->up.path : NULL);
    text_member(writer, "checksum", migration != NULL ? migration->sha256 : NULL);
    write_text(writer, "}");
}

static void write_rows(struct writer *writer, const struct snapshot *now)
{
    size_t count = row_count(now);

    write_text(writer, ",\"migrations\":[");
    for (size_t i = 0; i < count; i++) {
        struct row row = row_at(now, i);
        write_text(writer, i > 0 ? ",\n" : "\n");
        write_row(writer, &row);
    }
    write_text(writer, "]");
}

static void write_database(struct writer *writer, const struct inlay_status *status)
{
    if (status == NULL) {
        write_text(writer, ",\"database\":null");
        return;
    }
    text_member(writer, "database", status->database);
    text_member(writer, "role", status->role);
    text_member(writer, "history", status->history);
    bool_member(writer, "history_exists", status->history_exists);
    bool_member(writer, "read_only", status->read_only);
    number_member(writer, "applied", (int64_t)status->applied);
    number_member(writer, "pending", (int64_t)status->pending);
    number_member(writer, "unknown", (int64_t)status->unknown);
    number_member(writer, "mismatched", (int64_t)status->mismatched);
}

static void write_progress(struct writer *writer, const struct snapshot *now)
{
    if (now->phase != PHASE_MIGRATING) {
        write_text(writer, ",\"progress\":null");
        return;
    }
    write_format(writer, ",\"progress\":{\"index\":%zu,\"count\":%zu}", now->index, now->count);
}

void write_document(struct writer *writer, const struct snapshot *now,
                    const struct readiness *readiness)
{
    struct reason reason = reason_of(now, readiness);

    write_format(writer, "{\"inlay\":\"%s\"", INLAY_VERSION);
    bool_member(writer, "ready", readiness->condition == CONDITION_READY);
    text_member(writer, "condition", condition_name(readiness->condition));
    text_member(writer, "reason", reason.text[0] != '\0' ? reason.text : NULL);
    text_member(writer, "code",
                readiness->error != NULL ? inlay_code_name(readiness->error->code) : NULL);
    write_progress(writer, now);
    number_member(writer, "age_ms", now->status != NULL ? clock_ms() - now->answered_at : -1);
    text_member(writer, "digest", now->set->digest);
    write_database(writer, now->status);
    write_rows(writer, now);
    write_text(writer, "}\n");
}

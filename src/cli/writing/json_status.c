/* What the library knows of a database as JSON: a migration, a status and an error have the same
 * members wherever they are printed. docs/json.md describes them. */
#include "writing/json_status.h"

void inlay_cli_json_status_error(struct json *json, const char *key, const struct inlay_error *err)
{
    if (err->code == INLAY_OK) {
        inlay_cli_json_null(json, key);
        return;
    }
    inlay_cli_json_open(json, key, '{');
    inlay_cli_json_text(json, "code", inlay_code_name(err->code));
    inlay_cli_json_text(json, "message", err->message);
    inlay_cli_json_text_or_null(json, "sqlstate", err->sqlstate);
    inlay_cli_json_version(json, "version", err->version);
    inlay_cli_json_text_or_null(json, "path", err->path);
    inlay_cli_json_number_or_null(json, "line", err->line ? (int64_t)err->line : -1);
    inlay_cli_json_number_or_null(json, "column", err->column ? (int64_t)err->column : -1);
    inlay_cli_json_text_or_null(json, "detail", err->detail);
    inlay_cli_json_text_or_null(json, "hint", err->hint);
    inlay_cli_json_text_or_null(json, "context", err->context);
    inlay_cli_json_text_or_null(json, "excerpt", err->excerpt);
    inlay_cli_json_text_or_null(json, "outcome", err->outcome);
    inlay_cli_json_close(json, '}');
}

/* What the binary has, under the same names in every verb. */
void inlay_cli_json_status_embedded(struct json *json, const struct inlay_migration *migration)
{
    const struct inlay_script *up = &migration->up;
    inlay_cli_json_text(json, "path", up->path);
    inlay_cli_json_text(json, "checksum", migration->sha256);
    inlay_cli_json_text(json, "language", up->function ? "c" : "sql");
    inlay_cli_json_number_or_null(json, "statements",
                                  up->function ? -1 : (int64_t)up->statement_count);
    inlay_cli_json_bool(json, "transaction", !(up->flags & INLAY_SCRIPT_NO_TRANSACTION));
    inlay_cli_json_text(json, "down", migration->down.text ? migration->down.path : NULL);
    if (!migration->replaces) {
        inlay_cli_json_null(json, "replaces");
        return;
    }
    inlay_cli_json_open(json, "replaces", '{');
    inlay_cli_json_version(json, "first", migration->replaces->first);
    inlay_cli_json_version(json, "last", migration->replaces->last);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_json_status_entry(struct json *json, const struct inlay_status_entry *entry)
{
    inlay_cli_json_open(json, NULL, '{');
    inlay_cli_json_version(json, "version", entry->version);
    inlay_cli_json_text(json, "name", entry->name);
    inlay_cli_json_text(json, "state", inlay_state_name(entry->state));
    inlay_cli_json_bool(json, "late", entry->late);
    inlay_cli_json_bool(json, "recorded", entry->recorded);
    inlay_cli_json_text(json, "applied_at", entry->applied_at);
    inlay_cli_json_number_or_null(json, "batch", entry->batch);
    inlay_cli_json_number_or_null(json, "elapsed_ms", entry->elapsed_ms);
    inlay_cli_json_text(json, "recorded_name", entry->recorded_name);
    inlay_cli_json_text(json, "recorded_checksum", entry->recorded_checksum);
    inlay_cli_json_number_or_null(json, "statements_done", entry->statements_done);
    inlay_cli_json_number_or_null(json, "statement_open",
                                  entry->statement_open ? (int64_t)entry->statement_open : -1);
    if (entry->migration) {
        inlay_cli_json_open(json, "embedded", '{');
        inlay_cli_json_status_embedded(json, entry->migration);
        inlay_cli_json_close(json, '}');
    } else {
        inlay_cli_json_null(json, "embedded");
    }
    inlay_cli_json_bool(json, "down_kept", entry->down_kept);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_json_status_place(struct json *json, const struct inlay_status *status)
{
    inlay_cli_json_text(json, "database", status->database);
    inlay_cli_json_text(json, "role", status->role);
    inlay_cli_json_text(json, "history", status->history);
}

void inlay_cli_json_status_members(struct json *json, const struct inlay_status *status)
{
    inlay_cli_json_status_place(json, status);
    inlay_cli_json_bool(json, "history_exists", status->history_exists);
    inlay_cli_json_bool(json, "read_only", status->read_only);
    inlay_cli_json_number(json, "applied", (int64_t)status->applied);
    inlay_cli_json_number(json, "pending", (int64_t)status->pending);
    inlay_cli_json_number(json, "unknown", (int64_t)status->unknown);
    inlay_cli_json_number(json, "mismatched", (int64_t)status->mismatched);
    inlay_cli_json_number(json, "replaced", (int64_t)status->replaced);
    inlay_cli_json_number(json, "next_batch", status->next_batch);
    inlay_cli_json_status_error(json, "verdict", &status->verdict);
    inlay_cli_json_open(json, "migrations", '[');
    for (size_t i = 0; i < status->entry_count; i++)
        inlay_cli_json_status_entry(json, inlay_status_at(status, i));
    inlay_cli_json_close(json, ']');
}

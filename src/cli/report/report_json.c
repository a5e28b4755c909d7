/* The document that --migrate-json prints: the same frame for every verb, and inside it the
 * verb's own members. docs/command-line.md describes it. */
#include "cli.h"

static void write_error(struct json *json, const char *key, const struct inlay_error *err)
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

void inlay_cli_json_document(struct buffer *out, const struct cli *cli, const struct answer *answer,
                             int exit_status)
{
    struct json json = {0};
    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "inlay", INLAY_VERSION);
    inlay_cli_json_text(&json, "verb", cli->verb ? cli->verb->name : NULL);
    inlay_cli_json_text(&json, "code", inlay_code_name(answer->code));
    inlay_cli_json_number(&json, "exit", exit_status);
    if (!cli->usage[0] && cli->verb && cli->verb->json)
        cli->verb->json(&json, cli, answer);
    inlay_cli_json_array(&json, "warnings", &cli->console.warnings);
    struct inlay_error none = {.code = INLAY_OK};
    write_error(&json, "error", answer->code == INLAY_OK ? &none : &answer->error);
    inlay_cli_json_close(&json, '}');
    inlay_cli_buffer_add(&json.text, "\n", 1);
    out->failed |= json.text.failed;
    if (!out->failed)
        inlay_cli_buffer_add(out, json.text.data, json.text.length);
    inlay_cli_json_free(&json);
}

static void write_backup(struct json *json, const struct backup *backup)
{
    if (backup->path.length == 0) {
        inlay_cli_json_null(json, "backup");
        return;
    }
    inlay_cli_json_open(json, "backup", '{');
    inlay_cli_json_text(json, "path", backup->path.data);
    inlay_cli_json_number(json, "bytes", backup->bytes);
    inlay_cli_json_number(json, "elapsed_ms", backup->elapsed_ms);
    inlay_cli_json_close(json, '}');
}

/* From the events rather than the result: a run that failed has applied something too. */
void inlay_cli_json_only(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct console *console = &cli->console;
    (void)answer;
    inlay_cli_json_number(json, "applied", (int64_t)console->applied);
    inlay_cli_json_number(json, "skipped", (int64_t)console->skipped);
    inlay_cli_json_number_or_null(json, "batch", console->applied ? console->batch : -1);
    inlay_cli_json_array(json, "migrations", &console->steps);
    write_backup(json, &cli->backup);
}

void inlay_cli_json_moved(struct json *json, const struct cli *cli, const struct answer *answer)
{
    inlay_cli_json_number(json, "undone", (int64_t)cli->console.undone);
    inlay_cli_json_only(json, cli, answer);
}

void inlay_cli_json_edit(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)answer;
    inlay_cli_json_version(json, "version", cli->argument.number);
    inlay_cli_json_array(json, "log", &cli->console.remarks);
}

void inlay_cli_json_selftest(struct json *json, const struct cli *cli, const struct answer *answer)
{
    inlay_cli_json_number(json, "tested", (int64_t)answer->selftest.tested);
    inlay_cli_json_number(json, "untested", (int64_t)answer->selftest.untested);
    inlay_cli_json_array(json, "log", &cli->console.remarks);
}

void inlay_cli_json_source(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)answer;
    inlay_cli_json_text(json, "source", cli->argument.text);
}

void inlay_cli_json_resume_at(struct json *json, const struct cli *cli, const struct answer *answer)
{
    inlay_cli_json_edit(json, cli, answer);
    inlay_cli_json_number(json, "statement", inlay_cli_argument_statement(cli->argument));
}

/* What the binary has, under the same names in every verb. */
static void write_embedded(struct json *json, const struct inlay_migration *migration)
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

static void write_entry(struct json *json, const struct inlay_status_entry *entry)
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
        write_embedded(json, entry->migration);
        inlay_cli_json_close(json, '}');
    } else {
        inlay_cli_json_null(json, "embedded");
    }
    inlay_cli_json_bool(json, "down_kept", entry->down_kept);
    inlay_cli_json_close(json, '}');
}

static void write_place(struct json *json, const struct inlay_status *status)
{
    inlay_cli_json_text(json, "database", status->database);
    inlay_cli_json_text(json, "role", status->role);
    inlay_cli_json_text(json, "history", status->history);
}

void inlay_cli_json_status(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_status *status = answer->status;
    (void)cli;
    if (!status)
        return;
    write_place(json, status);
    inlay_cli_json_bool(json, "history_exists", status->history_exists);
    inlay_cli_json_bool(json, "read_only", status->read_only);
    inlay_cli_json_number(json, "applied", (int64_t)status->applied);
    inlay_cli_json_number(json, "pending", (int64_t)status->pending);
    inlay_cli_json_number(json, "unknown", (int64_t)status->unknown);
    inlay_cli_json_number(json, "mismatched", (int64_t)status->mismatched);
    inlay_cli_json_number(json, "replaced", (int64_t)status->replaced);
    inlay_cli_json_number(json, "next_batch", status->next_batch);
    write_error(json, "verdict", &status->verdict);
    inlay_cli_json_open(json, "migrations", '[');
    for (size_t i = 0; i < status->entry_count; i++)
        write_entry(json, &status->entries[i]);
    inlay_cli_json_close(json, ']');
}

/* Where a run would refuse, nothing would be applied. */
void inlay_cli_json_dry_run(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_status *status = answer->status;
    (void)cli;
    if (!status)
        return;
    bool runs = answer->code == INLAY_OK && status->pending > 0;
    write_place(json, status);
    inlay_cli_json_number_or_null(json, "batch", runs ? status->next_batch : -1);
    inlay_cli_json_open(json, "migrations", '[');
    for (size_t i = 0; runs && i < status->entry_count; i++) {
        if (status->entries[i].state == INLAY_STATE_PENDING)
            write_entry(json, &status->entries[i]);
    }
    inlay_cli_json_close(json, ']');
}

static void write_listed(struct json *json, const struct inlay_migration *migration)
{
    inlay_cli_json_open(json, NULL, '{');
    inlay_cli_json_version(json, "version", migration->version);
    inlay_cli_json_text(json, "name", migration->name);
    write_embedded(json, migration);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_json_list(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_set *set = cli->set;
    (void)answer;
    inlay_cli_json_text(json, "directory", set->directory);
    inlay_cli_json_text(json, "history", set->history);
    inlay_cli_json_text(json, "digest", set->digest);
    inlay_cli_json_open(json, "migrations", '[');
    for (size_t i = 0; i < set->migration_count; i++)
        write_listed(json, &set->migrations[i]);
    for (size_t i = 0; i < set->repeatable_count; i++)
        write_listed(json, &set->repeatables[i]);
    inlay_cli_json_close(json, ']');
}

static void write_kept(struct json *json, const struct inlay_kept_down *kept)
{
    inlay_cli_json_version(json, "version", kept->version);
    inlay_cli_json_text(json, "name", kept->name);
    inlay_cli_json_text(json, "checksum", kept->checksum);
    inlay_cli_json_text(json, "kept_at", kept->kept_at);
    inlay_cli_json_text(json, "kept_down", kept->text);
}

void inlay_cli_json_show(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_migration *migration = answer->migration;
    (void)cli;
    if (answer->kept)
        write_kept(json, answer->kept);
    if (!migration)
        return;
    inlay_cli_json_version(json, "version", migration->version);
    inlay_cli_json_text(json, "name", migration->name);
    write_embedded(json, migration);
    inlay_cli_json_text(json, "text", migration->up.text);
}

void inlay_cli_json_await(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    inlay_cli_json_number(json, "waited_ms", answer->waited_ms);
}

void inlay_cli_json_help(struct json *json, const struct cli *cli, const struct answer *answer)
{
    struct buffer text = {0};
    inlay_cli_text_help(&text, cli, answer);
    json->text.failed |= text.failed;
    inlay_cli_json_text(json, "text", text.data);
    inlay_cli_buffer_free(&text);
}

/* Writes the JSON document of a verb: the frame, results, errors and events. What the fields mean
 * is in docs/json.md. */
#include "report/report_json.h"

#include "words/help.h"
#include "writing/json_status.h"

void inlay_cli_report_json_document(struct buffer *out, const struct cli *cli,
                                    const struct answer *answer, int exit_status)
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
    inlay_cli_json_status_error(&json, "error", answer->code == INLAY_OK ? &none : &answer->error);
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
void inlay_cli_report_json_only(struct json *json, const struct cli *cli,
                                const struct answer *answer)
{
    const struct console *console = &cli->console;
    (void)answer;
    inlay_cli_json_number(json, "applied", (int64_t)console->applied);
    inlay_cli_json_number(json, "skipped", (int64_t)console->skipped);
    inlay_cli_json_number_or_null(json, "batch", console->applied ? console->batch : -1);
    inlay_cli_json_array(json, "migrations", &console->steps);
    write_backup(json, &cli->backup);
}

void inlay_cli_report_json_moved(struct json *json, const struct cli *cli,
                                 const struct answer *answer)
{
    inlay_cli_json_number(json, "undone", (int64_t)cli->console.undone);
    inlay_cli_report_json_only(json, cli, answer);
}

void inlay_cli_report_json_edit(struct json *json, const struct cli *cli,
                                const struct answer *answer)
{
    (void)answer;
    inlay_cli_json_version(json, "version", cli->argument.number);
    inlay_cli_json_array(json, "log", &cli->console.remarks);
}

void inlay_cli_report_json_selftest(struct json *json, const struct cli *cli,
                                    const struct answer *answer)
{
    inlay_cli_json_number(json, "tested", (int64_t)answer->selftest.tested);
    inlay_cli_json_number(json, "untested", (int64_t)answer->selftest.untested);
    inlay_cli_json_array(json, "log", &cli->console.remarks);
}

void inlay_cli_report_json_source(struct json *json, const struct cli *cli,
                                  const struct answer *answer)
{
    (void)answer;
    inlay_cli_json_text(json, "source", cli->argument.text);
}

void inlay_cli_report_json_resume_at(struct json *json, const struct cli *cli,
                                     const struct answer *answer)
{
    inlay_cli_report_json_edit(json, cli, answer);
    inlay_cli_json_number(json, "statement", inlay_cli_argument_statement(cli->argument));
}

static void write_holder(struct json *json, const struct inlay_lock_holder *holder)
{
    if (!holder) {
        inlay_cli_json_null(json, "lock_holder");
        return;
    }
    inlay_cli_json_open(json, "lock_holder", '{');
    inlay_cli_json_number(json, "pid", holder->pid);
    inlay_cli_json_text(json, "application", holder->application);
    inlay_cli_json_text(json, "address", holder->address);
    inlay_cli_json_text(json, "since", holder->since);
    inlay_cli_json_text(json, "statement", holder->statement);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_report_json_status(struct json *json, const struct cli *cli,
                                  const struct answer *answer)
{
    (void)cli;
    if (!answer->status)
        return;
    inlay_cli_json_status_members(json, answer->status);
    write_holder(json, answer->status->lock_holder);
}

/* Where a run would refuse, nothing would be applied. */
void inlay_cli_report_json_dry_run(struct json *json, const struct cli *cli,
                                   const struct answer *answer)
{
    const struct inlay_status *status = answer->status;
    (void)cli;
    if (!status)
        return;
    bool runs = answer->code == INLAY_OK && status->pending > 0;
    inlay_cli_json_status_place(json, status);
    inlay_cli_json_number_or_null(json, "batch", runs ? status->next_batch : -1);
    inlay_cli_json_open(json, "migrations", '[');
    for (size_t i = 0; runs && i < status->entry_count; i++) {
        if (inlay_status_at(status, i)->state == INLAY_STATE_PENDING)
            inlay_cli_json_status_entry(json, inlay_status_at(status, i));
    }
    inlay_cli_json_close(json, ']');
}

static void write_listed(struct json *json, const struct inlay_migration *migration)
{
    inlay_cli_json_open(json, NULL, '{');
    inlay_cli_json_version(json, "version", migration->version);
    inlay_cli_json_text(json, "name", migration->name);
    inlay_cli_json_status_embedded(json, migration);
    inlay_cli_json_close(json, '}');
}

static void write_all(struct json *json, const struct inlay_set *set)
{
    inlay_cli_json_text(json, "directory", set->directory);
    inlay_cli_json_text(json, "history", set->history);
    inlay_cli_json_text(json, "digest", set->digest);
    inlay_cli_json_open(json, "migrations", '[');
    for (size_t i = 0; i < set->migration_count; i++)
        write_listed(json, inlay_set_migration(set, i));
    for (size_t i = 0; i < set->repeatable_count; i++)
        write_listed(json, inlay_set_repeatable(set, i));
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

void inlay_cli_report_json_show(struct json *json, const struct cli *cli,
                                const struct answer *answer)
{
    const struct inlay_migration *migration = answer->migration;
    if (!cli->argument.text)
        write_all(json, cli->set);
    if (answer->kept)
        write_kept(json, answer->kept);
    if (!migration)
        return;
    inlay_cli_json_version(json, "version", migration->version);
    inlay_cli_json_text(json, "name", migration->name);
    inlay_cli_json_status_embedded(json, migration);
    inlay_cli_json_text(json, "text", migration->up.text);
}

void inlay_cli_report_json_await(struct json *json, const struct cli *cli,
                                 const struct answer *answer)
{
    (void)cli;
    inlay_cli_json_number(json, "waited_ms", answer->waited_ms);
}

void inlay_cli_report_json_help(struct json *json, const struct cli *cli,
                                const struct answer *answer)
{
    struct buffer text = {0};
    inlay_cli_help(&text, cli, answer);
    json->text.failed |= text.failed;
    inlay_cli_json_text(json, "text", text.data);
    inlay_cli_buffer_free(&text);
}

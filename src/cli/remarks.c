/* How a verb went, in words: on stderr, and below a status. */
#include <inttypes.h>

#include "cli.h"
#include "text.h"

static void say(struct cli *cli, struct buffer *line)
{
    if (!line->failed)
        inlay_cli_console_say(&cli->console, STYLE_PLAIN, "", line->data);
    inlay_cli_buffer_free(line);
}

void inlay_cli_text_up_to_date(struct buffer *out, const struct inlay_set *set)
{
    inlay_cli_buffer_text(out, "up to date: ");
    if (set->migration_count == 0) {
        inlay_cli_buffer_text(out, "this binary has no migrations");
        return;
    }
    inlay_cli_text_count(out, set->migration_count, "migration");
    inlay_cli_buffer_text(out, ", the newest is ");
    inlay_cli_text_label(out, &set->migrations[set->migration_count - 1]);
}

void inlay_cli_say_up_to_date(struct cli *cli)
{
    struct buffer line = {0};
    inlay_cli_text_up_to_date(&line, cli->set);
    say(cli, &line);
}

void inlay_cli_say_migrated(struct cli *cli, const struct inlay_result *result)
{
    struct buffer line = {0};
    if (result->applied == 0) {
        inlay_cli_say_up_to_date(cli);
        return;
    }
    inlay_cli_text_count(&line, result->applied, "migration");
    inlay_cli_buffer_format(&line, " applied in batch %" PRId64 " (", result->batch);
    inlay_cli_text_duration(&line, result->elapsed_ms);
    inlay_cli_buffer_text(&line, ")");
    say(cli, &line);
}

void inlay_cli_say_help(struct cli *cli)
{
    struct buffer help = {0};
    inlay_cli_text_help(&help, cli, NULL);
    if (!help.failed)
        inlay_cli_console_write(&cli->console, help.data, help.length);
    inlay_cli_buffer_free(&help);
}

void inlay_cli_text_error(struct buffer *out, const struct inlay_error *err)
{
    char text[INLAY_ERROR_TEXT_MAX];
    inlay_error_format(err, text, sizeof text);
    inlay_cli_text_escape(out, text, "\n\t");
}

void inlay_cli_say_error(struct cli *cli, const struct inlay_error *err)
{
    struct buffer text = {0};
    inlay_cli_text_error(&text, err);
    if (!text.failed)
        inlay_cli_console_write(&cli->console, text.data, text.length);
    inlay_cli_buffer_free(&text);
}

/* Prints on stderr how a verb ended: the error with its place, detail and hint, or what was
 * done. */
#include "report/say.h"

#include <inttypes.h>
#include <string.h>

#include "words/environment.h"
#include "words/help.h"
#include "writing/text.h"

void inlay_cli_say(struct cli *cli, struct buffer *line)
{
    if (!line->failed)
        inlay_cli_console_say(&cli->console, STYLE_PLAIN, "", line->data);
    inlay_cli_buffer_free(line);
}

/* Where other tools look for migrations: whoever sets it expects files to be read. */
void inlay_cli_say_directory(struct cli *cli)
{
    static const char *const variables[] = {"MIGRATIONS_DIR", "DBMATE_MIGRATIONS_DIR",
                                            "GOOSE_MIGRATION_DIR", "FLYWAY_LOCATIONS"};
    size_t i = 0, count = sizeof variables / sizeof variables[0];
    while (i < count && !inlay_cli_environment(variables[i]))
        i++;
    if (i == count)
        return;
    struct buffer line = {0};
    inlay_cli_buffer_format(&line, "%s is set, but no directory is read: this program has its own ",
                            variables[i]);
    inlay_cli_text_size(&line, cli->set);
    inlay_cli_say(cli, &line);
}

void inlay_cli_say_up_to_date(struct cli *cli)
{
    struct buffer line = {0};
    inlay_cli_text_up_to_date(&line, cli->set);
    inlay_cli_say(cli, &line);
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
    inlay_cli_say(cli, &line);
}

/* "2 migrations undone, 1 applied in batch 4 (12 ms)" */
void inlay_cli_say_moved(struct cli *cli, const struct inlay_result *result)
{
    struct buffer line = {0};
    if (result->undone > 0) {
        inlay_cli_text_count(&line, result->undone, "migration");
        inlay_cli_buffer_text(&line, " undone");
        if (result->applied > 0)
            inlay_cli_buffer_format(&line, ", %zu applied in batch %" PRId64, result->applied,
                                    result->batch);
        inlay_cli_buffer_text(&line, " (");
        inlay_cli_text_duration(&line, result->elapsed_ms);
        inlay_cli_buffer_text(&line, ")");
    } else if (result->applied > 0) {
        inlay_cli_say_migrated(cli, result);
        return;
    } else {
        inlay_cli_buffer_text(&line, "nothing to do");
    }
    inlay_cli_say(cli, &line);
}

/* The library calls succeed only for a version that is embedded. */
void inlay_cli_say_recorded(struct cli *cli, const char *before)
{
    struct buffer line = {0};
    inlay_cli_buffer_text(&line, before);
    inlay_cli_text_label(&line, inlay_set_find(cli->set, cli->argument.number));
    inlay_cli_buffer_text(&line, " counts as applied");
    inlay_cli_say(cli, &line);
}

/* What goes to stdout is the script alone, as it can be handed to psql. */
void inlay_cli_say_kept(struct cli *cli, const struct inlay_kept_down *kept)
{
    struct buffer line = {0};
    inlay_cli_buffer_format(&line, "version %" PRId64 " (", kept->version);
    inlay_cli_text_escape(&line, kept->name ? kept->name : "not applied", "");
    inlay_cli_buffer_text(&line, ") is not in this binary: this is the down script that was stored "
                                 "with it; it was not run");
    inlay_cli_say(cli, &line);
}

void inlay_cli_say_help(struct cli *cli)
{
    struct buffer help = {0};
    inlay_cli_help(&help, cli, NULL);
    if (!help.failed)
        inlay_cli_console_write(&cli->console, help.data, help.length);
    inlay_cli_buffer_free(&help);
}

/* As a compiler does: only the word is coloured. */
void inlay_cli_say_error(struct cli *cli, const struct inlay_error *err)
{
    static const char word[] = "error:";
    struct buffer text = {0}, line = {0};
    inlay_cli_text_error(&text, err);
    const char *found = cli->console.colour && !text.failed ? strstr(text.data, word) : NULL;
    if (found) {
        inlay_cli_buffer_add(&line, text.data, (size_t)(found - text.data));
        inlay_cli_buffer_text(&line, inlay_cli_style(STYLE_BAD));
        inlay_cli_buffer_text(&line, word);
        inlay_cli_buffer_text(&line, inlay_cli_style(STYLE_PLAIN));
        inlay_cli_buffer_text(&line, found + sizeof word - 1);
    }
    const struct buffer *out = found ? &line : &text;
    if (out->failed)
        inlay_cli_console_say(&cli->console, STYLE_PLAIN, word, " out of memory");
    else
        inlay_cli_console_write(&cli->console, out->data, out->length);
    inlay_cli_buffer_free(&text);
    inlay_cli_buffer_free(&line);
}

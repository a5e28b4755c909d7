/* --migrate-reset: shows what is in the database, wants its name typed, and has the library drop
 * it. */
#include "verbs/reset.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "report/report_json.h"
#include "report/say.h"
#include "verbs/confirm.h"
#include "writing/table.h"
#include "writing/text.h"

static void count_cell(struct table *table, struct buffer *text, const char *before, int64_t number)
{
    inlay_cli_buffer_clear(text);
    inlay_cli_buffer_format(text, "%s%" PRId64, before, number);
    inlay_cli_table_cell(table, STYLE_PLAIN, text->failed ? "" : text->data);
    table->cells.failed |= text->failed;
}

static void schema_table(struct buffer *out, const struct cli *cli,
                         const struct inlay_contents *contents)
{
    static const struct column columns[] = {
        {.title = "schema", .shortens = true}, {.title = "tables", .right = true},
        {.title = "views", .right = true},     {.title = "functions", .right = true},
        {.title = "types", .right = true},     {.title = "others", .right = true},
        {.title = "rows", .right = true},      {.title = ""},
    };
    struct table table = {.columns = columns,
                          .column_count = sizeof columns / sizeof columns[0],
                          .colour = cli->console.colour,
                          .width = inlay_cli_console_columns(STDERR_FILENO)};
    struct buffer text = {0};
    for (size_t i = 0; i < contents->schema_count; i++) {
        const struct inlay_schema_contents *schema = inlay_contents_at(contents, i);
        inlay_cli_table_cell(&table, STYLE_PLAIN, schema->name);
        count_cell(&table, &text, "", schema->tables);
        count_cell(&table, &text, "", schema->views);
        count_cell(&table, &text, "", schema->functions);
        count_cell(&table, &text, "", schema->types);
        count_cell(&table, &text, "", schema->others);
        count_cell(&table, &text, schema->rows ? "about " : "", schema->rows);
        inlay_cli_table_cell(&table, STYLE_PLAIN, schema->stays ? "the schema itself stays" : "");
    }
    inlay_cli_table_print(&table, out);
    inlay_cli_buffer_free(&text);
}

static void show(struct cli *cli, const struct inlay_contents *contents)
{
    struct buffer out = {0};
    inlay_cli_buffer_text(&out, "database ");
    inlay_cli_text_escape(&out, contents->database, "");
    inlay_cli_buffer_text(&out, contents->schema_count ? " holds\n" : " holds nothing\n");
    if (contents->schema_count)
        schema_table(&out, cli, contents);
    if (contents->besides[0]) {
        inlay_cli_buffer_text(&out, "and ");
        inlay_cli_text_escape(&out, contents->besides, "");
        inlay_cli_buffer_text(&out, "\n");
    }
    if (!out.failed)
        inlay_cli_console_write(&cli->console, out.data, out.length);
    inlay_cli_buffer_free(&out);
}

static bool is_reset_agreed(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_contents_read(cli->set, &cli->options, &answer->contents, &answer->error);
    if (answer->code != INLAY_OK)
        return false;
    const struct inlay_contents *contents = answer->contents;
    if (contents->verdict.code != INLAY_OK) {
        answer->error = contents->verdict;
        answer->code = answer->error.code;
        return false;
    }
    show(cli, contents);
    return cli->yes || inlay_cli_confirm_name(cli, answer, contents->database);
}

void inlay_cli_reset(struct cli *cli, struct answer *answer)
{
    if (!is_reset_agreed(cli, answer))
        return;
    const char *name = cli->yes ? cli->yes_name : answer->contents->database;
    answer->code = inlay_reset(cli->set, &cli->options, name, &answer->result, &answer->error);
    if (answer->code == INLAY_OK)
        inlay_cli_say_migrated(cli, &answer->result);
}

static void write_schema(struct json *json, const struct inlay_schema_contents *schema)
{
    inlay_cli_json_open(json, NULL, '{');
    inlay_cli_json_text(json, "name", schema->name);
    inlay_cli_json_bool(json, "stays", schema->stays);
    inlay_cli_json_number(json, "tables", schema->tables);
    inlay_cli_json_number(json, "views", schema->views);
    inlay_cli_json_number(json, "functions", schema->functions);
    inlay_cli_json_number(json, "types", schema->types);
    inlay_cli_json_number(json, "others", schema->others);
    inlay_cli_json_number(json, "rows", schema->rows);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_reset_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    const struct inlay_contents *contents = answer->contents;
    if (contents) {
        inlay_cli_json_text(json, "database", contents->database);
        inlay_cli_json_text(json, "role", contents->role);
        inlay_cli_json_open(json, "schemas", '[');
        for (size_t i = 0; i < contents->schema_count; i++)
            write_schema(json, inlay_contents_at(contents, i));
        inlay_cli_json_close(json, ']');
        inlay_cli_json_text(json, "besides", contents->besides);
    }
    inlay_cli_report_json_only(json, cli, answer);
}

/* --migrate-schema and --migrate-drift: the schema as text, and how a database differs from it. */
#include "verbs/schema.h"

#include <stdio.h>
#include <string.h>

#include "report/say.h"
#include "writing/text.h"

static const char *const kinds[] = {
    [INLAY_DIFFERENCE_MISSING] = "missing",
    [INLAY_DIFFERENCE_EXTRA] = "extra",
    [INLAY_DIFFERENCE_LINES] = "different",
};

void inlay_cli_schema(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_schema_read(cli->set, &cli->options, &answer->schema, &answer->error);
}

/* As it is, for it is a file. */
void inlay_cli_schema_text(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    inlay_cli_buffer_text(out, answer->schema->text);
}

void inlay_cli_schema_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    if (!answer->schema)
        return;
    inlay_cli_json_text(json, "database", answer->schema->database);
    inlay_cli_json_number(json, "postgresql", answer->schema->major);
    inlay_cli_json_text(json, "schema", answer->schema->text);
}

/* "; that is from PostgreSQL 15, ..." */
static void add_limits(struct buffer *out, const struct inlay_schema *schema)
{
    if (schema->major != schema->embedded_major)
        inlay_cli_buffer_format(out,
                                "; that is from PostgreSQL %d, and this is %d: views, defaults and "
                                "other expressions are not compared",
                                schema->embedded_major, schema->major);
}

static void fail_drift(const struct cli *cli, struct answer *answer)
{
    const struct inlay_schema *schema = answer->schema;
    struct buffer limits = {0};
    bool one = schema->difference_count == 1;
    add_limits(&limits, schema);
    inlay_cli_answer_fail(answer, INLAY_E_MISMATCH,
                          "%zu object%s of database %s %s not as the embedded schema has %s%s",
                          schema->difference_count, one ? "" : "s", schema->database,
                          one ? "is" : "are", one ? "it" : "them",
                          limits.length ? limits.data : "");
    snprintf(answer->error.hint, sizeof answer->error.hint,
             "put it right in the database or by a migration; what may differ: %sallow-drift",
             cli->prefix);
    answer->partial = true;
    inlay_cli_buffer_free(&limits);
}

static void say_no_drift(struct cli *cli, const struct inlay_schema *schema)
{
    struct buffer line = {0};
    inlay_cli_buffer_text(&line, "database ");
    inlay_cli_text_escape(&line, schema->database, "");
    inlay_cli_buffer_text(&line, " is as the embedded schema has it");
    add_limits(&line, schema);
    inlay_cli_say(cli, &line);
}

static void fail_without(const struct cli *cli, struct answer *answer)
{
    inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT,
                          "no schema is embedded in this binary, or not as this inlay writes it");
    snprintf(answer->error.hint, sizeof answer->error.hint,
             "write one with %sschema, and build with inlay embed --schema FILE", cli->prefix);
}

void inlay_cli_schema_drift(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_schema_read(cli->set, &cli->options, &answer->schema, &answer->error);
    if (answer->code != INLAY_OK)
        return;
    if (answer->schema->embedded_major == 0)
        fail_without(cli, answer);
    else if (answer->schema->difference_count > 0)
        fail_drift(cli, answer);
    else
        say_no_drift(cli, answer->schema);
}

static const char *end_of_line(const char *text)
{
    return text + strcspn(text, "\n");
}

void inlay_cli_schema_drift_text(struct buffer *out, const struct cli *cli,
                                 const struct answer *answer)
{
    const struct inlay_schema *schema = answer->schema;
    (void)cli;
    for (size_t i = 0; i < schema->difference_count; i++) {
        const struct inlay_difference *difference = &schema->differences[i];
        inlay_cli_buffer_format(out, "%s: ", kinds[difference->kind]);
        inlay_cli_text_escape(out, difference->object, "");
        inlay_cli_buffer_text(out, difference->lines[0] == '~' ? ", in another order\n" : "\n");
        for (const char *line = difference->lines; *line; line = end_of_line(line) + 1) {
            inlay_cli_buffer_text(out, "  ");
            inlay_cli_buffer_add(out, line, (size_t)(end_of_line(line) - line));
            inlay_cli_buffer_text(out, "\n");
        }
    }
}

static void write_lines(struct json *json, const char *lines)
{
    struct buffer text = {0};
    inlay_cli_json_open(json, "lines", '[');
    for (const char *line = lines; *line; line = end_of_line(line) + 1) {
        text.length = 0;
        inlay_cli_buffer_add(&text, line, (size_t)(end_of_line(line) - line));
        json->text.failed |= text.failed;
        inlay_cli_json_text(json, NULL, text.data);
    }
    inlay_cli_json_close(json, ']');
    inlay_cli_buffer_free(&text);
}

void inlay_cli_schema_drift_json(struct json *json, const struct cli *cli,
                                 const struct answer *answer)
{
    const struct inlay_schema *schema = answer->schema;
    (void)cli;
    if (!schema)
        return;
    inlay_cli_json_text(json, "database", schema->database);
    inlay_cli_json_number(json, "postgresql", schema->major);
    inlay_cli_json_number(json, "embedded_postgresql", schema->embedded_major);
    inlay_cli_json_open(json, "differences", '[');
    for (size_t i = 0; i < schema->difference_count; i++) {
        inlay_cli_json_open(json, NULL, '{');
        inlay_cli_json_text(json, "object", schema->differences[i].object);
        inlay_cli_json_text(json, "difference", kinds[schema->differences[i].kind]);
        write_lines(json, schema->differences[i].lines);
        inlay_cli_json_close(json, '}');
    }
    inlay_cli_json_close(json, ']');
}

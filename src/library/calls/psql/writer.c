/* Puts the parameters of a statement of ours in as literals, and ends it for psql; what is not
 * ours it wraps up, so that psql does not read it. */
#include "calls/psql/writer.h"

#include <string.h>

void inlay_writer_literal(struct writer *writer, const char *text)
{
    if (text == NULL) {
        inlay_builder_text(&writer->text, "NULL");
        return;
    }
    inlay_builder_text(&writer->text, "'");
    for (; *text != '\0'; text++) {
        inlay_builder_add(&writer->text, text, 1);
        if (*text == '\'')
            inlay_builder_add(&writer->text, text, 1);
    }
    inlay_builder_text(&writer->text, "'");
}

static bool has_word(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i + size <= length; i++)
        if (memcmp(text + i, word, size) == 0)
            return true;
    return false;
}

/* The text may end with what the end of a literal begins with: so not even that is in it. */
void inlay_writer_verbatim(struct writer *writer, const char *text, size_t length)
{
    char tag[32] = "$inlay";

    for (unsigned i = 1; has_word(text, length, tag); i++)
        inlay_text_put(tag, sizeof tag, "$inlay_%u_", i);
    inlay_builder_format(&writer->text, "%s$", tag);
    inlay_builder_add(&writer->text, text, length);
    inlay_builder_format(&writer->text, "%s$", tag);
}

void inlay_writer_parameter(struct writer *writer, const char *value)
{
    if (value != NULL && value == writer->batch)
        inlay_builder_text(&writer->text, WRITER_BATCH);
    else if (value != NULL &&
             (strcmp(value, WRITER_ROLE) == 0 || strcmp(value, WRITER_INTENT) == 0))
        inlay_builder_text(&writer->text, value);
    else
        inlay_writer_literal(writer, value);
}

/* Names and texts in quotes may hold a dollar sign too. */
void inlay_writer_message(struct writer *writer, const struct message *message)
{
    char quote = '\0';

    for (const char *at = message->sql; *at != '\0'; at++) {
        int number = at[0] == '$' ? at[1] - '0' : 0;
        if (quote == '\0' && number >= 1 && number <= message->parameter_count) {
            inlay_writer_parameter(writer, message->parameters[number - 1]);
            at++;
            continue;
        }
        if (quote == '\0' && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (*at == quote)
            quote = '\0';
        inlay_builder_add(&writer->text, at, 1);
    }
}

void inlay_writer_command(struct writer *writer, const struct message *message)
{
    inlay_writer_message(writer, message);
    inlay_builder_text(&writer->text, ";\n");
}

void inlay_writer_query(struct writer *writer, const struct message *message)
{
    inlay_writer_message(writer, message);
    inlay_builder_text(&writer->text, " \\gset inlay_\n");
}

void inlay_writer_statement(struct writer *writer, const struct inlay_script *script, size_t index)
{
    const struct inlay_statement *statement = inlay_script_statement(script, index);

    inlay_builder_text(&writer->text, "SELECT ");
    inlay_writer_verbatim(writer, script->text + statement->offset, statement->length);
    inlay_builder_text(&writer->text, " \\gexec\n");
}

/* Writes JSON values: quoting, numbers, commas. What a document contains is decided elsewhere. */
#include "writing/json.h"

#include <inttypes.h>
#include <string.h>

#include "writing/text.h"

static void write_escaped(struct buffer *out, uint32_t character)
{
    static const char shorthand[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = character && character < 0x80 ? strchr(shorthand, (int)character) : NULL;
    if (found)
        inlay_cli_buffer_format(out, "\\%c", letters[found - shorthand]);
    else if (!inlay_cli_text_is_hidden(character))
        inlay_cli_text_encode(out, character);
    else if (character < 0x10000)
        inlay_cli_buffer_format(out, "\\u%04" PRIx32, character);
    else /* as two surrogates */
        inlay_cli_buffer_format(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xD7C0 + (character >> 10),
                                0xDC00 + (character & 0x3FF));
}

static void write_string(struct buffer *out, const char *value)
{
    const char *end = value + strlen(value);
    inlay_cli_buffer_text(out, "\"");
    while (value < end)
        write_escaped(out, inlay_cli_text_next(&value, end));
    inlay_cli_buffer_text(out, "\"");
}

static void begin(struct json *json, const char *key)
{
    if (json->comma)
        inlay_cli_buffer_text(&json->text, ", ");
    json->comma = true;
    if (!key)
        return;
    write_string(&json->text, key);
    inlay_cli_buffer_text(&json->text, ": ");
}

void inlay_cli_json_open(struct json *json, const char *key, char bracket)
{
    begin(json, key);
    inlay_cli_buffer_add(&json->text, &bracket, 1);
    json->comma = false;
}

void inlay_cli_json_close(struct json *json, char bracket)
{
    inlay_cli_buffer_add(&json->text, &bracket, 1);
    json->comma = true;
}

void inlay_cli_json_text(struct json *json, const char *key, const char *value)
{
    if (!value) {
        inlay_cli_json_null(json, key);
        return;
    }
    begin(json, key);
    write_string(&json->text, value);
}

void inlay_cli_json_text_or_null(struct json *json, const char *key, const char *value)
{
    inlay_cli_json_text(json, key, value[0] ? value : NULL);
}

void inlay_cli_json_number(struct json *json, const char *key, int64_t value)
{
    begin(json, key);
    inlay_cli_buffer_format(&json->text, "%" PRId64, value);
}

void inlay_cli_json_number_or_null(struct json *json, const char *key, int64_t value)
{
    if (value < 0)
        inlay_cli_json_null(json, key);
    else
        inlay_cli_json_number(json, key, value);
}

void inlay_cli_json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    inlay_cli_buffer_text(&json->text, value ? "true" : "false");
}

void inlay_cli_json_null(struct json *json, const char *key)
{
    begin(json, key);
    inlay_cli_buffer_text(&json->text, "null");
}

void inlay_cli_json_version(struct json *json, const char *key, int64_t version)
{
    if (version < 0) {
        inlay_cli_json_null(json, key);
        return;
    }
    begin(json, key);
    inlay_cli_buffer_format(&json->text, "\"%" PRId64 "\"", version);
}

void inlay_cli_json_array(struct json *json, const char *key, const struct json *items)
{
    inlay_cli_json_open(json, key, '[');
    if (items->text.data)
        inlay_cli_buffer_add(&json->text, items->text.data, items->text.length);
    json->text.failed |= items->text.failed;
    inlay_cli_json_close(json, ']');
}

void inlay_cli_json_free(struct json *json)
{
    inlay_cli_buffer_free(&json->text);
}

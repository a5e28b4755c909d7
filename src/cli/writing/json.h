/* Writes one JSON value into memory. A key of NULL writes the value alone, as an array wants it. */
#ifndef INLAY_CLI_JSON_H
#define INLAY_CLI_JSON_H

#include <stdint.h>

#include "writing/buffer.h"

/* All zero is an empty one. */
struct json {
    struct buffer text;
    bool comma; /* a value precedes at this level */
};

void inlay_cli_json_open(struct json *json, const char *key, char bracket);
void inlay_cli_json_close(struct json *json, char bracket);

/* Bytes that are not UTF-8 become U+FFFD. A value of NULL is written as null. */
void inlay_cli_json_text(struct json *json, const char *key, const char *value);

/* The same, null where the text is empty. */
void inlay_cli_json_text_or_null(struct json *json, const char *key, const char *value);

void inlay_cli_json_number(struct json *json, const char *key, int64_t value);

/* The same, null where the number is negative. */
void inlay_cli_json_number_or_null(struct json *json, const char *key, int64_t value);

void inlay_cli_json_bool(struct json *json, const char *key, bool value);
void inlay_cli_json_null(struct json *json, const char *key);

/* A version is a string: JavaScript's numbers end at 2^53. Negative is null. */
void inlay_cli_json_version(struct json *json, const char *key, int64_t version);

/* An array of the values that `items` holds. */
void inlay_cli_json_array(struct json *json, const char *key, const struct json *items);

void inlay_cli_json_free(struct json *json);

#endif

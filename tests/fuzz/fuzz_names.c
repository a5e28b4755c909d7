/* SCHEMA.TABLE, and TOOL=SCHEMA.TABLE. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "foreign/source.h"
#include "history/name.h"

/* Reads an identifier as the server does; returns what is behind it. */
static const char *unquote(const char *quoted, char *name)
{
    fuzz_require(*quoted++ == '"', "an identifier begins with a quote");
    for (; *quoted != '\0' && (quoted[0] != '"' || quoted[1] == '"'); quoted++) {
        quoted += *quoted == '"';
        *name++ = *quoted;
    }
    *name = '\0';
    fuzz_require(*quoted == '"', "an identifier ends with a quote");
    return quoted + 1;
}

static void require_quoted(const char *quoted, const char *schema, const char *table)
{
    char name[264];
    const char *rest = unquote(quoted, name);

    fuzz_require(strcmp(name, schema) == 0 && *rest == '.', "the schema is the one that was named");
    rest = unquote(rest + 1, name);
    fuzz_require(strcmp(name, table) == 0 && *rest == '\0', "the table is the one that was named");
}

static void parse_name(const char *text)
{
    struct history_name name;
    struct inlay_error err = {.code = INLAY_OK};
    int rc = inlay_name_parse(text, &name, &err);

    if (rc != INLAY_OK) {
        fuzz_require_error(&err, rc);
        return;
    }
    fuzz_require(strcmp(name.text, text) == 0, "a name is taken as it is");
    require_quoted(name.quoted, name.schema, name.table);
    require_quoted(name.quoted_state, name.schema, name.state_table);
    fuzz_require(strlen(name.state_table) < 64, "no name is cut by the server");
}

static void parse_source(const char *text)
{
    struct foreign_source source;
    struct inlay_error err = {.code = INLAY_OK};
    char *whole = fuzz_join(text, FUZZ_SECRET, NULL);

    if (inlay_foreign_parse(whole, &source, &err) != INLAY_OK)
        fuzz_require_secret_error(&err, err.code);
    if (inlay_foreign_parse(text, &source, &err) == INLAY_OK) {
        const char *name = inlay_foreign_name(&source);
        fuzz_require(strncmp(text, name, strlen(name)) == 0, "a tool is the one that was named");
        fuzz_require(source.table[0] != '\0' || source.query != NULL, "a source is a table");
    }
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    char *text = fuzz_rest(&input);

    parse_name(text);
    parse_source(text);
    free(text);
    return 0;
}

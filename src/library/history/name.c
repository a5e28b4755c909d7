/* Takes SCHEMA.TABLE apart and quotes it for SQL. */
#include "history/name.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

/* PostgreSQL's NAMEDATALEN - 1: a longer identifier is cut by the server, in silence. */
#define IDENTIFIER_MAX 63

#define STATE_SUFFIX "_state"

static int64_t lock_key(const char *text)
{
    uint64_t hash = INLAY_HASH_EMPTY;
    int64_t key;

    for (const char *c = text; *c != '\0'; c++)
        hash = inlay_hash_add(hash, *c);
    memcpy(&key, &hash, sizeof key);
    return key;
}

static void quote_pair(char *quoted, size_t size, const char *schema, const char *table)
{
    char part[132];

    inlay_text_quote(quoted, size, schema, '"');
    inlay_text_quote(part, sizeof part, table, '"');
    inlay_text_add(quoted, size, ".%s", part);
}

/* As a text in SQL: room for twice its length and four more. */
static void put_literal(char *literal, const char *text)
{
    *literal++ = 'E';
    *literal++ = '\'';
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            *literal++ = *text;
        *literal++ = *text;
    }
    *literal++ = '\'';
    *literal = '\0';
}

static void derive(struct history_name *name)
{
    char key_text[160];

    snprintf(name->state_table, sizeof name->state_table, "%.57s" STATE_SUFFIX, name->table);
    snprintf(name->text, sizeof name->text, "%s.%s", name->schema, name->table);
    quote_pair(name->quoted, sizeof name->quoted, name->schema, name->table);
    quote_pair(name->quoted_state, sizeof name->quoted_state, name->schema, name->state_table);
    put_literal(name->literal, name->quoted);
    put_literal(name->literal_state, name->quoted_state);
    inlay_text_quote(name->quoted_schema, sizeof name->quoted_schema, name->schema, '"');
    snprintf(key_text, sizeof key_text, "inlay:%s", name->text);
    name->lock_key = lock_key(key_text);
}

/* No role may make a schema that begins with pg_; pg_temp is gone with the session. A dump leaves
 * out all of these. */
static bool is_servers(const char *schema, size_t length)
{
    static const char information[] = "information_schema";

    return strncmp(schema, "pg_", 3) == 0 ||
           (length == sizeof information - 1 && memcmp(schema, information, length) == 0);
}

int inlay_name_parse(const char *text, struct history_name *name, struct inlay_error *err)
{
    const char *dot = strchr(text, '.');
    size_t table_max = IDENTIFIER_MAX - strlen(STATE_SUFFIX);

    memset(name, 0, sizeof *name);
    if (dot == NULL || dot == text || dot[1] == '\0' || strchr(dot + 1, '.') != NULL) {
        inlay_error_set(err, INLAY_E_ARGUMENT, "the history \"%s\" is not SCHEMA.TABLE", text);
        inlay_text_put(err->hint, sizeof err->hint,
                       "write it as stored and without quotes, for example "
                       "public.applied_migrations");
        return err->code;
    }
    if (dot - text > IDENTIFIER_MAX || strlen(dot + 1) > table_max)
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "the history \"%s\" is too long: at most %d bytes of schema and %zu "
                               "of table",
                               text, IDENTIFIER_MAX, table_max);
    if (is_servers(text, (size_t)(dot - text)))
        return inlay_error_set(err, INLAY_E_ARGUMENT,
                               "the history \"%s\" is in a schema of the server's own", text);
    memcpy(name->schema, text, (size_t)(dot - text));
    memcpy(name->table, dot + 1, strlen(dot + 1));
    derive(name);
    return INLAY_OK;
}

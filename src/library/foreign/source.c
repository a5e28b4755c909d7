/* Takes apart the name of another tool's table, and knows which locks go with it. */
#include "foreign/source.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- TOOL=SCHEMA.TABLE.COLUMN ---- */

/* A name as stored, or in double quotes: one with a point in it, say. Returns what follows it, or
 * NULL. */
static const char *take_part(char to[64], const char *text)
{
    bool quoted = *text == '"';
    size_t length = 0;

    for (text += quoted;; text++) {
        if (quoted ? *text == '"' && *++text != '"' : *text == '.' || *text == '\0')
            break;
        if (*text == '\0' || length == 63)
            return NULL;
        to[length++] = *text;
    }
    to[length] = '\0';
    return length > 0 && (*text == '.' || *text == '\0') ? text : NULL;
}

/* The third part only where a column can be named. */
static bool split_table(const char *text, struct foreign_source *source)
{
    char *const parts[] = {source->schema, source->table, source->column};
    size_t most = strchr(source->tool->columns, '!') != NULL ? 3 : 2;

    for (size_t i = 0; i < most; i++, text++) {
        text = take_part(parts[i], text);
        if (text == NULL || *text == '\0')
            return text != NULL && i > 0;
    }
    return false;
}

static const struct foreign_tool *find_tool(const char *text, size_t length)
{
    for (size_t i = 0; i < inlay_tool_count; i++) {
        const char *name = inlay_tools[i].name;
        if (name != NULL && strlen(name) == length && memcmp(name, text, length) == 0)
            return &inlay_tools[i];
    }
    return NULL;
}

/* A tool that only the guard knows. */
static const struct foreign_tool *find_shown(const char *text)
{
    size_t length = strcspn(text, "=");

    for (size_t i = 0; i < inlay_tool_count; i++) {
        const struct foreign_tool *tool = &inlay_tools[i];
        if (tool->name == NULL && tool->shown != NULL && strlen(tool->shown) == length &&
            strncasecmp(tool->shown, text, length) == 0)
            return tool;
    }
    return NULL;
}

static int refuse_source(const char *text, struct inlay_error *err)
{
    const struct foreign_tool *shown = find_shown(text);

    if (shown != NULL) {
        inlay_error_set(err, INLAY_E_ARGUMENT,
                        "%s does not record which files were applied, so its table says too little",
                        shown->shown);
        inlay_text_put(err->hint, sizeof err->hint,
                       "say it yourself: --migrate-baseline VERSION takes every version up to that "
                       "one as applied; or --migrate-adopt 'query=SELECT ...'");
        return err->code;
    }
    inlay_error_set(err, INLAY_E_ARGUMENT,
                    "what is adopted is TOOL, TOOL=SCHEMA.TABLE or query=SELECT ...");
    inlay_text_put(err->hint, sizeof err->hint, "tools are ");
    for (size_t i = 0; i < inlay_tool_count; i++)
        if (inlay_tools[i].name != NULL)
            inlay_text_add(err->hint, sizeof err->hint, "%s%s%s", i > 0 ? ", " : "",
                           inlay_tools[i].name,
                           inlay_tools[i].table == NULL ? " (with its table)" : "");
    return err->code;
}

static bool parse_query(const char *text, struct foreign_source *source)
{
    static const char word[] = "query=";

    source->tool = &inlay_tool_of_a_query;
    source->query = text + strlen(word);
    return strncmp(text, word, strlen(word)) == 0 &&
           source->query[strspn(source->query, " \t\r\n;")] != '\0';
}

const char *inlay_foreign_table(const struct foreign_tool *tool)
{
    const char *dot = strchr(tool->table, '.');

    return dot != NULL ? dot + 1 : tool->table;
}

/* Where the tool puts it. */
static bool put_own_table(struct foreign_source *source)
{
    const char *table = source->tool->table;

    if (table == NULL)
        return false;
    if (strchr(table, '.') != NULL)
        return split_table(table, source);
    inlay_text_put(source->table, sizeof source->table, "%s", table);
    return true;
}

int inlay_foreign_parse(const char *text, struct foreign_source *source, struct inlay_error *err)
{
    memset(source, 0, sizeof *source);
    if (text == NULL)
        return refuse_source("", err);
    size_t length = strcspn(text, "=");
    source->tool = find_tool(text, length);
    bool parsed = source->tool == NULL   ? parse_query(text, source)
                  : text[length] == '\0' ? put_own_table(source)
                                         : split_table(text + length + 1, source);
    return parsed ? INLAY_OK : refuse_source(text, err);
}

const char *inlay_foreign_name(const struct foreign_source *source)
{
    return source->tool->name;
}

/* ---- locks ---- */

/* Of IEEE 802.3, the usual one. */
static uint32_t crc32(const char *text, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* "Flyway" in ASCII, plus what Java makes of "schema"."table"; that is exact for ASCII. */
static int64_t flyway_key(const char *schema, const char *table)
{
    char text[140];
    uint32_t hash = 0;

    inlay_text_put(text, sizeof text, "\"%s\".\"%s\"", schema, table);
    for (const char *c = text; *c != '\0'; c++)
        hash = hash * 31 + (unsigned char)*c;
    int64_t key = INT64_C(0x466c79776179) + (int64_t)hash;
    return hash > INT32_MAX ? key - INT64_C(0x100000000) : key;
}

/* golang-migrate has schema, table and database with NULs between them. Given a URL it takes the
 * path of that for the name of the database, slash included; given a connection, the name. */
size_t inlay_foreign_locks(const struct foreign_source *source, const char *schema,
                           const char *database, int64_t keys[FOREIGN_LOCKS])
{
    const struct foreign_tool *tool = source->tool;
    bool golang = tool->lock_rule == LOCK_GOLANG_MIGRATE;
    char text[200];

    keys[0] = tool->lock_rule == LOCK_FLYWAY ? flyway_key(schema, source->table) : tool->lock;
    if (tool->lock_rule == LOCK_KEY || tool->lock_rule == LOCK_FLYWAY)
        return keys[0] != 0;
    for (int i = 0; i <= golang; i++) {
        int length = snprintf(text, sizeof text, "%s%c%s%c%s%s", schema, 0, source->table, 0,
                              i == 0 ? "/" : "", database);
        uint32_t crc = crc32(golang ? text : database, golang ? (size_t)length : strlen(database));
        keys[i] = golang ? crc * 1486364155u : tool->lock * crc;
    }
    return golang ? 2 : 1;
}

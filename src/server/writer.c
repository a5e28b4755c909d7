#include "writer.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define REPLACEMENT 0xFFFD

static void write_bytes(struct writer *writer, const char *bytes, size_t length)
{
    if (!writer->failed && evbuffer_add(writer->out, bytes, length) != 0)
        writer->failed = true;
}

void write_text(struct writer *writer, const char *text)
{
    write_bytes(writer, text, strlen(text));
}

void write_format(struct writer *writer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (!writer->failed && evbuffer_add_vprintf(writer->out, format, arguments) < 0)
        writer->failed = true;
    va_end(arguments);
}

/* ---- characters ---- */

struct character {
    uint32_t code;
    const char *bytes;
    size_t length;
};

static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first < 0xE0)
        return 2;
    if (first >= 0xE0 && first < 0xF0)
        return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

static bool is_scalar(uint32_t code, size_t length)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    return code >= smallest[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

/* The next character of a text that is not at its end; a byte that begins none is a replacement
 * character of its own. */
static struct character take(const char **text)
{
    const struct character invalid = {REPLACEMENT, "\xEF\xBF\xBD", 3};
    const char *bytes = *text;
    size_t length = sequence_length((unsigned char)bytes[0]);

    *text = bytes + 1;
    if (length == 1)
        return (struct character){(unsigned char)bytes[0], bytes, 1};
    if (length == 0)
        return invalid;
    uint32_t code = (unsigned char)bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)bytes[i] & 0xC0u) != 0x80u)
            return invalid;
        code = code << 6 | ((unsigned char)bytes[i] & 0x3Fu);
    }
    if (!is_scalar(code, length))
        return invalid;
    *text = bytes + length;
    return (struct character){code, bytes, length};
}

/* C0, DEL and C1 steer a terminal; the others make a name read as another one. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C ||
           (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* ---- escaping ---- */

static void write_character(struct writer *writer, const struct character *c, const char *keep)
{
    bool kept = c->code < 0x80 && strchr(keep, (int)c->code) != NULL;

    if (!is_control(c->code) || kept)
        write_bytes(writer, c->bytes, c->length);
    else
        write_format(writer, c->code < 0x80 ? "\\x%02" PRIx32 : "\\u%04" PRIx32, c->code);
}

void write_plain(struct writer *writer, const char *text, const char *keep)
{
    while (*text != '\0') {
        struct character c = take(&text);
        write_character(writer, &c, keep);
    }
}

static const char *html_entity(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void write_html(struct writer *writer, const char *text, const char *keep)
{
    while (*text != '\0') {
        struct character c = take(&text);
        const char *entity = html_entity(c.code);
        if (entity != NULL)
            write_text(writer, entity);
        else
            write_character(writer, &c, keep);
    }
}

void write_json(struct writer *writer, const char *text)
{
    if (text == NULL) {
        write_text(writer, "null");
        return;
    }
    write_text(writer, "\"");
    while (*text != '\0') {
        struct character c = take(&text);
        if (c.code == '"' || c.code == '\\')
            write_format(writer, "\\%c", (int)c.code);
        else if (is_control(c.code))
            write_format(writer, "\\u%04" PRIx32, c.code);
        else
            write_bytes(writer, c.bytes, c.length);
    }
    write_text(writer, "\"");
}

/* ---- words ---- */

void write_duration(struct writer *writer, int64_t milliseconds)
{
    int64_t seconds = milliseconds / 1000;

    if (seconds < 1)
        write_format(writer, "%" PRId64 " ms", milliseconds);
    else if (seconds < 60)
        write_format(writer, "%" PRId64 ".%" PRId64 " s", seconds, milliseconds % 1000 / 100);
    else if (seconds < 3600)
        write_format(writer, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    else
        write_format(writer, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds % 3600 / 60);
}

void write_version(struct writer *writer, const struct inlay_migration *migration)
{
    const char *slash = strrchr(migration->up.path, '/');
    const char *file = slash != NULL ? slash + 1 : migration->up.path;

    write_bytes(writer, file, strspn(file, "0123456789"));
}

void write_label(struct writer *writer, const struct inlay_migration *migration)
{
    write_version(writer, migration);
    write_text(writer, "_");
    write_plain(writer, migration->name, "");
}

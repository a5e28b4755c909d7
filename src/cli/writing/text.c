/* Makes names and server messages safe to print on a terminal, and counts the columns they take. */
#include "writing/text.h"

#include <inlay.h>
#include <inttypes.h>
#include <string.h>

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

uint32_t inlay_cli_text_next(const char **text, const char *end)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)(*text)++;
    size_t length = sequence_length(bytes[0]);
    if (length == 1)
        return bytes[0];
    if (length == 0 || (size_t)(end - *text) < length - 1)
        return TEXT_REPLACEMENT;
    uint32_t character = bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return TEXT_REPLACEMENT;
        character = character << 6 | (bytes[i] & 0x3Fu);
    }
    if (character < smallest[length] || character > 0x10FFFF ||
        (character >= 0xD800 && character <= 0xDFFF))
        return TEXT_REPLACEMENT;
    *text += length - 1;
    return character;
}

void inlay_cli_text_encode(struct buffer *out, uint32_t character)
{
    char bytes[4];
    size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length; i-- > 1;) {
        bytes[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    bytes[0] = (char)(first[length] | character);
    inlay_cli_buffer_add(out, bytes, length);
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t character)
{
    for (size_t i = 0; i < count && character >= ranges[i].first; i++) {
        if (character <= ranges[i].last)
            return true;
    }
    return false;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* wcwidth() answers for the process's locale, which belongs to the host program and is "C" unless
 * it says otherwise. These ranges are coarse and enough to align a table. */
static size_t character_width(uint32_t character)
{
    static const struct range zero[] = {
        {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},   {0x64B, 0x65F},
        {0x93C, 0x93C},   {0x941, 0x948},   {0x94D, 0x94D},   {0xE31, 0xE31},   {0xE34, 0xE3A},
        {0xE47, 0xE4E},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D}, {0x20D0, 0x20F0},
        {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    };
    static const struct range wide[] = {
        {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x4DBF},   {0x4E00, 0xA4CF},
        {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
        {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
        {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
    };
    if (in_ranges(zero, COUNT(zero), character))
        return 0;
    return in_ranges(wide, COUNT(wide), character) ? 2 : 1;
}

size_t inlay_cli_text_width(const char *text)
{
    const char *end = text + strlen(text);
    size_t width = 0;
    while (text < end)
        width += character_width(inlay_cli_text_next(&text, end));
    return width;
}

void inlay_cli_text_cut(struct buffer *out, const char *text, size_t columns)
{
    const char *start = text, *end = text + strlen(text), *next = text;
    while (text < end) {
        size_t width = character_width(inlay_cli_text_next(&next, end));
        if (width > columns)
            break;
        columns -= width;
        text = next;
    }
    inlay_cli_buffer_add(out, start, (size_t)(text - start));
}

void inlay_cli_text_shorten(struct buffer *out, const char *text, size_t columns)
{
    static const char dots[] = "...";
    size_t width = inlay_cli_text_width(text);
    if (width <= columns || columns < sizeof dots) {
        inlay_cli_text_cut(out, text, columns);
        return;
    }
    const char *end = text + strlen(text), *rest = text;
    size_t kept = columns - (sizeof dots - 1);
    while (width > kept / 2)
        width -= character_width(inlay_cli_text_next(&rest, end));
    inlay_cli_text_cut(out, text, kept - kept / 2);
    inlay_cli_buffer_text(out, dots);
    inlay_cli_buffer_text(out, rest);
}

/* C0, DEL and C1 steer a terminal; bidirectional controls reorder what is read; characters without
 * a width make two names look alike. */
bool inlay_cli_text_is_hidden(uint32_t character)
{
    static const struct range ranges[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},       {0x61C, 0x61C},
        {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},
        {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
    };
    return in_ranges(ranges, COUNT(ranges), character);
}

void inlay_cli_text_escape(struct buffer *out, const char *text, const char *keep)
{
    const char *end = text + strlen(text);
    while (text < end) {
        uint32_t character = inlay_cli_text_next(&text, end);
        if (!inlay_cli_text_is_hidden(character) ||
            (character < 0x80 && strchr(keep, (int)character)))
            inlay_cli_text_encode(out, character);
        else
            inlay_cli_buffer_format(out, character < 0x80 ? "\\x%02" PRIx32 : "\\u%04" PRIx32,
                                    character);
    }
}

void inlay_cli_text_duration(struct buffer *out, int64_t milliseconds)
{
    int64_t seconds = milliseconds / 1000;
    if (seconds < 1)
        inlay_cli_buffer_format(out, "%" PRId64 " ms", milliseconds);
    else if (seconds < 60)
        inlay_cli_buffer_format(out, "%" PRId64 ".%" PRId64 " s", seconds,
                                milliseconds % 1000 / 100);
    else if (seconds < 3600)
        inlay_cli_buffer_format(out, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    else
        inlay_cli_buffer_format(out, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
                                seconds % 3600 / 60);
}

void inlay_cli_text_bytes(struct buffer *out, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    size_t unit = 0;
    int64_t tenths = bytes / 100;
    for (; tenths >= 10000 && unit + 1 < COUNT(units); unit++)
        tenths /= 1000;
    if (bytes < 1000)
        inlay_cli_buffer_format(out, "%" PRId64 " bytes", bytes);
    else
        inlay_cli_buffer_format(out, "%" PRId64 ".%" PRId64 " %s", tenths / 10, tenths % 10,
                                units[unit]);
}

void inlay_cli_text_count(struct buffer *out, size_t count, const char *noun)
{
    inlay_cli_buffer_format(out, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

void inlay_cli_text_size(struct buffer *out, const struct inlay_set *set)
{
    if (set->migration_count > 0 || set->repeatable_count == 0)
        inlay_cli_text_count(out, set->migration_count, "migration");
    if (set->migration_count > 0 && set->repeatable_count > 0)
        inlay_cli_buffer_text(out, " and ");
    if (set->repeatable_count > 0)
        inlay_cli_text_count(out, set->repeatable_count, "repeatable");
}

void inlay_cli_text_version(struct buffer *out, const struct inlay_migration *migration)
{
    const char *slash = strrchr(migration->up.path, '/');
    const char *file = slash ? slash + 1 : migration->up.path;
    size_t digits = strspn(file, "0123456789");

    if (migration->version == INLAY_REPEATABLE)
        inlay_cli_buffer_text(out, TEXT_REPEATABLE);
    else if (digits > 0)
        inlay_cli_buffer_add(out, file, digits);
    else
        inlay_cli_buffer_format(out, "%" PRId64, migration->version);
}

void inlay_cli_text_label(struct buffer *out, const struct inlay_migration *migration)
{
    inlay_cli_text_version(out, migration);
    inlay_cli_buffer_text(out, migration->version == INLAY_REPEATABLE ? "" : "_");
    inlay_cli_text_escape(out, migration->name, "");
}

bool inlay_cli_text_has_down(const struct inlay_migration *migration)
{
    return migration->down.text || migration->down.function;
}

void inlay_cli_text_up_to_date(struct buffer *out, const struct inlay_set *set)
{
    inlay_cli_buffer_text(out, "up to date: ");
    if (set->migration_count + set->repeatable_count == 0) {
        inlay_cli_buffer_text(out, "this binary has no migrations");
        return;
    }
    inlay_cli_text_size(out, set);
    if (set->migration_count == 0)
        return;
    inlay_cli_buffer_text(out, ", the newest is ");
    inlay_cli_text_label(out, inlay_set_migration(set, set->migration_count - 1));
}

void inlay_cli_text_error(struct buffer *out, const struct inlay_error *err)
{
    char text[INLAY_ERROR_TEXT_MAX];
    inlay_error_format(err, text, sizeof text);
    inlay_cli_text_escape(out, text, "\n\t");
}

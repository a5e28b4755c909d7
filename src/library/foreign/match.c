/* Finds the migration that another tool means by a number or a name. Tools write the name of a file
 * with its ending or without, with spaces or dashes for underscores: letters and digits count. */
#include "foreign/match.h"
#include "base/text.h"

#include <string.h>

/* ---- texts ---- */

struct piece {
    const char *text;
    size_t length;
};

static bool ends(struct piece piece, const char *with)
{
    size_t length = strlen(with);

    return piece.length > length && memcmp(piece.text + piece.length - length, with, length) == 0;
}

/* Behind the last slash, without the endings of files. */
static struct piece base_of(const char *text)
{
    static const char *const endings[] = {".sql", ".js", ".ts", ".mjs",
                                          ".cjs", ".py", ".up", ".do"};
    const char *slash = strrchr(text, '/');
    const char *name = slash != NULL ? slash + 1 : text;
    struct piece base = {name, strlen(name)};

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends(base, endings[i]))
            base.length -= strlen(endings[i]);
    return base;
}

static struct piece less(struct piece piece, size_t length)
{
    return (struct piece){piece.text + length, piece.length - length};
}

static size_t digits_of(struct piece piece)
{
    size_t count = strspn(piece.text, "0123456789");

    return count < piece.length ? count : piece.length;
}

/* The next letter or digit, in lower case; 0: none is left. */
static unsigned char next_letter(struct piece *piece)
{
    while (piece->length > 0) {
        unsigned char c = (unsigned char)*piece->text;
        *piece = less(*piece, 1);
        if (c >= 'A' && c <= 'Z')
            return (unsigned char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80)
            return c;
    }
    return 0;
}

static bool is_same(struct piece a, struct piece b)
{
    unsigned char c;

    do {
        c = next_letter(&a);
        if (c != next_letter(&b))
            return false;
    } while (c != 0);
    return true;
}

/* ---- versions ---- */

enum { NUMBERS = 4 };

/* Up to four numbers with points between them, as in 2.0.1 or in 3; how many, and 0 for anything
 * else. `*end` is behind them. */
static size_t split(const char *text, int64_t parts[NUMBERS], const char **end)
{
    for (size_t count = 0; count < NUMBERS; text++) {
        size_t length = strspn(text, "0123456789");
        if (length == 0 || length > 9)
            return 0;
        for (; length > 0; length--)
            parts[count] = parts[count] * 10 + (*text++ - '0');
        count++;
        *end = text;
        if (*text != '.')
            return count;
    }
    return 0;
}

/* As gen/inlay_gen/layouts/common/versions.py does. */
static bool number_points(const char *text, int64_t *version, const char **end)
{
    enum { STEP = 10000, FIRST_SMALL = 100000, LONG_STEP = 1000000 };
    const int64_t first_date = 10000000, last_date = 900000000;
    int64_t p[NUMBERS] = {0};
    size_t count = split(text, p, end);

    if (count == 0 || p[2] >= STEP || p[3] >= STEP)
        return false;
    if (p[0] < FIRST_SMALL && p[1] < STEP) {
        *version = ((p[0] * STEP + p[1]) * STEP + p[2]) * STEP + p[3];
        return true;
    }
    if (count == NUMBERS || p[0] < first_date || p[0] > last_date || p[1] >= LONG_STEP)
        return false;
    *version = (p[0] * LONG_STEP + p[1]) * STEP + p[2];
    return true;
}

/* Where versions have points, each name begins with its own: also the newest. */
static bool has_points(const struct inlay_set *set)
{
    const char *end;
    int64_t version;

    if (set->migration_count == 0)
        return false;
    const struct inlay_migration *newest = inlay_set_migration(set, set->migration_count - 1);
    return number_points(newest->name, &version, &end) && version == newest->version;
}

/* ".0.00", or nothing. */
static bool is_zeros(const char *text)
{
    while (text[0] == '.' && text[1] == '0')
        text += 1 + strspn(text + 1, "0");
    return *text == '\0';
}

static bool read_whole(const char *text, size_t digits, int64_t *version)
{
    char whole[24];

    inlay_text_put(whole, sizeof whole, "%.*s", (int)digits, text);
    return digits < sizeof whole && inlay_text_number(whole, version);
}

bool inlay_match_version(const struct inlay_set *set, const char *text, bool points,
                         int64_t *version)
{
    size_t digits = strspn(text, "0123456789");
    const char *end;

    if (!points)
        return inlay_text_number(text, version) && *version >= 0;
    if (!has_points(set) && is_zeros(text + digits))
        return read_whole(text, digits, version);
    return number_points(text, version, &end) && *end == '\0';
}

/* ---- names ---- */

/* With all of its digits. */
static bool is_called_just(const struct inlay_migration *migration, struct piece base)
{
    struct piece name = {migration->name, strlen(migration->name)};

    return strcmp(base.text, migration->sha256) == 0 || is_same(base, name) ||
           (migration->up.path != NULL && is_same(base, base_of(migration->up.path)));
}

static bool is_called(const struct inlay_migration *migration, struct piece base)
{
    struct piece name = {migration->name, strlen(migration->name)};
    size_t digits = digits_of(base);

    return is_called_just(migration, base) || (digits > 0 && is_same(less(base, digits), name));
}

bool inlay_match_differs(const struct inlay_migration *migration, const char *text,
                         const char *version)
{
    struct piece base = base_of(text);
    struct piece name = less(base, digits_of(base));
    size_t written = version != NULL ? strlen(version) : 0;

    if (next_letter(&name) == 0 || is_called(migration, base))
        return false;
    if (written == 0 || strncmp(migration->name, version, written) != 0)
        return true;
    return !is_same(base,
                    (struct piece){migration->name + written, strlen(migration->name + written)});
}

/* The digits in front of a name or an ending. A number alone is no name. */
static bool number_leading(struct piece base, int64_t *version)
{
    size_t length = digits_of(base);

    if (base.text[length] == '\0' || strchr("_-.", base.text[length]) == NULL)
        return false;
    return read_whole(base.text, length, version);
}

/* How many are called so; `*found` is one of them. */
static size_t count_called(const struct inlay_set *set, struct piece base,
                           const struct inlay_migration **found)
{
    size_t count = 0;

    for (size_t i = 0; i < set->migration_count; i++) {
        const struct inlay_migration *migration = inlay_set_migration(set, i);
        if (!is_called(migration, base))
            continue;
        *found = migration;
        count++;
    }
    return count;
}

enum match inlay_match_name(const struct inlay_set *set, const char *text, int64_t *version)
{
    struct piece base = base_of(text);
    bool leading = number_leading(base, version);
    const struct inlay_migration *migration = leading ? inlay_set_find(set, *version) : NULL;

    if (migration != NULL && is_called(migration, base))
        return MATCH_VERSION;
    size_t count = count_called(set, base, &migration);
    if (count == 1)
        *version = migration->version;
    if (count == 1 && leading && !is_called_just(migration, base))
        return MATCH_OTHER_NUMBER;
    if (count == 1 || leading)
        return MATCH_VERSION;
    return count > 1 ? MATCH_SEVERAL : MATCH_NONE;
}

/* Reads the value of --migrate-set, with the words that the head of a migration file uses. */
#include "words/settings.h"

#include <stdio.h>
#include <string.h>

/* The server's own limit, 24 days. */
static const int64_t longest_setting_ms = INT32_MAX;

static const struct {
    const char *unit;
    int64_t us;
} units[] = {{"us", 1},
             {"ms", 1000},
             {"", 1000},
             {"s", 1000000},
             {"min", 60000000},
             {"h", INT64_C(3600000000)},
             {"d", INT64_C(86400000000)}};

static int64_t unit_us(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].unit) == length && memcmp(units[i].unit, text, length) == 0)
            return units[i].us;
    }
    return 0;
}

/* "2.50" as 250 and 100; false when there are no digits, or more than any time has. */
static bool read_decimal(const char **text, int64_t *number, int64_t *scale)
{
    const char *start = *text;
    bool point = false;
    *number = 0;
    *scale = 1;
    for (; (**text >= '0' && **text <= '9') || (**text == '.' && !point); (*text)++) {
        point |= **text == '.';
        if (**text == '.')
            continue;
        if (*number > longest_setting_ms * 1000 || *scale > 100000)
            return false;
        *number = *number * 10 + (**text - '0');
        *scale *= point ? 10 : 1;
    }
    return *text > start && *start != '.' && (*text)[-1] != '.';
}

static const char not_a_time[] =
    "%s is a number with one of the units us, ms, s, min, h, d, such as %s=5s";

/* A time in PostgreSQL's units; 0 is the library's word for none. */
static bool read_time(const char *name, const char *text, size_t length, int64_t *ms, char *why,
                      size_t size)
{
    const char *end = text + length;
    int64_t number;
    int64_t scale;
    bool known = read_decimal(&text, &number, &scale);
    int64_t us = known ? unit_us(text, (size_t)(end - text)) : 0;

    if (us == 0)
        snprintf(why, size, not_a_time, name, name);
    else if (number / scale > longest_setting_ms * 1000 / us)
        snprintf(why, size, "%s is at most %lld ms (24 days)", name, (long long)longest_setting_ms);
    else if (number * us % (scale * 1000) != 0)
        snprintf(why, size, "%s is a whole number of milliseconds", name);
    else
        *ms = number == 0 ? INLAY_NO_TIMEOUT : number * us / (scale * 1000);
    return why[0] == '\0';
}

static bool read_isolation(const char *text, size_t length, enum inlay_isolation *isolation,
                           char *why, size_t size)
{
    static const char *const levels[] = {NULL, "read-committed", "repeatable-read", "serializable"};

    for (size_t i = 1; i < sizeof levels / sizeof levels[0]; i++) {
        if (strlen(levels[i]) != length || memcmp(levels[i], text, length) != 0)
            continue;
        *isolation = (enum inlay_isolation)i;
        return true;
    }
    snprintf(why, size, "isolation is one of read-committed, repeatable-read, serializable");
    return false;
}

static bool setting_is_named(const char *word, const char *name)
{
    return strncmp(word, name, strlen(name)) == 0 && word[strlen(name)] == '=';
}

static bool read_word(const char *word, size_t length, struct inlay_options *options, char *why,
                      size_t size)
{
    const char *equals = memchr(word, '=', length);
    const char *value = equals ? equals + 1 : word + length;
    size_t rest = length - (size_t)(value - word);

    if (setting_is_named(word, "lock_timeout"))
        return read_time("lock_timeout", value, rest, &options->lock_timeout_ms, why, size);
    if (setting_is_named(word, "statement_timeout"))
        return read_time("statement_timeout", value, rest, &options->statement_timeout_ms, why,
                         size);
    if (setting_is_named(word, "isolation"))
        return read_isolation(value, rest, &options->isolation, why, size);
    snprintf(why, size, "there are lock_timeout=TIME, statement_timeout=TIME and isolation=LEVEL");
    return false;
}

bool inlay_cli_settings_read(const char *text, struct inlay_options *options, char *why,
                             size_t size)
{
    static const char blank[] = " \t\n";
    why[0] = '\0';
    for (text += strspn(text, blank); *text; text += strspn(text, blank)) {
        size_t length = strcspn(text, blank);
        if (!read_word(text, length, options, why, size))
            return false;
        text += length;
    }
    return true;
}

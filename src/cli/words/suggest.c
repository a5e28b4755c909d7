/* Finds the name that a mistyped one was probably meant to be. */
#include "words/suggest.h"

#include <string.h>

#include "words/options.h"
#include "words/others.h"

#define NAME_MAX_LENGTH 32

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Letters to insert, remove or replace. */
static size_t distance(const char *typed, size_t length, const char *name)
{
    size_t row[NAME_MAX_LENGTH + 1];
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t j = 1; name[j - 1]; j++) {
        size_t diagonal = row[0];
        row[0] = j;
        for (size_t i = 1; i <= length; i++) {
            size_t replaced = diagonal + (typed[i - 1] != name[j - 1]);
            diagonal = row[i];
            row[i] = smallest(replaced, row[i] + 1, row[i - 1] + 1);
        }
    }
    return row[length];
}

struct best {
    const char *name;
    size_t distance;
};

static void consider(struct best *best, const char *typed, size_t length, const char *name)
{
    bool begins = strncmp(name, typed, length) == 0;
    size_t apart = begins ? 1 : distance(typed, length, name);
    if (apart < best->distance) {
        best->distance = apart;
        best->name = name;
    }
}

static const char *nearest(const struct verb *verbs, const char *name, size_t length)
{
    /* A third of the letters may be wrong, and always one. */
    struct best best = {.distance = length / 3 + 2};
    for (const struct verb *verb = verbs; verb->name; verb++)
        consider(&best, name, length, verb->name);
    for (const struct option *option = inlay_cli_options; option->name; option++)
        consider(&best, name, length, option->name);
    return best.name;
}

static void say(struct buffer *out, const char *prefix, const char *text)
{
    for (; *text; text++) {
        if (*text == '@')
            inlay_cli_buffer_text(out, prefix);
        else
            inlay_cli_buffer_add(out, text, 1);
    }
}

/* rollBack and up_to are roll-back and up-to. */
static char spelled(char typed)
{
    if (typed >= 'A' && typed <= 'Z')
        return (char)(typed - 'A' + 'a');
    return typed == '_' ? '-' : typed;
}

void inlay_cli_suggest(struct buffer *out, const struct cli *cli, const char *name, size_t length)
{
    char plain[NAME_MAX_LENGTH];
    if (length == 0 || length > NAME_MAX_LENGTH)
        return;
    for (size_t i = 0; i < length; i++)
        plain[i] = spelled(name[i]);
    const char *other = inlay_cli_others(plain, length);
    const char *near = other ? NULL : nearest(cli->verbs, plain, length);
    if (other)
        say(out, cli->prefix, other);
    else if (near)
        inlay_cli_buffer_format(out, "did you mean %s%s?", cli->prefix, near);
}

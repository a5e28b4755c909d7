#include "words/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "words/environment.h"
#include "words/options.h"
#include "words/others.h"
#include "words/suggest.h"

static void complain(struct cli *cli, const char *format, ...) INLAY_CLI_PRINTF(2, 3);

/* Only the first: what follows a mistake is often its consequence. Values are never repeated, one
 * of them may be a connection string in the wrong place, with its password. */
static void complain(struct cli *cli, const char *format, ...)
{
    if (cli->usage[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cli->usage, sizeof cli->usage, format, arguments);
    va_end(arguments);
}

/* One word of argv, "--migrate-NAME=VALUE". */
struct word {
    const char *name; /* not NUL-terminated */
    size_t length;
    const char *value; /* NULL: no '=' */
};

static const char long_prefix[] = "--migrate-";

static struct word split(const char *text)
{
    const char *name = text;
    if (strncmp(text, long_prefix, sizeof long_prefix - 1) == 0)
        name = text + sizeof long_prefix - 1;
    else
        name = text + strspn(text, "-");
    const char *equals = strchr(name, '=');
    return (struct word){
        .name = name,
        .length = equals ? (size_t)(equals - name) : strlen(name),
        .value = equals ? equals + 1 : NULL,
    };
}

static bool word_is_named(struct word word, const char *name)
{
    return strlen(name) == word.length && memcmp(name, word.name, word.length) == 0;
}

static const struct verb *find_verb(const struct verb *verbs, struct word word)
{
    for (const struct verb *verb = verbs; verb->name; verb++) {
        if (word_is_named(word, verb->name))
            return verb;
    }
    return NULL;
}

static const struct option *find_option(struct word word)
{
    for (const struct option *option = inlay_cli_options; option->name; option++) {
        if (word_is_named(word, option->name))
            return option;
    }
    return NULL;
}

/* As it was typed, as far as that is a name. */
static void complain_unknown(struct cli *cli, const char *text, struct word word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t typed = (size_t)(word.name - text) + word.length;
    size_t shown = strspn(text, plain);
    shown = shown < 40 ? shown : 40;
    const char *dots = shown < typed ? "..." : "";
    struct buffer meant = {0};
    inlay_cli_suggest(&meant, cli, word.name, word.length);
    if (meant.length > 0 && !meant.failed)
        complain(cli, "unknown option %.*s%s (%s)", (int)shown, text, dots, meant.data);
    else
        complain(cli, "unknown option %.*s%s", (int)shown, text, dots);
    inlay_cli_buffer_free(&meant);
}

/* A whole program takes no bare words. Only a verb is repeated, ours or another tool's. */
static void complain_bare(struct cli *cli, const char *text, const char *next)
{
    struct word word = {.name = text, .length = strlen(text)};
    /* "migrate run", "migrate revert": the second word says more. */
    if (word_is_named(word, "migrate") && next && next[0] != '-')
        return;
    struct buffer meant = {0};
    if (find_verb(cli->verbs, word) || inlay_cli_others(text, word.length))
        inlay_cli_suggest(&meant, cli, text, word.length);
    if (meant.length > 0 && !meant.failed)
        complain(cli, "unexpected argument %s (%s)", text, meant.data);
    else
        complain(cli, "unexpected argument: only options are taken");
    inlay_cli_buffer_free(&meant);
}

/* Reads the value of `name` from the word or from the one after it. Returns how many words more
 * than its own it took. */
static int take_value(struct cli *cli, const char *name, enum argument argument, struct word word,
                      const char *next, struct value *value)
{
    const char *text = word.value;
    int taken = 0;
    if (argument == ARGUMENT_NONE) {
        if (text)
            complain(cli, "%s%s takes no value", cli->prefix, name);
        return 0;
    }
    if (argument == ARGUMENT_NAME && !text)
        return 0;
    if (!text && next && strncmp(next, "--", 2) != 0) {
        text = next;
        taken = 1;
    }
    if (!text || !inlay_cli_argument_parse(argument, text, value))
        complain(cli, "%s%s needs %s", cli->prefix, name, inlay_cli_argument_needs(argument));
    return taken;
}

static int take_verb(struct cli *cli, const struct verb *verb, struct word word, const char *next)
{
    if (cli->verb)
        complain(cli, "one verb at a time: %s%s came before %s%s", cli->prefix, cli->verb->name,
                 cli->prefix, verb->name);
    else
        cli->verb = verb;
    return take_value(cli, verb->name, verb->argument, word, next, &cli->argument);
}

static int take_word(struct cli *cli, const char *text, const char *next)
{
    struct word word = split(text);
    const struct verb *verb = find_verb(cli->verbs, word);
    if (verb)
        return take_verb(cli, verb, word, next);
    const struct option *option = find_option(word);
    if (!option) {
        complain_unknown(cli, text, word);
        return 0;
    }
    struct value value = {0};
    int taken = take_value(cli, option->name, option->argument, word, next, &value);
    char why[sizeof cli->usage / 2];
    if (!inlay_cli_options_take(cli, option, value, why, sizeof why))
        complain(cli, "%sset: %s", cli->prefix, why);
    return taken;
}

static bool is_our_option(const struct cli *cli, const char *word)
{
    if (cli->whole)
        return word[0] == '-';
    return strncmp(word, long_prefix, sizeof long_prefix - 1) == 0;
}

#define BACKUPS_KEPT 10

/* Only a reset takes a name for a yes, and nothing else. */
static void check_yes(struct cli *cli)
{
    bool reset = cli->verb && strcmp(cli->verb->name, "reset") == 0;
    if (reset && cli->yes && !cli->yes_name)
        complain(cli, "%sreset needs the name of the database: %syes=DATABASE", cli->prefix,
                 cli->prefix);
    else if (!reset && cli->yes_name)
        complain(cli, "%syes takes no value without %sreset", cli->prefix, cli->prefix);
}

static void find_backup(struct cli *cli)
{
    const char *keep = cli->backup.keep ? NULL : inlay_cli_environment("INLAY_BACKUP_KEEP");
    struct value value = {.number = BACKUPS_KEPT};
    if (!cli->backup.directory)
        cli->backup.directory = inlay_cli_environment("INLAY_BACKUP_DIR");
    if (cli->backup.none)
        cli->backup.directory = NULL;
    if (!cli->backup.directory && cli->backup.required)
        complain(cli, "%sbackup-required needs %sbackup DIR", cli->prefix, cli->prefix);
    if (cli->backup.directory && keep && !inlay_cli_argument_parse(ARGUMENT_COUNT, keep, &value))
        complain(cli, "INLAY_BACKUP_KEEP needs %s", inlay_cli_argument_needs(ARGUMENT_COUNT));
    if (!cli->backup.keep)
        cli->backup.keep = value.number;
}

void inlay_cli_parse(struct cli *cli, int *argc, char **argv)
{
    int kept = 1;
    bool ended = false;
    for (int i = 1; i < *argc; i++) {
        ended |= strcmp(argv[i], "--") == 0;
        if (!ended && is_our_option(cli, argv[i])) {
            i += take_word(cli, argv[i], i + 1 < *argc ? argv[i + 1] : NULL);
            continue;
        }
        if (cli->whole && strcmp(argv[i], "--") != 0)
            complain_bare(cli, argv[i], i + 1 < *argc ? argv[i + 1] : NULL);
        argv[kept++] = argv[i];
    }
    if (*argc > 0) {
        *argc = kept;
        argv[kept] = NULL;
    }
    if (!cli->verb && !cli->whole && (cli->json || cli->backup.directory))
        complain(cli, "%s%s needs a verb", cli->prefix, cli->json ? "json" : "backup");
    check_yes(cli);
    if (cli->verb)
        find_backup(cli);
    if (!cli->options.conninfo)
        cli->options.conninfo = inlay_cli_environment("INLAY_DATABASE_URL");
    if (!cli->options.conninfo)
        cli->options.conninfo = inlay_cli_environment("DATABASE_URL");
}

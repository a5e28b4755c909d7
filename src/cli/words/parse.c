/* Reads argv: takes out what begins with the prefix, and leaves the rest to the program. */
#include "words/parse.h"

#include <stdarg.h>
#include <stddef.h>
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

static const struct verb *find_verb(const struct cli *cli, struct word word)
{
    return inlay_cli_options_find_verb(cli->verbs, word.name, word.length);
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
    if (strcmp(text, "migrate") == 0 && next && next[0] != '-')
        return;
    struct buffer meant = {0};
    if (find_verb(cli, word) || inlay_cli_others(text, word.length))
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
    if (!text && inlay_cli_argument_may_miss(argument, next))
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
    const struct verb *verb = find_verb(cli, word);
    if (verb)
        return take_verb(cli, verb, word, next);
    const struct option *option = inlay_cli_options_find(word.name, word.length);
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

/* The help is asked about a verb or an option that there is. */
static void check_topic(struct cli *cli)
{
    const char *topic = cli->argument.text;
    if (!topic || !cli->verb || cli->verb->argument != ARGUMENT_TOPIC)
        return;
    struct word word = split(topic);
    if (!word.value && (find_verb(cli, word) || inlay_cli_options_find(word.name, word.length)))
        cli->argument.text = word.name;
    else
        complain_unknown(cli, topic, word);
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

/* A verb takes no variable of the environment for what the program knows better. */
static void settle_database(struct cli *cli)
{
    struct inlay_options *options = &cli->options;
    if (options->conninfo != cli->host.conninfo) /* --migrate-database */
        options->connection = NULL;
    if (options->conninfo || options->find_conninfo || options->connection)
        return;
    options->conninfo = inlay_cli_environment("INLAY_DATABASE_URL");
    if (!options->conninfo)
        options->conninfo = inlay_cli_environment("DATABASE_URL");
}

/* What goes with many targets, and what does not. */
static void check_targets(struct cli *cli)
{
    const char *prefix = cli->prefix;
    unsigned uses = cli->verb ? cli->verb->uses : 0;
    if (!cli->targets && (cli->jobs || cli->part))
        complain(cli, "%s%s needs %stargets FILE", prefix, cli->jobs ? "jobs" : "part", prefix);
    if (!cli->targets)
        return;
    if (!(uses & USE_TARGETS))
        complain(cli, "%stargets goes with %sonly, %scheck or %sstatus", prefix, prefix, prefix,
                 prefix);
    if (cli->jobs && !(uses & USE_COMMIT))
        complain(cli, "%sjobs goes with %sonly", prefix, prefix);
    if (cli->backup.directory && uses & USE_BACKUP)
        complain(cli, "no backup is made of many targets: make one before, and say %sno-backup",
                 prefix);
    if (cli->options.connection)
        complain(cli,
                 "%stargets needs a connection string, %sdatabase URL: the program gives a "
                 "connection",
                 prefix, prefix);
}

static void finish_reading(struct cli *cli)
{
    if (!cli->verb && !cli->whole && (cli->json || cli->backup.directory))
        complain(cli, "%s%s needs a verb", cli->prefix, cli->json ? "json" : "backup");
    check_yes(cli);
    check_topic(cli);
    if (cli->verb)
        find_backup(cli);
    settle_database(cli);
    check_targets(cli);
}

/* Moves an option, with its value, behind all other words. */
static void move_back(char **words, int length, int count)
{
    char *moved[2];
    memcpy(moved, words, (size_t)count * sizeof *moved);
    memmove(words, words + count, (size_t)(length - count) * sizeof *words);
    memcpy(words + length - count, moved, (size_t)count * sizeof *moved);
}

void inlay_cli_parse(struct cli *cli, int *argc, char **argv)
{
    int kept = *argc;
    bool ended = false;
    for (int i = 1; i < kept;) {
        const char *next = i + 1 < kept ? argv[i + 1] : NULL;
        ended |= strcmp(argv[i], "--") == 0;
        if (!ended && is_our_option(cli, argv[i])) {
            int taken = 1 + take_word(cli, argv[i], next);
            move_back(argv + i, *argc - i, taken);
            kept -= taken;
            continue;
        }
        if (cli->whole && strcmp(argv[i], "--") != 0)
            complain_bare(cli, argv[i], next);
        i++;
    }
    if (kept < *argc) {
        memmove(argv + kept + 1, argv + kept, (size_t)(*argc - kept) * sizeof *argv);
        argv[kept] = NULL;
    }
    *argc = kept;
    finish_reading(cli);
}

/* No program has as many, whatever its age. */
#define MOST_SIZE 65536

/* Of a program of another age what both know; what only the program knows must be zero. */
static void take_defaults(struct cli *cli, const struct inlay_options *defaults)
{
    const size_t known = sizeof cli->host;
    size_t size = defaults->size;
    if (size < offsetof(struct inlay_options, conninfo) || size > MOST_SIZE) {
        complain(cli, "the program's options have the size %zu, not sizeof(struct inlay_options)",
                 size);
        return;
    }
    for (size_t i = known; i < size; i++) {
        if (((const char *)defaults)[i] != 0)
            complain(cli, "the program's options say what this inlay (%s) does not know",
                     INLAY_VERSION);
    }
    memcpy(&cli->host, defaults, size < known ? size : known);
    cli->host.size = known;
    cli->options = cli->host;
}

void inlay_cli_parse_again(struct cli *cli, const struct inlay_options *defaults, int count,
                           char *const *words)
{
    if (defaults)
        take_defaults(cli, defaults);
    for (int i = 0; i < count; i++)
        i += take_word(cli, words[i], i + 1 < count ? words[i + 1] : NULL);
    finish_reading(cli);
}

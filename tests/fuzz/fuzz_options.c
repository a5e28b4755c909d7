/* A command line: the first line "main" or anything else for a host's, then a word on each line. In
 * a word @ stands for a URL with the secret, # for keywords with it. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "verbs/verbs.h"
#include "words/parse.h"

enum { WORDS_MOST = 24 };

struct words {
    int count;
    char *all[WORDS_MOST + 2];
};

static char *expand(const char *word)
{
    static const char url[] = "postgresql://me:" FUZZ_SECRET "@db/app";
    static const char keywords[] = "host=db password=" FUZZ_SECRET;
    char *expanded = calloc(strlen(word) + 1, sizeof url);
    size_t length = 0;

    fuzz_require(expanded != NULL && sizeof url >= sizeof keywords, "there is memory");
    for (const char *c = word; *c != '\0'; c++) {
        const char *text = *c == '@' ? url : *c == '#' ? keywords : NULL;
        if (text == NULL) {
            expanded[length++] = *c;
            continue;
        }
        strcpy(expanded + length, text);
        length += strlen(text);
    }
    return expanded;
}

/* False where a word is the secret itself: the name of an option is shown. */
static bool take_words(struct input *input, struct words *words)
{
    bool honest = true;

    words->all[words->count++] = fuzz_join("/opt/app", NULL);
    while (input->left > 0 && words->count <= WORDS_MOST) {
        char *word = fuzz_line(input);
        honest = honest && strstr(word, FUZZ_SECRET) == NULL;
        words->all[words->count++] = expand(word);
        free(word);
    }
    return honest;
}

static void require_printable(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        fuzz_require(*c >= ' ' && *c <= '~', "what is wrong is said in plain letters");
}

static bool is_duration(int64_t ms)
{
    return ms >= INLAY_NO_WAIT && ms <= INT64_C(366) * 24 * 3600 * 1000;
}

static void require_argument(const struct cli *cli)
{
    int64_t number = cli->argument.number;

    switch (cli->verb->argument) {
    case ARGUMENT_COUNT:
        fuzz_require(number > 0, "a count is positive");
        break;
    case ARGUMENT_DURATION:
        fuzz_require(number >= 0 && is_duration(number), "a wait ends");
        break;
    case ARGUMENT_PLACE:
        fuzz_require(inlay_cli_argument_statement(cli->argument) > 0, "statements count from 1");
        /* fall through */
    default:
        fuzz_require(number >= 0, "versions are not negative");
    }
}

static void require_sense(const struct cli *cli)
{
    const struct inlay_options *options = &cli->options;

    fuzz_require(is_duration(options->lock_wait_ms) && is_duration(options->connect_wait_ms) &&
                     is_duration(options->retry_ms),
                 "a wait ends");
    fuzz_require(cli->verb == NULL || cli->backup.keep > 0, "one backup is kept");
    if (options->history != NULL)
        fuzz_require_secrecy(options->history);
    if (cli->verb != NULL)
        require_argument(cli);
}

/* What is left is a part of what was there, in its order. */
static void require_rest(const struct words *words, int argc, char *const *argv, bool whole)
{
    int at = 0;

    fuzz_require(argc >= 1 && argc <= words->count && argv[argc] == NULL, "argv ends with NULL");
    for (int i = 0; i < argc; i++) {
        while (at < words->count && words->all[at] != argv[i])
            at++;
        fuzz_require(at < words->count, "the rest is left in its order");
        if (whole || strcmp(argv[i], "--") == 0)
            break;
        fuzz_require(i == 0 || strncmp(argv[i], "--migrate-", 10) != 0, "ours are taken out");
    }
}

/* The second of two steps reads what the first one has taken. */
static void require_the_same(const struct words *words, const struct cli *first, int argc,
                             char **argv)
{
    struct cli again = {.verbs = inlay_cli_verbs, .prefix = "--migrate-"};

    inlay_cli_parse_again(&again, NULL, words->count - argc, argv + argc + 1);
    fuzz_require(strcmp(first->usage, again.usage) == 0 && first->verb == again.verb &&
                     first->argument.number == again.argument.number &&
                     first->options.conninfo == again.options.conninfo &&
                     first->options.history == again.options.history && first->json == again.json &&
                     first->yes == again.yes,
                 "what was taken says the same again");
}

static void parse(const struct words *words, bool whole)
{
    char *argv[WORDS_MOST + 2];
    int argc = words->count;
    struct cli cli = {
        .verbs = inlay_cli_verbs, .prefix = whole ? "--" : "--migrate-", .whole = whole};

    memcpy(argv, words->all, sizeof argv);
    inlay_cli_parse(&cli, &argc, argv);
    fuzz_require_secrecy(cli.usage);
    require_printable(cli.usage);
    require_rest(words, argc, argv, whole);
    if (cli.usage[0] == '\0')
        require_sense(&cli);
    if (!whole)
        require_the_same(words, &cli, argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    struct words words = {0};
    char *kind = fuzz_line(&input);

    if (take_words(&input, &words))
        parse(&words, strcmp(kind, "main") == 0);
    for (int i = 0; i < words.count; i++)
        free(words.all[i]);
    free(kind);
    return 0;
}

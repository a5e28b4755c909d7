/* The reference server: a word on each line of its own command line, where @ stands for a URL with
 * the secret; and the whole as a name on its way to a page, a log and a JSON document. */
#include "fuzz.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/server/arguments.h"
#include "../../src/server/log.h"

enum { WORDS_MOST = 8 };

/* ---- in the place of log.c: lines are looked at, not written ---- */

static char *end_text(struct writer *writer)
{
    size_t length = evbuffer_get_length(writer->out);
    char *text = calloc(length + 1, 1);

    fuzz_require(text != NULL && !writer->failed, "there is memory");
    evbuffer_remove(writer->out, text, length);
    evbuffer_free(writer->out);
    return text;
}

struct writer log_begin(void)
{
    return (struct writer){.out = evbuffer_new()};
}

void log_end(struct writer *line)
{
    char *text = end_text(line);

    fuzz_require_secrecy(text);
    for (const char *c = text; *c != '\0'; c++)
        fuzz_require((unsigned char)*c >= ' ' || c[1] == '\0', "a log line is one line");
    free(text);
}

void log_line(const char *prefix, const char *text)
{
    (void)prefix;
    (void)text;
}

/* ---- what is read and written ---- */

static void require_address(const struct address *address)
{
    fuzz_require(address->host[0] != '\0' && strlen(address->host) < sizeof address->host,
                 "an address has a host");
    fuzz_require(address->port[0] != '\0' && atol(address->port) <= 65535, "a port is one");
}

static void parse(char **argv, int argc)
{
    struct arguments arguments;

    if (arguments_parse(argc, argv, &arguments))
        require_address(&arguments.listen);
}

static char *expand(char *word)
{
    char *at = strchr(word, '@');

    if (at == NULL)
        return word;
    *at = '\0';
    char *expanded = fuzz_join(word, "postgresql://me:" FUZZ_SECRET "@db/app", at + 1, NULL);
    free(word);
    return expanded;
}

static void take_arguments(struct input input)
{
    char *argv[WORDS_MOST + 1] = {fuzz_join("server", NULL)};
    int argc = 1;
    bool honest = true;

    for (; input.left > 0 && argc < WORDS_MOST; argc++) {
        argv[argc] = fuzz_line(&input);
        honest = honest && strstr(argv[argc], FUZZ_SECRET) == NULL;
        argv[argc] = expand(argv[argc]);
    }
    char *words[WORDS_MOST + 1];
    memcpy(words, argv, sizeof words);
    if (honest)
        parse(words, argc);
    while (argc > 0)
        free(argv[--argc]);
}

static void write_name(void (*write)(struct writer *writer, const char *text), const char *text,
                       const char *unsafe)
{
    struct writer writer = log_begin();

    write(&writer, text);
    char *written = end_text(&writer);
    fuzz_require(strpbrk(written, unsafe) == NULL, "a name does nothing where it is shown");
    free(written);
}

static void write_page(struct writer *writer, const char *text)
{
    write_html(writer, text, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};

    take_arguments(input);
    char *text = fuzz_rest(&input);
    write_name(write_page, text, "<>\"'\n\r\t\x1b\x7f");
    write_name(write_json, text, "\n\r\t\x1b\x7f");
    free(text);
    return 0;
}

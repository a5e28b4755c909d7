/* The reference server: a word on each line of its own command line, where @ stands for a URL with
 * the secret. The first line as the path of a request for tickets too, the rest as its parameters,
 * and as a name on its way to a page. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/server/arguments.h"
#include "../../src/server/log.h"
#include "../../src/server/page.h"
#include "../../src/server/tickets.h"

enum { WORDS_MOST = 8 };

/* ---- in the place of log.c: lines are looked at, not written ---- */

void log_write(struct buffer *line)
{
    fuzz_require(line->data != NULL && !line->failed, "there is memory");
    fuzz_require_secrecy(line->data);
    for (const char *c = line->data; *c != '\0'; c++)
        fuzz_require((unsigned char)*c >= ' ' || c[1] == '\0', "a log line is one line");
    inlay_cli_buffer_free(line);
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

static void require_values(const struct ticket *ticket)
{
    for (int i = 0; i < ticket->job.value_count; i++)
        fuzz_require(ticket->job.values[i] == NULL || ticket->job.values[i][0] != '\0',
                     "a value is not empty");
    fuzz_require(strspn(ticket->id, "0123456789") == strlen(ticket->id), "an ID is a number");
}

static void take_request(const char *path, const char *parameters)
{
    static const enum evhttp_cmd_type methods[] = {EVHTTP_REQ_GET, EVHTTP_REQ_POST};
    struct ticket ticket;

    for (size_t i = 0; ticket_has(path) && i < 2; i++) {
        struct verdict verdict = ticket_read(&ticket, methods[i], path, parameters);
        fuzz_require((verdict.status == HTTP_OK) == (verdict.error == NULL), "an error says why");
        if (verdict.status == HTTP_OK)
            require_values(&ticket);
        ticket_finish(&ticket);
    }
}

static void show_name(const char *text)
{
    struct buffer page = {0};

    write_html(&page, text, "");
    fuzz_require(page.data == NULL || strpbrk(page.data, "<>\"'\n\r\t\x1b\x7f") == NULL,
                 "a name does nothing where it is shown");
    inlay_cli_buffer_free(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};

    take_arguments(input);
    char *path = fuzz_line(&input);
    char *text = fuzz_rest(&input);
    take_request(path, text);
    show_name(text);
    free(path);
    free(text);
    return 0;
}

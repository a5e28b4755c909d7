/* Reads the targets from a file, from stdin, or from the database that the options name. */
#include "targets/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool begins_with(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(text, word, length) == 0 && isspace((unsigned char)text[length]);
}

/* A file whose name begins so can be given as ./NAME. */
static bool is_query(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return begins_with(text, "select") || begins_with(text, "with");
}

/* ---- a query ---- */

struct rows {
    struct list *list;
    struct answer *answer;
    size_t count;
    bool failed;
};

static void add_row(void *user, const struct inlay_many_target *target)
{
    struct rows *rows = user;
    rows->count++;
    if (!rows->failed)
        rows->failed = !inlay_cli_list_add(rows->list, rows->count, target, rows->answer);
}

static bool ask_rows(const struct cli *cli, struct list *list, struct answer *answer)
{
    struct rows rows = {.list = list, .answer = answer};
    struct inlay_error error;
    list->source = "the query for targets";
    list->has_rows = true;
    int code = inlay_many_select(&cli->options, cli->targets, add_row, &rows, &error);
    if (code != INLAY_OK) { /* else the answer says already which row it was */
        answer->code = code;
        answer->error = error;
    }
    return code == INLAY_OK && !rows.failed;
}

/* ---- lines ---- */

static bool fail_reading(const struct list *list, struct answer *answer)
{
    if (errno == EINTR) {
        inlay_cli_answer_fail(answer, INLAY_E_STOPPED, "stopped on request");
        return false;
    }
    inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "the targets in %s cannot be read: %s",
                          list->source, strerror(errno));
    return false;
}

static bool refuse_nul(const struct list *list, size_t number, struct answer *answer)
{
    inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "%s is no text: line %zu has a NUL byte",
                          list->source, number);
    return false;
}

/* A text of so many bytes, taken apart in place. */
static bool take_lines(struct list *list, char *text, size_t length, struct answer *answer)
{
    static const char mark[] = "\xEF\xBB\xBF";
    bool good = true;
    if (length == 0)
        return true;
    char *end = text + length;
    if (length >= 3 && memcmp(text, mark, 3) == 0)
        text += 3;
    for (size_t number = 1; good && text < end; number++) {
        char *newline = memchr(text, '\n', (size_t)(end - text));
        char *next = newline ? newline + 1 : end;
        char *last = newline ? newline : end;
        if (last > text && last[-1] == '\r')
            last--;
        *last = '\0';
        good = strlen(text) == (size_t)(last - text) || refuse_nul(list, number, answer);
        good = good && inlay_cli_list_add_line(list, number, text, answer);
        text = next;
    }
    return good;
}

/* The next bytes; 0 at the end; -1 with errno: EINTR where a signal stops us. */
static ssize_t read_some(int stop_fd, int fd, char *some, size_t size)
{
    for (;;) {
        struct pollfd ends[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        int ready = poll(ends, 2, -1);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready > 0 && ends[0].revents)
            errno = EINTR;
        if (ready < 0 || ends[0].revents)
            return -1;
        ssize_t got = read(fd, some, size);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR))
            return got;
    }
}

static bool read_lines(const struct cli *cli, int fd, struct list *list, struct answer *answer)
{
    struct buffer text = {0};
    char some[8192];
    bool good = false;
    ssize_t got;
    while ((got = read_some(cli->options.stop_fd, fd, some, sizeof some)) > 0)
        inlay_cli_buffer_add(&text, some, (size_t)got);
    if (got < 0)
        good = fail_reading(list, answer);
    else if (text.failed)
        inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    else
        good = take_lines(list, text.data, text.length, answer);
    inlay_cli_buffer_free(&text);
    return good;
}

static bool read_file(const struct cli *cli, struct list *list, struct answer *answer)
{
    list->source = cli->targets;
    /* Opening a named pipe would wait for its writer, and no signal would end that. */
    int fd = open(cli->targets, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail_reading(list, answer);
    bool good = read_lines(cli, fd, list, answer);
    close(fd);
    return good;
}

bool inlay_cli_source(const struct cli *cli, struct list *list, struct answer *answer)
{
    bool good;
    if (is_query(cli->targets)) {
        good = ask_rows(cli, list, answer);
    } else if (strcmp(cli->targets, "-") == 0) {
        list->source = "stdin";
        good = read_lines(cli, STDIN_FILENO, list, answer);
    } else {
        good = read_file(cli, list, answer);
    }
    return good && inlay_cli_list_check(list, answer);
}

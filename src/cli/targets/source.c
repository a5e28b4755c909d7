/* Reads the targets from a file, from stdin, or from the database that the options name. */
#include "targets/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_query(const char *text)
{
    return strncasecmp(text, "select", 6) == 0 && (text[6] == ' ' || text[6] == '\n');
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

static bool read_lines(FILE *file, struct list *list, struct answer *answer)
{
    struct buffer text = {0};
    char some[8192];
    bool good = false;
    errno = 0;
    for (size_t got; (got = fread(some, 1, sizeof some, file)) > 0;)
        inlay_cli_buffer_add(&text, some, got);
    if (ferror(file))
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
    FILE *file = fopen(cli->targets, "re");
    if (!file)
        return fail_reading(list, answer);
    bool good = read_lines(file, list, answer);
    fclose(file);
    return good;
}

bool inlay_cli_source(const struct cli *cli, struct list *list, struct answer *answer)
{
    bool good;
    if (is_query(cli->targets)) {
        good = ask_rows(cli, list, answer);
    } else if (strcmp(cli->targets, "-") == 0) {
        list->source = "stdin";
        good = read_lines(stdin, list, answer);
    } else {
        good = read_file(cli, list, answer);
    }
    return good && inlay_cli_list_check(list, answer);
}

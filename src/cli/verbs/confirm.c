/* A question on the terminal. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"

static bool can_ask(const struct cli *cli)
{
    return !cli->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Waits for a byte of the answer: 1, 0 at its end, -1 when a signal came instead. */
static int next_byte(int stop_fd, char *byte)
{
    struct pollfd ends[] = {{.fd = stop_fd, .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(ends, 2, -1) < 0 && errno == EINTR)
        continue;
    if (ends[0].revents)
        return -1;
    return read(STDIN_FILENO, byte, 1) == 1;
}

/* The line that was typed, cut to what `line` holds, empty where the input ended within it; false
 * when a signal came instead. What follows it stays for the shell. */
static bool read_line(int stop_fd, char *line, size_t size)
{
    size_t length = 0;
    char byte;
    int got = next_byte(stop_fd, &byte);
    for (; got == 1 && byte != '\n'; got = next_byte(stop_fd, &byte)) {
        if (length + 1 < size)
            line[length++] = byte;
    }
    if (got != 1) {
        length = 0;
        fputs("\n", stderr);
    }
    line[length] = '\0';
    return got >= 0;
}

static void ask(struct cli *cli, struct answer *answer, const char *what)
{
    char line[8];
    inlay_cli_console_write(&cli->console, what, strlen(what));
    inlay_cli_console_write(&cli->console, "? [y/N] ", sizeof "? [y/N] " - 1);
    if (!read_line(cli->options.stop_fd, line, sizeof line))
        inlay_cli_fail(answer, INLAY_E_STOPPED, "stopped while asking");
    else if (strcasecmp(line, "y") != 0 && strcasecmp(line, "yes") != 0)
        inlay_cli_fail(answer, INLAY_E_ARGUMENT, "not confirmed");
}

bool inlay_cli_ask(struct cli *cli, struct answer *answer, const char *what)
{
    if (can_ask(cli)) {
        ask(cli, answer, what);
    } else {
        inlay_cli_console_say(&cli->console, STYLE_PLAIN, "would ", what);
        inlay_cli_fail(answer, INLAY_E_ARGUMENT, "not confirmed: no terminal to ask on; add %syes",
                       cli->prefix);
    }
    if (answer->code != INLAY_OK)
        snprintf(answer->error.outcome, sizeof answer->error.outcome, "nothing was undone");
    return answer->code == INLAY_OK;
}

/* Longer than any name, so that one that is cut is another one. */
#define LINE_MAX_LENGTH 256

static void ask_name(struct cli *cli, struct answer *answer, const char *database)
{
    static const char question[] = "type the name of the database to drop all this: ";
    char line[LINE_MAX_LENGTH];
    inlay_cli_console_write(&cli->console, question, sizeof question - 1);
    if (!read_line(cli->options.stop_fd, line, sizeof line))
        inlay_cli_fail(answer, INLAY_E_STOPPED, "stopped while asking");
    else if (strcmp(line, database) != 0)
        inlay_cli_fail(answer, INLAY_E_ARGUMENT, "not confirmed: that is not its name");
}

bool inlay_cli_ask_name(struct cli *cli, struct answer *answer, const char *database)
{
    if (can_ask(cli))
        ask_name(cli, answer, database);
    else
        inlay_cli_fail(answer, INLAY_E_ARGUMENT,
                       "not confirmed: no terminal to ask on; add %syes=DATABASE", cli->prefix);
    if (answer->code != INLAY_OK)
        snprintf(answer->error.outcome, sizeof answer->error.outcome, "nothing was dropped");
    return answer->code == INLAY_OK;
}

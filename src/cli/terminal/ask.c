/* Reads the answer to a question from the terminal, until a signal ends the wait. The question
 * itself is printed by confirm.c. */
#include "terminal/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

bool inlay_cli_ask_possible(const struct console *console)
{
    return !console->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
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

bool inlay_cli_ask_line(int stop_fd, char *line, size_t size)
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

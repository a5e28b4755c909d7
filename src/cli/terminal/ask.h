/* The answer to a question on the terminal. */
#ifndef INLAY_CLI_ASK_H
#define INLAY_CLI_ASK_H

#include "terminal/console.h"

/* Is there a person to ask? */
bool inlay_cli_ask_possible(const struct console *console);

/* The line that was typed, cut to what `line` holds, empty where the input ended within it; false
 * when a signal came instead. What follows it stays for the shell. */
bool inlay_cli_ask_line(int stop_fd, char *line, size_t size);

#endif

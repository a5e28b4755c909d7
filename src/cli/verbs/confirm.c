/* Gets a yes before something is taken away: from an option, or from a person at the terminal. */
#include "verbs/confirm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "terminal/ask.h"

static void ask(struct cli *cli, struct answer *answer, const char *what)
{
    char line[8];
    inlay_cli_console_write(&cli->console, what, strlen(what));
    inlay_cli_console_write(&cli->console, "? [y/N] ", sizeof "? [y/N] " - 1);
    if (!inlay_cli_ask_line(cli->options.stop_fd, line, sizeof line))
        inlay_cli_answer_fail(answer, INLAY_E_STOPPED, "stopped while asking");
    else if (strcasecmp(line, "y") != 0 && strcasecmp(line, "yes") != 0)
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "not confirmed");
}

bool inlay_cli_confirm(struct cli *cli, struct answer *answer, const char *what)
{
    if (inlay_cli_ask_possible(&cli->console)) {
        ask(cli, answer, what);
    } else {
        inlay_cli_console_say(&cli->console, STYLE_PLAIN, "would ", what);
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT,
                              "not confirmed: no terminal to ask on; add %syes", cli->prefix);
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
    if (!inlay_cli_ask_line(cli->options.stop_fd, line, sizeof line))
        inlay_cli_answer_fail(answer, INLAY_E_STOPPED, "stopped while asking");
    else if (strcmp(line, database) != 0)
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "not confirmed: that is not its name");
}

bool inlay_cli_confirm_name(struct cli *cli, struct answer *answer, const char *database)
{
    if (inlay_cli_ask_possible(&cli->console))
        ask_name(cli, answer, database);
    else
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT,
                              "not confirmed: no terminal to ask on; add %syes=DATABASE",
                              cli->prefix);
    if (answer->code != INLAY_OK)
        snprintf(answer->error.outcome, sizeof answer->error.outcome, "nothing was dropped");
    return answer->code == INLAY_OK;
}

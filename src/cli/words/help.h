/* --migrate-help, from the tables of verbs and options. */
#ifndef INLAY_CLI_HELP_H
#define INLAY_CLI_HELP_H

#include "words/command.h"

/* The text of the verb; `answer` is not looked at. */
void inlay_cli_help(struct buffer *out, const struct cli *cli, const struct answer *answer);

#endif

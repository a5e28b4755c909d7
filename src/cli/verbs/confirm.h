/* What takes something away is confirmed first. */
#ifndef INLAY_CLI_CONFIRM_H
#define INLAY_CLI_CONFIRM_H

#include "words/answer.h"
#include "words/command.h"

/* "WHAT? [y/N]". False, with the answer's code and error, if that is no, or if there is no
 * terminal. */
bool inlay_cli_confirm(struct cli *cli, struct answer *answer, const char *what);

/* The same where the answer is the name of the database. */
bool inlay_cli_confirm_name(struct cli *cli, struct answer *answer, const char *database);

#endif

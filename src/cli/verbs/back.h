/* Going back: what would be undone, the question whether it may, and the call. */
#ifndef INLAY_CLI_BACK_H
#define INLAY_CLI_BACK_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_back_down(struct cli *cli, struct answer *answer);
void inlay_cli_back_to(struct cli *cli, struct answer *answer);
void inlay_cli_back_redo(struct cli *cli, struct answer *answer);

#endif

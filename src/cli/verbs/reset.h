/* --migrate-reset: what would be dropped, the name of the database as the answer, and the call. */
#ifndef INLAY_CLI_RESET_H
#define INLAY_CLI_RESET_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_reset(struct cli *cli, struct answer *answer);
void inlay_cli_reset_json(struct json *json, const struct cli *cli, const struct answer *answer);

#endif

/* --migrate-verify */
#ifndef INLAY_CLI_VERIFY_H
#define INLAY_CLI_VERIFY_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_verify(struct cli *cli, struct answer *answer);
void inlay_cli_verify_json(struct json *json, const struct cli *cli, const struct answer *answer);

#endif

/* --migrate-rehearse: what is pending runs, and is rolled back. */
#ifndef INLAY_CLI_REHEARSE_H
#define INLAY_CLI_REHEARSE_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_rehearse(struct cli *cli, struct answer *answer);
void inlay_cli_rehearse_json(struct json *json, const struct cli *cli, const struct answer *answer);

#endif

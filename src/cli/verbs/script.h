/* --migrate-script */
#ifndef INLAY_CLI_SCRIPT_H
#define INLAY_CLI_SCRIPT_H

#include "words/answer.h"
#include "words/command.h"
#include "writing/json.h"

void inlay_cli_script(struct cli *cli, struct answer *answer);
void inlay_cli_script_text(struct buffer *out, const struct cli *cli, const struct answer *answer);
void inlay_cli_script_json(struct json *json, const struct cli *cli, const struct answer *answer);

#endif

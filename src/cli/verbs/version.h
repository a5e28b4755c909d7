/* --migrate-version: which migrations the binary and the database have, and what is linked. A
 * database that nothing names is not asked, and one that cannot be read ends the verb as it would
 * end a status, after the rest was printed. */
#ifndef INLAY_CLI_VERSION_H
#define INLAY_CLI_VERSION_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_version(struct cli *cli, struct answer *answer);
void inlay_cli_version_text(struct buffer *out, const struct cli *cli, const struct answer *answer);
void inlay_cli_version_json(struct json *json, const struct cli *cli, const struct answer *answer);

#endif

/* From argv to struct cli. */
#ifndef INLAY_CLI_PARSE_H
#define INLAY_CLI_PARSE_H

#include "words/command.h"

/* Takes what is ours out of argv: it stands behind the program's words and their NULL then. What
 * makes no sense is said in cli->usage. */
void inlay_cli_parse(struct cli *cli, int *argc, char **argv);

/* Reads what was taken once more, for what stands where it says nothing, which may be NULL. */
void inlay_cli_parse_again(struct cli *cli, const struct inlay_options *defaults, int count,
                           char *const *words);

#endif

/* From argv to struct cli. */
#ifndef INLAY_CLI_PARSE_H
#define INLAY_CLI_PARSE_H

#include "words/command.h"

/* Takes what is ours out of argv. What makes no sense is said in cli->usage. */
void inlay_cli_parse(struct cli *cli, int *argc, char **argv);

#endif

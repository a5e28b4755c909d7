/* Where a list of targets comes from. */
#ifndef INLAY_CLI_SOURCE_H
#define INLAY_CLI_SOURCE_H

#include "targets/list.h"
#include "words/command.h"

/* Reads all targets that the option names: a file, stdin, or a query. False with the answer filled;
 * the list is to be freed in any case. */
bool inlay_cli_source(const struct cli *cli, struct list *list, struct answer *answer);

#endif

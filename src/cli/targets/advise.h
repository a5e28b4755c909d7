/* What a hint leaves open where there are many targets. */
#ifndef INLAY_CLI_ADVISE_H
#define INLAY_CLI_ADVISE_H

#include <inlay-many.h>

#include "words/command.h"

/* Where the hint has a command, adds the options with which it is about this target: followed
 * without them, it would change another history. */
void inlay_cli_advise(const struct cli *cli, const struct inlay_many_target *target,
                      struct inlay_error *error);

#endif

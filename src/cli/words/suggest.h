/* "Did you mean": what another tool calls a verb, or the name that is nearest to what was typed. */
#ifndef INLAY_CLI_SUGGEST_H
#define INLAY_CLI_SUGGEST_H

#include "words/command.h"

/* Appends what was meant by a name that there is not, "did you mean --status?", if that can be
 * guessed. */
void inlay_cli_suggest(struct buffer *out, const struct cli *cli, const char *name, size_t length);

#endif

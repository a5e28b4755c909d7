/* The table of verbs, and what each of them does. */
#ifndef INLAY_CLI_VERBS_H
#define INLAY_CLI_VERBS_H

#include "words/command.h"

extern const struct verb inlay_cli_verbs[];

/* What is done without any. */
extern const struct verb inlay_cli_verbs_none;

#endif

/* The verbs of other tools, and the answer to one of them: the nearest name of
 * ours is often not what it does. */
#ifndef INLAY_CLI_OTHERS_H
#define INLAY_CLI_OTHERS_H

#include <stddef.h>

/* What to say of another tool's verb, with @ for the prefix of an option; or NULL. */
const char *inlay_cli_others(const char *name, size_t length);

#endif

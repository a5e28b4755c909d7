/* Looking at all targets. */
#ifndef INLAY_CLI_LOOK_H
#define INLAY_CLI_LOOK_H

#include "targets/tally.h"

/* Looks at each and notes how it stands. What has different connection strings is looked at some at
 * once: one that does not answer holds up no other. The code of inlay_many_look, with the answer
 * filled. */
int inlay_cli_look(struct tally *tally, struct answer *answer);

#endif

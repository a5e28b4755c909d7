/* Migrating the targets that are behind. */
#ifndef INLAY_CLI_WORK_H
#define INLAY_CLI_WORK_H

#include "targets/tally.h"

/* Migrates each target that is open, some at once if the command line says so, and notes how it
 * ended. INLAY_OK however they ended; INLAY_E_STOPPED, _MEMORY, with the answer filled. */
int inlay_cli_work(struct tally *tally, struct answer *answer);

#endif

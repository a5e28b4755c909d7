/* A verb on many targets. */
#ifndef INLAY_CLI_TARGETS_H
#define INLAY_CLI_TARGETS_H

#include "words/answer.h"
#include "words/command.h"

/* Does what the verb does, --migrate-only, --migrate-check or --migrate-status, with each target.
 * The verb of `cli` then reports on all of them; inlay_cli_targets_free frees what it needs. */
void inlay_cli_targets(struct cli *cli, struct answer *answer);
void inlay_cli_targets_free(struct answer *answer);

/* Has one of them a connection string of its own? A failure may be that of another database then
 * than the options name. */
bool inlay_cli_targets_elsewhere(const struct answer *answer);

#endif

/* --migrate-selftest: every migration up, down and up again, on an empty database. */
#ifndef INLAY_CLI_SELFTEST_H
#define INLAY_CLI_SELFTEST_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_selftest(struct cli *cli, struct answer *answer);

#endif

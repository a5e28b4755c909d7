/* --migrate-await: wait, read-only, until another process has brought the database up to date. */
#ifndef INLAY_CLI_AWAIT_H
#define INLAY_CLI_AWAIT_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_await(struct cli *cli, struct answer *answer);

#endif

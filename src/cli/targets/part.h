/* Which of the targets are those of this process, where several share them. */
#ifndef INLAY_CLI_PART_H
#define INLAY_CLI_PART_H

#include "targets/list.h"
#include "words/command.h"

/* Leaves those targets in the list that fall into the part of the command line. The part of a
 * target follows from its name alone: the same in each process, whatever else is listed. False with
 * the answer filled where it is not known which part is ours. */
bool inlay_cli_part(const struct cli *cli, struct list *list, struct answer *answer);

#endif

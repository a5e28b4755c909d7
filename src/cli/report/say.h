/* How a verb went, in words on stderr. */
#ifndef INLAY_CLI_SAY_H
#define INLAY_CLI_SAY_H

#include <inlay-admin.h>

#include "words/command.h"

/* One line; frees it. */
void inlay_cli_say(struct cli *cli, struct buffer *line);

void inlay_cli_say_directory(struct cli *cli);
void inlay_cli_say_migrated(struct cli *cli, const struct inlay_result *result);
void inlay_cli_say_moved(struct cli *cli, const struct inlay_result *result);
void inlay_cli_say_up_to_date(struct cli *cli);
void inlay_cli_say_recorded(struct cli *cli, const char *before);
void inlay_cli_say_kept(struct cli *cli, const struct inlay_kept_down *kept);
void inlay_cli_say_help(struct cli *cli);
void inlay_cli_say_error(struct cli *cli, const struct inlay_error *err);

#endif

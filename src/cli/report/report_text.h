/* Results for people, on stdout. */
#ifndef INLAY_CLI_REPORT_TEXT_H
#define INLAY_CLI_REPORT_TEXT_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_report_text_status(struct buffer *out, const struct cli *cli,
                                  const struct answer *answer);
void inlay_cli_report_text_dry_run(struct buffer *out, const struct cli *cli,
                                   const struct answer *answer);
void inlay_cli_report_text_show(struct buffer *out, const struct cli *cli,
                                const struct answer *answer);

#endif

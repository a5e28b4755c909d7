/* The document that --migrate-json prints: the same frame for every verb, and inside it the
 * verb's own members. docs/json.md describes it. */
#ifndef INLAY_CLI_REPORT_JSON_H
#define INLAY_CLI_REPORT_JSON_H

#include "words/answer.h"
#include "words/command.h"

void inlay_cli_report_json_document(struct buffer *out, const struct cli *cli,
                                    const struct answer *answer, int exit_status);
void inlay_cli_report_json_only(struct json *json, const struct cli *cli,
                                const struct answer *answer);
void inlay_cli_report_json_moved(struct json *json, const struct cli *cli,
                                 const struct answer *answer);
void inlay_cli_report_json_source(struct json *json, const struct cli *cli,
                                  const struct answer *answer);
void inlay_cli_report_json_edit(struct json *json, const struct cli *cli,
                                const struct answer *answer);
void inlay_cli_report_json_resume_at(struct json *json, const struct cli *cli,
                                     const struct answer *answer);
void inlay_cli_report_json_selftest(struct json *json, const struct cli *cli,
                                    const struct answer *answer);
void inlay_cli_report_json_status(struct json *json, const struct cli *cli,
                                  const struct answer *answer);
void inlay_cli_report_json_dry_run(struct json *json, const struct cli *cli,
                                   const struct answer *answer);
void inlay_cli_report_json_show(struct json *json, const struct cli *cli,
                                const struct answer *answer);
void inlay_cli_report_json_await(struct json *json, const struct cli *cli,
                                 const struct answer *answer);
void inlay_cli_report_json_help(struct json *json, const struct cli *cli,
                                const struct answer *answer);

#endif

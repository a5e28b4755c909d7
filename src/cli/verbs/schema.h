/* --migrate-schema and --migrate-drift: the schema as text, and how a database differs from it. */
#ifndef INLAY_CLI_SCHEMA_H
#define INLAY_CLI_SCHEMA_H

#include "words/answer.h"
#include "words/command.h"
#include "writing/json.h"

void inlay_cli_schema(struct cli *cli, struct answer *answer);
void inlay_cli_schema_text(struct buffer *out, const struct cli *cli, const struct answer *answer);
void inlay_cli_schema_json(struct json *json, const struct cli *cli, const struct answer *answer);

void inlay_cli_schema_drift(struct cli *cli, struct answer *answer);
void inlay_cli_schema_drift_text(struct buffer *out, const struct cli *cli,
                                 const struct answer *answer);
void inlay_cli_schema_drift_json(struct json *json, const struct cli *cli,
                                 const struct answer *answer);

#endif

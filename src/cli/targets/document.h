/* Targets as members of the JSON document. */
#ifndef INLAY_CLI_DOCUMENT_H
#define INLAY_CLI_DOCUMENT_H

#include "targets/tally.h"
#include "writing/json.h"

void inlay_cli_document(struct json *json, const struct tally *tally);

#endif

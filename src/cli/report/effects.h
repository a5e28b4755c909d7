/* What a rehearsed migration did, as members of its JSON object. */
#ifndef INLAY_CLI_EFFECTS_H
#define INLAY_CLI_EFFECTS_H

#include <inlay.h>

#include "writing/json.h"

void inlay_cli_effects_json(struct json *json, const struct inlay_event *event);

#endif

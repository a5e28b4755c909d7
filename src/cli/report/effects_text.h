/* What a rehearsed migration did, in lines for people. */
#ifndef INLAY_CLI_EFFECTS_TEXT_H
#define INLAY_CLI_EFFECTS_TEXT_H

#include <inlay.h>

#include "terminal/console.h"

/* A line each, the worst first; nothing where there is nothing that others notice. */
void inlay_cli_effects_text(struct console *console, const struct inlay_event *event);

#endif

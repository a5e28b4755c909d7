/* The library's events, as lines for people and as members of the JSON document. */
#ifndef INLAY_CLI_EVENT_H
#define INLAY_CLI_EVENT_H

#include <inlay.h>

struct console;

/* options.event; `user` is the console, or a struct that begins with it. */
void inlay_cli_event(void *user, const struct inlay_event *event);

/* Writes one as a line of JSON to stdout. */
void inlay_cli_event_line(const struct console *console, const struct inlay_event *event);

#endif

/* The HTTP side: an event loop that never waits for the database. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "listen.h"
#include "state.h"

struct http;

/* NULL, and a line on stderr, where it cannot listen there. */
struct http *http_new(const struct address *address, struct state *state);

/* Serves until SIGTERM or SIGINT. A second one ends the process at once. */
void http_serve(struct http *http);

/* NULL is allowed. */
void http_free(struct http *http);

#endif

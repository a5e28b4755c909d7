/* The HTTP side: an event loop that never waits for the database. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "state.h"

struct http;

/* Listens on ADDR:PORT (port 0: any free one) and says on stderr where. NULL, and a line on
 * stderr, where that is not possible. */
struct http *http_listen(const char *address, struct state *state);

/* Serves until SIGTERM or SIGINT. */
void http_serve(struct http *http);

void http_free(struct http *http);

#endif

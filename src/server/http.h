/* The HTTP side: an event loop that never waits for the database. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "listen.h"
#include "state.h"

struct http;

struct http_options {
    const struct address *listen;
    const char *conninfo; /* of the database that has the tickets; may be NULL */
    bool details;         /* show what comes from the database, too */
};

/* NULL, and a line on stderr, where it cannot listen there. */
struct http *http_new(const struct http_options *options, struct state *state);

/* Serves until SIGTERM or SIGINT, and answers what was asked before. A second one ends the process
 * at once. */
void http_serve(struct http *http);

/* NULL is allowed. */
void http_free(struct http *http);

#endif

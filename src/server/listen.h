/* --listen ADDR:PORT. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>

struct event_base;
struct evhttp;
struct gate;

struct address {
    char host[256]; /* without brackets */
    char port[6];
};

/* Splits "127.0.0.1:8080", "localhost:0", "[::1]:8080". */
bool address_parse(const char *text, struct address *address);

/* Binds and listens, and says on stderr where, with the port that port 0 became. NULL, and a line
 * on stderr, where that is not possible. Takes connections only as long as the process has
 * descriptors left for what else it does. */
struct gate *gate_open(struct evhttp *server, struct event_base *base,
                       const struct address *address);

/* Takes no more connections; those that are open stay. */
void gate_close(struct gate *gate);

/* NULL is allowed. */
void gate_free(struct gate *gate);

#endif

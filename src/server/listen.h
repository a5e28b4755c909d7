/* --listen ADDR:PORT. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>

struct event_base;
struct evconnlistener;

struct address {
    char host[256]; /* without brackets */
    char port[6];
};

/* Splits "127.0.0.1:8080", "localhost:0", "[::1]:8080". */
bool address_parse(const char *text, struct address *address);

/* Binds and listens, and says on stderr where, with the port that port 0 became. NULL, and a line
 * on stderr, where that is not possible. */
struct evconnlistener *listen_on(struct event_base *base, const struct address *address);

#endif

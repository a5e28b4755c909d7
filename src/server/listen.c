/* Where connections come from: the address, and how many of them there may be. */
#include "listen.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "writing/text.h"

/* Copies `length` bytes; false where they are none or too many. */
static bool copy(char *to, size_t size, const char *from, size_t length)
{
    if (length == 0 || length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool parse_port(const char *text, struct address *address)
{
    size_t length = strlen(text);

    return strspn(text, "0123456789") == length &&
           copy(address->port, sizeof address->port, text, length) && atol(address->port) <= 65535;
}

bool address_parse(const char *text, struct address *address)
{
    const char *colon = strrchr(text, ':');
    const char *end = colon;

    if (colon == NULL || !parse_port(colon + 1, address))
        return false;
    if (text[0] == '[' && colon[-1] == ']') {
        text++;
        end--;
    } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
        return false; /* an IPv6 address without brackets */
    }
    return copy(address->host, sizeof address->host, text, (size_t)(end - text));
}

static void complain(const struct address *address, const char *why)
{
    struct buffer line = {0};

    inlay_cli_buffer_text(&line, "server: cannot listen on ");
    inlay_cli_text_escape(&line, address->host, "");
    inlay_cli_buffer_format(&line, " port %s: %s\n", address->port, why);
    log_write(&line);
}

static unsigned port_of(struct evconnlistener *listener)
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;

    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&bound, &length) != 0)
        return 0;
    if (bound.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

static void announce(const struct address *address, struct evconnlistener *listener)
{
    bool brackets = strchr(address->host, ':') != NULL;
    struct buffer line = {0};

    inlay_cli_buffer_text(&line, brackets ? "listening on http://[" : "listening on http://");
    inlay_cli_text_escape(&line, address->host, "");
    inlay_cli_buffer_format(&line, "%s:%u\n", brackets ? "]" : "", port_of(listener));
    log_write(&line);
}

static struct evconnlistener *listen_on(struct event_base *base, const struct address *address)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int rc = getaddrinfo(address->host, address->port, &hints, &found);

    if (rc != 0) {
        complain(address, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return NULL;
    }
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, NULL, NULL, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, -1,
        found->ai_addr, (int)found->ai_addrlen);
    if (listener == NULL)
        complain(address, strerror(errno));
    else
        announce(address, listener);
    freeaddrinfo(found);
    return listener;
}

/* ---- the gate ---- */

/* Descriptors for the connections to the database, the libraries and their files. */
#define RESERVED 16

#define LOOK_AGAIN_MS 200

struct gate {
    struct evhttp *server;
    struct evhttp_bound_socket *bound;
    struct evconnlistener *listener; /* belongs to `bound` */
    struct event *look_again;
};

/* New descriptors get the lowest number that is free: the next one tells how many are left. */
static bool is_full(void)
{
    struct rlimit limit;
    int next = dup(STDERR_FILENO);

    if (next < 0)
        return true;
    close(next);
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)next + RESERVED >= limit.rlim_cur;
}

static void wait_a_moment(const struct gate *gate)
{
    const struct timeval moment = {.tv_usec = LOOK_AGAIN_MS * 1000};

    evconnlistener_disable(gate->listener);
    event_add(gate->look_again, &moment);
}

static void on_moment(evutil_socket_t fd, short events, void *context)
{
    const struct gate *gate = context;

    (void)fd;
    (void)events;
    if (is_full())
        wait_a_moment(gate);
    else
        evconnlistener_enable(gate->listener);
}

/* For each new connection; NULL: libevent makes the rest of it as it always does. Clients that are
 * not taken wait in the kernel, and those that are there may end, or get nowhere for
 * TIMEOUT_SECONDS. */
static struct bufferevent *on_connection(struct event_base *base, void *context)
{
    (void)base;
    if (is_full()) {
        log_line("server: ", "too many connections; no more are taken until some have ended");
        wait_a_moment(context);
    }
    return NULL;
}

/* accept() failed, and would fail again at once. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    (void)listener;
    log_line("server: cannot take a connection: ", strerror(errno));
    wait_a_moment(context);
}

struct gate *gate_open(struct evhttp *server, struct event_base *base,
                       const struct address *address)
{
    struct gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL)
        return NULL;
    gate->server = server;
    gate->look_again = evtimer_new(base, on_moment, gate);
    gate->listener = gate->look_again != NULL ? listen_on(base, address) : NULL;
    gate->bound = gate->listener != NULL ? evhttp_bind_listener(server, gate->listener) : NULL;
    if (gate->bound == NULL) {
        gate_free(gate);
        return NULL;
    }
    evconnlistener_set_error_cb(gate->listener, on_accept_error);
    evhttp_set_bevcb(server, on_connection, gate);
    return gate;
}

void gate_close(struct gate *gate)
{
    event_del(gate->look_again);
    evhttp_del_accept_socket(gate->server, gate->bound);
    gate->bound = NULL;
}

void gate_free(struct gate *gate)
{
    if (gate == NULL)
        return;
    if (gate->look_again != NULL)
        event_free(gate->look_again);
    free(gate);
}

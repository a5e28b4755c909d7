#include "listen.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
    struct writer line = log_begin();

    write_text(&line, "server: cannot listen on ");
    write_plain(&line, address->host, "");
    write_format(&line, " port %s: %s\n", address->port, why);
    log_end(&line);
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
    struct writer line = log_begin();

    write_text(&line, brackets ? "listening on http://[" : "listening on http://");
    write_plain(&line, address->host, "");
    write_format(&line, "%s:%u\n", brackets ? "]" : "", port_of(listener));
    log_end(&line);
}

struct evconnlistener *listen_on(struct event_base *base, const struct address *address)
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

#include "http.h"
#include "render.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct http {
    struct event_base *base;
    struct evhttp *server;
    struct event *signals[2];
    struct state *state;
};

/* ---- answering ---- */

static void answer(struct evhttp_request *request, int code, const char *type, const char *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *buffer = evhttp_request_get_output_buffer(request);

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    evhttp_add_header(headers, "Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                      "form-action 'none'; frame-ancestors 'none'");
    evbuffer_add(buffer, body, strlen(body));
    evhttp_send_reply(request, code, NULL, NULL);
}

static void answer_owned(struct evhttp_request *request, int code, const char *type, char *body)
{
    if (body != NULL)
        answer(request, code, type, body);
    else
        answer(request, HTTP_INTERNAL, "text/plain", "out of memory\n");
    free(body);
}

static bool is_readable(struct evhttp_request *request)
{
    enum evhttp_cmd_type command = evhttp_request_get_command(request);

    if (command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD)
        return true;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
    answer(request, HTTP_BADMETHOD, "text/plain", "only GET and HEAD\n");
    return false;
}

static void on_live(struct evhttp_request *request, void *context)
{
    (void)context;
    if (is_readable(request))
        answer(request, HTTP_OK, "text/plain; charset=utf-8", "alive\n");
}

enum document { DOCUMENT_READINESS, DOCUMENT_PAGE, DOCUMENT_JSON };

static void answer_view(struct evhttp_request *request, struct state *state, enum document document)
{
    struct view view;

    if (!is_readable(request))
        return;
    if (!state_view(state, &view)) {
        answer_owned(request, HTTP_INTERNAL, "text/plain", NULL);
        return;
    }
    if (document == DOCUMENT_READINESS)
        answer_owned(request, view.phase == PHASE_READY ? HTTP_OK : HTTP_SERVUNAVAIL,
                     "text/plain; charset=utf-8", render_readiness(&view));
    else if (document == DOCUMENT_JSON)
        answer_owned(request, HTTP_OK, "application/json", render_document(&view));
    else
        answer_owned(request, HTTP_OK, "text/html; charset=utf-8", render_page(&view));
    state_view_free(&view);
}

static void on_ready(struct evhttp_request *request, void *context)
{
    answer_view(request, context, DOCUMENT_READINESS);
}

static void on_page(struct evhttp_request *request, void *context)
{
    answer_view(request, context, DOCUMENT_PAGE);
}

static void on_json(struct evhttp_request *request, void *context)
{
    answer_view(request, context, DOCUMENT_JSON);
}

static void on_other(struct evhttp_request *request, void *context)
{
    (void)context;
    if (is_readable(request))
        answer(request, HTTP_NOTFOUND, "text/plain; charset=utf-8",
               "there are /, /livez, /readyz, /healthz and /status.json\n");
}

/* ---- listening ---- */

/* Splits "127.0.0.1:8080" and "[::1]:8080". */
static bool split_address(const char *address, char *host, size_t size, ev_uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    char *end;

    if (colon == NULL || colon == address || colon[1] == '\0')
        return false;
    long number = strtol(colon + 1, &end, 10);
    bool bracketed = address[0] == '[' && colon[-1] == ']';
    int length = (int)(colon - address) - (bracketed ? 2 : 0);
    if (*end != '\0' || number < 0 || number > 65535 || length <= 0 || (size_t)length >= size)
        return false;
    snprintf(host, size, "%.*s", length, address + (bracketed ? 1 : 0));
    *port = (ev_uint16_t)number;
    return true;
}

static unsigned bound_port(struct evhttp_bound_socket *bound)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static bool bind_server(struct http *http, const char *address)
{
    char host[128];
    ev_uint16_t port;

    if (!split_address(address, host, sizeof host, &port)) {
        fprintf(stderr, "server: --listen takes ADDR:PORT, such as 127.0.0.1:8080 or [::1]:0\n");
        return false;
    }
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http->server, host, port);
    if (bound == NULL) {
        fprintf(stderr, "server: cannot listen on %s: %s\n", address,
                evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
        return false;
    }
    fprintf(stderr, "listening on http://%s%s%s:%u\n", strchr(host, ':') != NULL ? "[" : "", host,
            strchr(host, ':') != NULL ? "]" : "", bound_port(bound));
    return true;
}

/* The first signal stops cleanly; with its handler gone a second one ends the process. */
static void on_signal(evutil_socket_t number, short events, void *context)
{
    struct http *http = context;

    (void)number;
    (void)events;
    event_base_loopbreak(http->base);
    for (size_t i = 0; i < 2; i++)
        event_del(http->signals[i]);
}

static bool prepare(struct http *http, const char *address)
{
    static const int signals[] = {SIGTERM, SIGINT};

    http->base = event_base_new();
    http->server = http->base != NULL ? evhttp_new(http->base) : NULL;
    if (http->server == NULL)
        return false;
    for (size_t i = 0; i < 2; i++) {
        http->signals[i] = evsignal_new(http->base, signals[i], on_signal, http);
        if (http->signals[i] == NULL || event_add(http->signals[i], NULL) != 0)
            return false;
    }
    evhttp_set_allowed_methods(http->server, 0xffff); /* what is not allowed is answered here */
    evhttp_set_timeout(http->server, 30);
    evhttp_set_max_headers_size(http->server, 16384);
    evhttp_set_max_body_size(http->server, 16384);
    evhttp_set_cb(http->server, "/livez", on_live, http->state);
    evhttp_set_cb(http->server, "/readyz", on_ready, http->state);
    evhttp_set_cb(http->server, "/healthz", on_ready, http->state);
    evhttp_set_cb(http->server, "/status.json", on_json, http->state);
    evhttp_set_cb(http->server, "/", on_page, http->state);
    evhttp_set_gencb(http->server, on_other, http->state);
    return bind_server(http, address);
}

struct http *http_listen(const char *address, struct state *state)
{
    struct http *http = calloc(1, sizeof *http);

    if (http == NULL)
        return NULL;
    http->state = state;
    if (prepare(http, address))
        return http;
    http_free(http);
    return NULL;
}

void http_serve(struct http *http)
{
    event_base_dispatch(http->base);
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    for (size_t i = 0; i < 2; i++)
        if (http->signals[i] != NULL)
            event_free(http->signals[i]);
    if (http->server != NULL)
        evhttp_free(http->server);
    if (http->base != NULL)
        event_base_free(http->base);
    free(http);
}

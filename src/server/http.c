#include "http.h"
#include "document.h"
#include "log.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client that is slower than this is none of ours. */
#define TIMEOUT_SECONDS 30

#define HEADERS_MOST_BYTES 16384
#define BODY_MOST_BYTES 1024

static const char *const plain = "text/plain; charset=utf-8";

struct http {
    struct event_base *base;
    struct evhttp *server;
    struct event *signals[2];
    struct state *state;
};

/* ---- answering ---- */

static void add_headers(struct evhttp_request *request, const char *type)
{
    static const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; "
                                    "form-action 'none'; frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
    };
    struct evkeyvalq *output = evhttp_request_get_output_headers(request);

    evhttp_add_header(output, "Content-Type", type);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        evhttp_add_header(output, headers[i][0], headers[i][1]);
}

/* Sends what was written: to HEAD its length alone. */
static void send_answer(struct evhttp_request *request, int code, const char *type,
                        const struct writer *writer)
{
    char length[24];

    if (writer->failed) {
        evbuffer_drain(writer->out, evbuffer_get_length(writer->out));
        code = HTTP_INTERNAL;
    }
    snprintf(length, sizeof length, "%zu", evbuffer_get_length(writer->out));
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
        evbuffer_drain(writer->out, evbuffer_get_length(writer->out));
    add_headers(request, type);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
    evhttp_send_reply(request, code, NULL, NULL);
}

static void answer_text(struct evhttp_request *request, int code, const char *type,
                        const char *text)
{
    struct writer writer = {.out = evhttp_request_get_output_buffer(request)};

    write_text(&writer, text);
    send_answer(request, code, type, &writer);
}

typedef void (*write_function)(struct writer *writer, const struct snapshot *now,
                               const struct readiness *readiness);

struct route {
    const char *path;
    const char *type;
    write_function write; /* from what is known; or NULL: */
    const char *text;
    bool gate; /* 503 unless the service is ready */
};

static const struct route routes[] = {
    {"/", "text/html; charset=utf-8", write_page, NULL, false},
    {"/healthz", "text/plain; charset=utf-8", write_readiness, NULL, true},
    {"/livez", "text/plain; charset=utf-8", NULL, "alive\n", false},
    {"/readyz", "text/plain; charset=utf-8", write_readiness, NULL, true},
    {"/status.json", "application/json", write_document, NULL, false},
    {"/style.css", "text/css; charset=utf-8", NULL, style_sheet, false},
};

static void answer_known(struct evhttp_request *request, const struct route *route,
                         struct state *state)
{
    struct writer writer = {.out = evhttp_request_get_output_buffer(request)};
    const struct snapshot *now = state_hold(state);
    struct readiness readiness = readiness_of(now, clock_ms());
    bool ready = readiness.condition == CONDITION_READY;

    route->write(&writer, now, &readiness);
    state_release(state);
    send_answer(request, route->gate && !ready ? HTTP_SERVUNAVAIL : HTTP_OK, route->type, &writer);
}

static const struct route *find_route(const struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;

    for (size_t i = 0; path != NULL && i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

static void on_request(struct evhttp_request *request, void *context)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const struct route *route = find_route(request);

    if (route == NULL) {
        answer_text(request, HTTP_NOTFOUND, plain,
                    "not found; there are /, /status.json, /readyz, /healthz and /livez\n");
    } else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        answer_text(request, HTTP_BADMETHOD, plain, "only GET and HEAD are allowed here\n");
    } else if (route->write == NULL) {
        answer_text(request, HTTP_OK, route->type, route->text);
    } else {
        answer_known(request, route, context);
    }
}

/* ---- living ---- */

/* With its handlers gone, a second signal ends the process. */
static void on_signal(evutil_socket_t number, short events, void *context)
{
    struct http *http = context;

    (void)events;
    log_line("stopping on ", number == SIGINT ? "SIGINT" : "SIGTERM");
    event_base_loopbreak(http->base);
    for (size_t i = 0; i < 2; i++)
        event_del(http->signals[i]);
}

static bool take_signals(struct http *http)
{
    static const int numbers[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < 2; i++) {
        http->signals[i] = evsignal_new(http->base, numbers[i], on_signal, http);
        if (http->signals[i] == NULL || event_add(http->signals[i], NULL) != 0)
            return false;
    }
    return true;
}

static bool prepare(struct http *http)
{
    http->base = event_base_new();
    http->server = http->base != NULL ? evhttp_new(http->base) : NULL;
    if (http->server == NULL)
        return false;
    evhttp_set_allowed_methods(http->server, UINT16_MAX); /* on_request knows better */
    evhttp_set_timeout(http->server, TIMEOUT_SECONDS);
    evhttp_set_max_headers_size(http->server, HEADERS_MOST_BYTES);
    evhttp_set_max_body_size(http->server, BODY_MOST_BYTES);
    evhttp_set_gencb(http->server, on_request, http->state);
    return take_signals(http);
}

static bool begin_to_listen(struct http *http, const struct address *address)
{
    struct evconnlistener *listener = listen_on(http->base, address);

    return listener != NULL && evhttp_bind_listener(http->server, listener) != NULL;
}

struct http *http_new(const struct address *address, struct state *state)
{
    struct http *http = calloc(1, sizeof *http);

    if (http != NULL)
        http->state = state;
    if (http == NULL || !prepare(http))
        log_line("server: ", "cannot set up the event loop");
    else if (begin_to_listen(http, address))
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

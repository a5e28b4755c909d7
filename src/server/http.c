/* The HTTP side: requests and their answers. Pages are answered from what is known; a
 * ticket's request goes to the pool, and its answer out when the pool has one. */
#include "http.h"
#include "document.h"
#include "log.h"
#include "page.h"
#include "tickets.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "writing/json.h"

/* A client that is slower than this is none of ours. */
#define TIMEOUT_SECONDS 30

/* When asked to stop: how long for the requests that the pool has, and for the last answer to leave
 * the process. */
#define GRACE_SECONDS 5
#define FLUSH_MS 100

#define HEADERS_MOST_BYTES 16384
#define BODY_MOST_BYTES 4096

static const char plain_type[] = "text/plain; charset=utf-8";
static const char json_type[] = "application/json";

struct http {
    struct event_base *base;
    struct evhttp *server;
    struct gate *gate;
    struct pool *pool;
    struct event *signals[2];
    struct state *state;
    bool details;
    bool stopping;
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

/* Sends the body, and frees it: to HEAD its length alone. */
static void send_answer(struct evhttp_request *request, int status, const char *type,
                        struct buffer *body)
{
    bool head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    char length[24];

    if (body->failed || (!head && evbuffer_add(out, body->data, body->length) != 0)) {
        inlay_cli_buffer_clear(body);
        status = HTTP_INTERNAL;
    }
    snprintf(length, sizeof length, "%zu", body->length);
    add_headers(request, type);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
    inlay_cli_buffer_free(body);
    evhttp_send_reply(request, status, NULL, NULL);
}

static void answer_text(struct evhttp_request *request, int status, const char *type,
                        const char *text)
{
    struct buffer body = {0};

    inlay_cli_buffer_text(&body, text);
    send_answer(request, status, type, &body);
}

/* {"error": "..."}; a client may try again where it is our fault. */
static void answer_error(struct evhttp_request *request, struct verdict verdict)
{
    struct json json = {0};

    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "error", verdict.error);
    if (verdict.parameter != NULL)
        inlay_cli_json_text(&json, "parameter", verdict.parameter);
    inlay_cli_json_close(&json, '}');
    inlay_cli_buffer_text(&json.text, "\n");
    if (verdict.status == HTTP_SERVUNAVAIL)
        evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", "1");
    send_answer(request, verdict.status, json_type, &json.text);
}

/* ---- what is known ---- */

static void write_readyz(struct buffer *out, const struct snapshot *now,
                         const struct readiness *readiness, bool details)
{
    if (details) {
        write_readiness(out, now, readiness);
    } else {
        write_headline(out, now, readiness);
        inlay_cli_buffer_text(out, "\n");
    }
}

typedef void (*write_function)(struct buffer *out, const struct snapshot *now,
                               const struct readiness *readiness, bool details);

struct route {
    const char *path;
    const char *type;
    write_function write; /* from what is known; or NULL: */
    const char *text;
    bool gate; /* 503 unless the service is ready */
};

static const struct route routes[] = {
    {"/", "text/html; charset=utf-8", write_page, NULL, false},
    {"/healthz", plain_type, write_readyz, NULL, true},
    {"/livez", plain_type, NULL, "alive\n", false},
    {"/readyz", plain_type, write_readyz, NULL, true},
    {"/status.json", json_type, write_document, NULL, false},
    {"/style.css", "text/css; charset=utf-8", NULL, style_sheet, false},
};

static void answer_known(struct evhttp_request *request, const struct route *route,
                         const struct http *http)
{
    struct buffer body = {0};
    const struct snapshot *now = state_hold(http->state);
    struct readiness readiness = readiness_of(now, clock_ms());
    bool ready = readiness.condition == CONDITION_READY;

    route->write(&body, now, &readiness, http->details);
    state_release(http->state);
    send_answer(request, route->gate && !ready ? HTTP_SERVUNAVAIL : HTTP_OK, route->type, &body);
}

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

static void serve_page(struct evhttp_request *request, const char *path, const struct http *http)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const struct route *route = find_route(path);

    if (route == NULL) {
        answer_text(request, HTTP_NOTFOUND, plain_type,
                    "not found; there are /tickets, /, /status.json, /readyz, /healthz and "
                    "/livez\n");
    } else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        answer_text(request, HTTP_BADMETHOD, plain_type, "only GET and HEAD are allowed here\n");
    } else if (route->write == NULL) {
        answer_text(request, HTTP_OK, route->type, route->text);
    } else {
        answer_known(request, route, http);
    }
}

/* ---- tickets ---- */

/* A request that is with the pool. libevent keeps it until it is answered, also where the client
 * has gone. */
struct exchange {
    struct ticket ticket; /* the first member: a job is its ticket is its exchange */
    struct evhttp_request *request;
    struct http *http;
};

static void leave_soon(const struct http *http)
{
    const struct timeval flush = {.tv_usec = FLUSH_MS * 1000};

    event_base_loopexit(http->base, &flush);
}

static void end_exchange(struct exchange *exchange, struct verdict verdict, struct buffer *body)
{
    struct evhttp_request *request = exchange->request;

    if (verdict.status == HTTP_BADMETHOD)
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
                          ticket_methods(&exchange->ticket));
    if (verdict.error != NULL)
        answer_error(request, verdict);
    else
        send_answer(request, verdict.status, json_type, body);
    ticket_finish(&exchange->ticket);
    free(exchange);
}

static void on_answer(struct job *job)
{
    struct exchange *exchange = (struct exchange *)(void *)job;
    const struct http *http = exchange->http;
    struct buffer body = {0};
    struct verdict verdict = ticket_answer(&exchange->ticket, &body);

    end_exchange(exchange, verdict, &body);
    if (http->stopping && pool_count(http->pool) == 0)
        leave_soon(http);
}

/* The statements rely on the tables that this binary's migrations make: without them a request is
 * not even tried. */
static bool is_ready(const struct http *http)
{
    const struct snapshot *now = state_hold(http->state);
    bool ready = readiness_of(now, clock_ms()).condition == CONDITION_READY;

    state_release(http->state);
    return ready;
}

/* The query, or the body of a POST, as text; NULL where there is none. */
static const char *parameters_of(struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);

    if (evhttp_request_get_command(request) != EVHTTP_REQ_POST)
        return evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    if (evbuffer_add(body, "", 1) != 0)
        return NULL;
    return (const char *)evbuffer_pullup(body, -1);
}

static void serve_ticket(struct evhttp_request *request, const char *path, struct http *http)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    const struct verdict unready = {HTTP_SERVUNAVAIL, "not ready; /readyz says why", NULL};
    const struct verdict full = {HTTP_SERVUNAVAIL, "too many requests are waiting", NULL};

    if (exchange == NULL) {
        answer_error(request, (struct verdict){HTTP_INTERNAL, "out of memory", NULL});
        return;
    }
    exchange->request = request;
    exchange->http = http;
    struct verdict verdict = ticket_read(&exchange->ticket, evhttp_request_get_command(request),
                                         path, parameters_of(request));
    exchange->ticket.job.done = on_answer;
    if (verdict.status == HTTP_OK && (http->stopping || !is_ready(http)))
        verdict = unready;
    if (verdict.status == HTTP_OK && !pool_submit(http->pool, &exchange->ticket.job))
        verdict = full;
    if (verdict.status != HTTP_OK)
        end_exchange(exchange, verdict, &(struct buffer){0});
}

static void on_request(struct evhttp_request *request, void *context)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;

    if (path != NULL && ticket_has(path))
        serve_ticket(request, path, context);
    else
        serve_page(request, path != NULL ? path : "", context);
}

/* ---- living ---- */

/* With its handlers gone, a second signal ends the process. */
static void on_signal(evutil_socket_t number, short events, void *context)
{
    struct http *http = context;
    const struct timeval grace = {.tv_sec = GRACE_SECONDS};

    (void)events;
    log_line("stopping on ", number == SIGINT ? "SIGINT" : "SIGTERM");
    for (size_t i = 0; i < 2; i++)
        event_del(http->signals[i]);
    http->stopping = true;
    gate_close(http->gate);
    if (pool_count(http->pool) == 0)
        event_base_loopbreak(http->base);
    else
        event_base_loopexit(http->base, &grace);
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

static bool prepare(struct http *http, const char *conninfo)
{
    http->base = event_base_new();
    http->server = http->base != NULL ? evhttp_new(http->base) : NULL;
    http->pool = http->server != NULL ? pool_new(http->base, conninfo) : NULL;
    if (http->pool == NULL)
        return false;
    evhttp_set_allowed_methods(http->server, UINT16_MAX); /* on_request knows better */
    evhttp_set_timeout(http->server, TIMEOUT_SECONDS);
    evhttp_set_max_headers_size(http->server, HEADERS_MOST_BYTES);
    evhttp_set_max_body_size(http->server, BODY_MOST_BYTES);
    evhttp_set_gencb(http->server, on_request, http);
    return take_signals(http);
}

struct http *http_new(const struct http_options *options, struct state *state)
{
    struct http *http = calloc(1, sizeof *http);

    if (http != NULL) {
        http->state = state;
        http->details = options->details;
    }
    if (http == NULL || !prepare(http, options->conninfo))
        log_line("server: ", "cannot set up the event loop");
    else if ((http->gate = gate_open(http->server, http->base, options->listen)) != NULL)
        return http;
    http_free(http);
    return NULL;
}

void http_serve(struct http *http)
{
    event_base_dispatch(http->base);
}

/* The pool first: it answers what it still has. */
void http_free(struct http *http)
{
    if (http == NULL)
        return;
    pool_free(http->pool);
    gate_free(http->gate);
    for (size_t i = 0; i < 2; i++)
        if (http->signals[i] != NULL)
            event_free(http->signals[i]);
    if (http->server != NULL)
        evhttp_free(http->server);
    if (http->base != NULL)
        event_base_free(http->base);
    free(http);
}

/* A server with an event loop, libevent's here: a thread migrates while the loop turns. An eventfd
 * tells the thread to stop, another one tells the loop that it has ended. */
#define _DEFAULT_SOURCE /* pthread, struct timeval */
#include <event2/event.h>
#include <inlay-cli.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>

extern const struct inlay_set notes_migrations;

struct server {
    struct event_base *base;
    struct inlay_options options;
    int stop_fd; /* readable: the run is to end */
    int done_fd; /* readable: it has ended */
    pthread_t thread;
    int code; /* these two are the thread's until it is joined */
    struct inlay_error err;
    bool ready;
};

static void *migrate(void *context)
{
    struct server *server = context;

    server->code = inlay_migrate(&notes_migrations, &server->options, NULL, &server->err);
    eventfd_write(server->done_fd, 1);
    return NULL;
}

static void on_done(evutil_socket_t fd, short what, void *context)
{
    struct server *server = context;
    char text[INLAY_ERROR_TEXT_MAX];

    (void)fd;
    (void)what;
    pthread_join(server->thread, NULL);
    server->ready = server->code == INLAY_OK;
    if (server->ready)
        return;
    inlay_error_format(&server->err, text, sizeof text);
    fputs(text, stderr);
    event_base_loopbreak(server->base);
}

/* During the run the loop goes on until the migration is rolled back and the lock released. */
static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct server *server = context;

    (void)number;
    (void)what;
    if (server->ready)
        event_base_loopbreak(server->base);
    else
        eventfd_write(server->stop_fd, 1);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    const struct server *server = context;

    (void)fd;
    (void)what;
    puts(server->ready ? "ready" : "not ready"); /* here the server would answer requests */
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct inlay_cli_outcome outcome;
    struct server server = {.stop_fd = eventfd(0, EFD_CLOEXEC), .done_fd = eventfd(0, EFD_CLOEXEC)};
    const struct timeval often = {.tv_usec = 100000};

    if (inlay_cli(&argc, argv, &notes_migrations, &outcome))
        return outcome.exit_status;
    server.base = event_base_new();
    server.options = outcome.options;
    server.options.stop_fd = server.stop_fd;
    if (server.base == NULL || server.stop_fd < 0 || server.done_fd < 0)
        return 1;
    struct event *done = event_new(server.base, server.done_fd, EV_READ, on_done, &server);
    struct event *asked = evsignal_new(server.base, SIGTERM, on_signal, &server);
    struct event *tick = event_new(server.base, -1, EV_PERSIST, on_tick, &server);
    if (event_add(done, NULL) != 0 || event_add(asked, NULL) != 0 || event_add(tick, &often) != 0 ||
        pthread_create(&server.thread, NULL, migrate, &server) != 0)
        return 1;
    event_base_dispatch(server.base);
    event_free(tick);
    event_free(asked);
    event_free(done);
    event_base_free(server.base);
    return server.ready ? 0 : 1;
}

/* inlay's reference server: a small HTTP server that carries its schema. */
#include "http.h"
#include "worker.h"

#include <inlay-cli.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

extern const struct inlay_set server_migrations;

struct arguments {
    const char *listen;
    bool migrate;
    bool help;
};

static const char usage[] =
    "usage: server [--listen ADDR:PORT] [--no-migrate] [--migrate-...]\n"
    "\n"
    "  --listen ADDR:PORT  where to serve HTTP (127.0.0.1:8080); port 0 takes a free one\n"
    "  --no-migrate        never migrate; ready when somebody else has\n"
    "  --migrate-help      what the --migrate-* options do\n";

static int refuse(const char *what, const char *argument)
{
    fprintf(stderr, "server: %s %s; see --help\n", what, argument);
    return INLAY_EXIT_USAGE;
}

/* Returns INLAY_EXIT_OK or INLAY_EXIT_USAGE. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-migrate") == 0)
            arguments->migrate = false;
        else if (strcmp(argv[i], "--help") == 0)
            arguments->help = true;
        else if (strncmp(argv[i], "--listen=", 9) == 0)
            arguments->listen = argv[i] + 9;
        else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
            arguments->listen = argv[++i];
        else if (strcmp(argv[i], "--listen") == 0)
            return refuse("there is no address behind", argv[i]);
        else
            return refuse("unknown option", argv[i]);
    }
    return INLAY_EXIT_OK;
}

static int serve(const struct arguments *arguments, const struct inlay_options *options)
{
    struct state state;
    struct worker worker = {0};
    int status = 1;

    if (!state_init(&state))
        return status;
    signal(SIGPIPE, SIG_IGN); /* a client that went away is no reason to end */
    struct http *http = http_listen(arguments->listen, &state);
    if (http != NULL &&
        worker_start(&worker, &server_migrations, &state, options, arguments->migrate)) {
        http_serve(http);
        worker_stop(&worker);
        status = 0;
    }
    http_free(http);
    state_finish(&state);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.listen = "127.0.0.1:8080", .migrate = true};
    struct inlay_cli_outcome outcome;

    if (inlay_cli(&argc, argv, &server_migrations, &outcome))
        return outcome.exit_status;
    int status = parse(argc, argv, &arguments);
    if (status != INLAY_EXIT_OK)
        return status;
    if (arguments.help) {
        fputs(usage, stdout);
        return INLAY_EXIT_OK;
    }
    return serve(&arguments, &outcome.options);
}

/* inlay's reference server: a small HTTP server that carries its schema. */
#include "arguments.h"
#include "http.h"
#include "log.h"
#include "worker.h"

#include <inlay-cli.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

extern const struct inlay_set server_migrations;

#define EXIT_CANNOT_START 1

static int run(struct state *state, const struct arguments *arguments,
               const struct inlay_options *options)
{
    struct worker worker;
    const struct http_options serving = {&arguments->listen, options->conninfo, arguments->details};
    struct http *http = http_new(&serving, state);
    int status = EXIT_CANNOT_START;

    if (http == NULL)
        return status;
    if (worker_start(&worker, state, options)) {
        http_serve(http);
        worker_stop(&worker);
        status = INLAY_EXIT_OK; /* a server that was asked to stop and did has done its job */
    } else {
        log_line("server: cannot start a thread: ", strerror(errno));
    }
    http_free(http);
    return status;
}

static int serve(const char *program, const struct arguments *arguments,
                 const struct inlay_options *options)
{
    struct state state;
    const char *slash = strrchr(program, '/');

    signal(SIGPIPE, SIG_IGN); /* a client that went away is no reason to end */
    if (!state_init(&state, &server_migrations, slash != NULL ? slash + 1 : program,
                    arguments->migrate)) {
        log_line("server: ", "out of memory");
        return EXIT_CANNOT_START;
    }
    int status = run(&state, arguments, options);
    state_finish(&state);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct inlay_cli_outcome outcome;

    if (inlay_cli(&argc, argv, &server_migrations, &outcome))
        return outcome.exit_status;
    if (!arguments_parse(argc, argv, &arguments))
        return INLAY_EXIT_USAGE;
    if (arguments.help) {
        fputs(arguments_help, stdout);
        return INLAY_EXIT_OK;
    }
    return serve(argc > 0 ? argv[0] : "server", &arguments, &outcome.options);
}

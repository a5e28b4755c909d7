/* Reads the server's own options. Those of the migrations were taken out of argv before. */
#include "arguments.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#include "writing/text.h"

const char arguments_help[] =
    "usage: server [--listen ADDR:PORT] [--no-migrate] [--status-details] [--migrate-...]\n"
    "\n"
    "  --listen ADDR:PORT  where to serve HTTP (127.0.0.1:8080); port 0 takes a free one\n"
    "  --no-migrate        never migrate; ready when another process has\n"
    "  --status-details    show names, rows and errors of the database to whoever asks\n"
    "  --help              this text\n"
    "  --migrate-help      the options that begin with --migrate-\n";

/* The name is repeated, a value is not: it may be a connection string in the wrong place, even one
 * that hangs on the name. */
static bool refuse(const char *what, const char *option)
{
    struct buffer line = {0};
    char name[64];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(option, "=:"), option);
    inlay_cli_buffer_format(&line, "server: %s", what);
    inlay_cli_text_escape(&line, name, "");
    inlay_cli_buffer_text(&line, "; see --help\n");
    log_write(&line);
    return false;
}

/* The value of `--name VALUE` or `--name=VALUE`, or NULL; steps over what it took. */
static const char *value_of(char **argv, int *i)
{
    const char *equals = strchr(argv[*i], '=');

    if (equals != NULL)
        return equals + 1;
    return argv[*i + 1] != NULL ? argv[++*i] : NULL;
}

static bool is_named(const char *argument, const char *name)
{
    size_t length = strcspn(argument, "=");

    return strlen(name) == length && strncmp(argument, name, length) == 0;
}

static bool take_listen(const char *value, struct arguments *arguments)
{
    if (value != NULL && address_parse(value, &arguments->listen))
        return true;
    return refuse("--listen needs ADDR:PORT, such as 127.0.0.1:8080 or [::1]:0", "");
}

bool arguments_parse(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.listen = {"127.0.0.1", "8080"}, .migrate = true};
    for (int i = 1; i < argc; i++) {
        if (is_named(argv[i], "--listen")) {
            if (!take_listen(value_of(argv, &i), arguments))
                return false;
        } else if (strcmp(argv[i], "--no-migrate") == 0) {
            arguments->migrate = false;
        } else if (strcmp(argv[i], "--status-details") == 0) {
            arguments->details = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            arguments->help = true;
        } else if (argv[i][0] == '-') {
            return refuse("unknown option ", argv[i]);
        } else {
            return refuse("only options are taken", "");
        }
    }
    return true;
}

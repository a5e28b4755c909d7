/* The frame around every verb: parse, run, report, and the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <inlay-cli.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report/event.h"
#include "report/report_json.h"
#include "report/say.h"
#include "terminal/signals.h"
#include "verbs/verbs.h"
#include "words/parse.h"

static int exit_status(int code)
{
    switch ((enum inlay_code)code) {
    case INLAY_OK:
        return INLAY_EXIT_OK;
    case INLAY_E_ARGUMENT:
        return INLAY_EXIT_USAGE;
    case INLAY_E_PENDING:
        return INLAY_EXIT_PENDING;
    case INLAY_E_MISMATCH:
        return INLAY_EXIT_MISMATCH;
    case INLAY_E_LOCKED:
        return INLAY_EXIT_LOCKED;
    case INLAY_E_CONNECTION:
    case INLAY_E_LOST:
        return INLAY_EXIT_CONNECTION;
    case INLAY_E_REFUSED:
        return INLAY_EXIT_REFUSED;
    case INLAY_E_STOPPED:
        return INLAY_EXIT_SIGNAL + inlay_cli_signals_seen();
    case INLAY_E_FAILED:
    case INLAY_E_MEMORY:
        break;
    }
    return INLAY_EXIT_FAILED;
}

/* A descriptor that the caller closed (server >&-) would be given to the connection, and what we
 * print would go to the server. */
static void occupy_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    }
}

static bool write_result(const struct buffer *out)
{
    if (out->failed) {
        errno = ENOMEM;
        return false;
    }
    return fwrite(out->length ? out->data : "", 1, out->length, stdout) == out->length &&
           fflush(stdout) == 0;
}

static void say_unwritten(struct console *console)
{
    struct buffer text = {0};
    inlay_cli_buffer_format(&text, " the result cannot be written to stdout: %s", strerror(errno));
    inlay_cli_console_say(console, STYLE_BAD, "error:", text.failed ? " out of memory" : text.data);
    inlay_cli_buffer_free(&text);
}

/* What went wrong to stderr, what was asked for to stdout. Returns the exit status. */
static int report(struct cli *cli, const struct answer *answer)
{
    int status = exit_status(answer->code);
    struct buffer out = {0};
    if (answer->code != INLAY_OK)
        inlay_cli_say_error(cli, &answer->error);
    if (cli->json)
        inlay_cli_report_json_document(&out, cli, answer, status);
    else if ((answer->code == INLAY_OK || answer->partial) && cli->verb->text)
        cli->verb->text(&out, cli, answer);
    if (!write_result(&out)) {
        say_unwritten(&cli->console);
        status = status ? status : INLAY_EXIT_FAILED;
    }
    inlay_cli_buffer_free(&out);
    return status;
}

static int answer_usage(struct cli *cli)
{
    struct answer answer = {0};
    inlay_cli_answer_fail(&answer, INLAY_E_ARGUMENT, "%s; see %shelp", cli->usage, cli->prefix);
    return report(cli, &answer);
}

static int run(struct cli *cli)
{
    struct answer answer = {0};
    cli->verb->run(cli, &answer);
    int status = report(cli, &answer);
    inlay_status_free(answer.status);
    inlay_kept_down_free(answer.kept);
    inlay_contents_free(answer.contents);
    return status;
}

/* The signals are ours until the result is written: a run that was stopped still reports. */
static int run_stoppable(struct cli *cli)
{
    struct signals signals;
    if (!inlay_cli_signals_take(&signals)) {
        struct answer answer = {0};
        inlay_cli_answer_fail(&answer, INLAY_E_FAILED, "no pipe for signals: %s", strerror(errno));
        return report(cli, &answer);
    }
    cli->options.stop_fd = signals.stop_fd;
    inlay_cli_say_directory(cli);
    int status = run(cli);
    inlay_cli_signals_release(&signals);
    return status;
}

static int back_up(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    struct cli *cli = user;
    return inlay_cli_backup(&cli->backup, event, err);
}

/* From here on the options are the verb's own: the host has its copy. */
static int finish(struct cli *cli)
{
    occupy_standard_streams();
    inlay_cli_console_init(&cli->console, cli->json);
    cli->options.log = inlay_cli_console_log;
    cli->options.event = inlay_cli_event;
    cli->options.user = cli;
    if (cli->backup.directory)
        cli->options.before_run = back_up;
    cli->backup.console = &cli->console;
    cli->backup.options = &cli->options;
    cli->backup.prefix = cli->prefix;
    int status;
    if (cli->usage[0])
        status = answer_usage(cli);
    else
        status = cli->verb->database ? run_stoppable(cli) : run(cli);
    inlay_cli_console_free(&cli->console);
    inlay_cli_buffer_free(&cli->backup.path);
    return status;
}

static struct cli begin_cli(int argc, char **argv, const struct inlay_set *set)
{
    const char *program = argc > 0 && argv[0] ? argv[0] : "inlay";
    const char *slash = strrchr(program, '/');
    return (struct cli){
        .set = set,
        .program = slash ? slash + 1 : program,
        .prefix = "--migrate-",
        .verbs = inlay_cli_verbs,
        .options = {.size = sizeof(struct inlay_options)},
    };
}

bool inlay_cli(int *argc, char **argv, const struct inlay_set *set,
               struct inlay_cli_outcome *outcome)
{
    struct cli cli = begin_cli(*argc, argv, set);
    inlay_cli_parse(&cli, argc, argv);
    *outcome = (struct inlay_cli_outcome){.options = cli.options};
    if (!cli.verb && !cli.usage[0])
        return false;
    outcome->exit_status = finish(&cli);
    return true;
}

int inlay_main(int argc, char **argv, const struct inlay_set *set)
{
    struct cli cli = begin_cli(argc, argv, set);
    cli.whole = true;
    cli.prefix = "--";
    inlay_cli_parse(&cli, &argc, argv);
    if (!cli.verb)
        cli.verb = &inlay_cli_verbs_none;
    return finish(&cli);
}

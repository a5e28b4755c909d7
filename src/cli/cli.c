/* The frame around every verb: parse, run, report, and the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <inlay-cli.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/event.h"
#include "report/report_json.h"
#include "report/say.h"
#include "targets/targets.h"
#include "terminal/signals.h"
#include "verbs/verbs.h"
#include "words/environment.h"
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

/* The names of targets are on stdout alone: without them these two say too little. */
static bool needs_names(const struct answer *answer, int status)
{
    return answer->tally && (status == INLAY_EXIT_PENDING || status == INLAY_EXIT_SOME);
}

/* What went wrong to stderr, what was asked for to stdout. Returns the exit status. */
static int report(struct cli *cli, const struct answer *answer)
{
    int status = answer->exit_status ? answer->exit_status : exit_status(answer->code);
    struct buffer out = {0};
    if (answer->code != INLAY_OK)
        inlay_cli_say_error(cli, &answer->error);
    if (cli->json)
        inlay_cli_report_json_document(&out, cli, answer, status);
    else if ((answer->code == INLAY_OK || answer->partial) && cli->verb->text)
        cli->verb->text(&out, cli, answer);
    if (!write_result(&out)) {
        say_unwritten(&cli->console);
        status = status && !needs_names(answer, status) ? status : INLAY_EXIT_FAILED;
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

/* Which of the variables it is that leads to no database. */
static void name_source(const struct cli *cli, bool elsewhere, struct inlay_error *error)
{
    static const char *const variables[] = {"INLAY_DATABASE_URL", "DATABASE_URL"};
    bool unusable = strncmp(error->message, "the connection string", 21) == 0;
    if (elsewhere)
        return;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = inlay_cli_environment(variables[i]);
        if (value && value == cli->options.conninfo && !error->detail[0] &&
            (error->code == INLAY_E_CONNECTION || unusable))
            snprintf(error->detail, sizeof error->detail, "the connection string is that of %s",
                     variables[i]);
    }
}

static int run(struct cli *cli)
{
    struct answer answer = {0};
    if (cli->targets)
        inlay_cli_targets(cli, &answer);
    else
        cli->verb->run(cli, &answer);
    name_source(cli, inlay_cli_targets_elsewhere(&answer), &answer.error);
    int status = report(cli, &answer);
    inlay_status_free(answer.status);
    inlay_kept_down_free(answer.kept);
    free(answer.script);
    inlay_contents_free(answer.contents);
    inlay_schema_free(answer.schema);
    inlay_cli_targets_free(&answer);
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

/* ---- what the program is asked ---- */

static int ask_before_run(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    struct cli *cli = user;
    int code = INLAY_OK;
    if (cli->host.before_run)
        code = cli->host.before_run(cli->host.user, event, err);
    if (code == INLAY_OK && cli->backup.directory)
        code = inlay_cli_backup(&cli->backup, event, err);
    return code;
}

static int ask_before_migration(void *user, const struct inlay_event *event,
                                struct inlay_error *err)
{
    struct cli *cli = user;
    return cli->host.before_migration(cli->host.user, event, err);
}

/* From here on the options are the verb's own: the host has its copy. */
static void take_over(struct cli *cli)
{
    struct inlay_options *options = &cli->options;
    options->log = inlay_cli_console_log;
    options->event = inlay_cli_event;
    options->user = cli;
    options->before_run = cli->host.before_run || cli->backup.directory ? ask_before_run : NULL;
    options->before_migration = cli->host.before_migration ? ask_before_migration : NULL;
    cli->backup.console = &cli->console;
    cli->backup.options = options;
    cli->backup.prefix = cli->prefix;
}

/* ---- the calls ---- */

static int finish(struct cli *cli)
{
    occupy_standard_streams();
    inlay_cli_console_init(&cli->console, cli->json, cli->lines);
    take_over(cli);
    int status;
    if (cli->usage[0])
        status = answer_usage(cli);
    else
        status = cli->verb->uses & USE_DATABASE ? run_stoppable(cli) : run(cli);
    inlay_cli_console_free(&cli->console);
    inlay_cli_buffer_free(&cli->backup.path);
    return status;
}

static struct cli begin_cli(const char *program, const struct inlay_set *set)
{
    const char *slash = program ? strrchr(program, '/') : NULL;
    return (struct cli){
        .set = set,
        .program = slash     ? slash + 1
                   : program ? program
                             : "inlay",
        .prefix = "--migrate-",
        .verbs = inlay_cli_verbs,
        .host = {.size = sizeof(struct inlay_options)},
        .options = {.size = sizeof(struct inlay_options)},
    };
}

static bool finish_with(struct cli *cli, struct inlay_cli_outcome *outcome)
{
    *outcome = (struct inlay_cli_outcome){.options = cli->options};
    if (!cli->verb && !cli->usage[0])
        return false;
    outcome->exit_status = finish(cli);
    return true;
}

bool inlay_cli(int *argc, char **argv, const struct inlay_set *set,
               struct inlay_cli_outcome *outcome)
{
    struct cli cli = begin_cli(*argc > 0 ? argv[0] : NULL, set);
    inlay_cli_parse(&cli, argc, argv);
    return finish_with(&cli, outcome);
}

bool inlay_cli_take(int *argc, char **argv, struct inlay_cli_command *command)
{
    struct cli cli = begin_cli(*argc > 0 ? argv[0] : NULL, NULL);
    int count = *argc;
    inlay_cli_parse(&cli, argc, argv);
    *command = (struct inlay_cli_command){
        .verb = cli.verb ? cli.verb->name : NULL,
        .word_count = count - *argc,
        .words = argv + *argc + 1,
        .program = count > 0 ? argv[0] : NULL,
    };
    bool help = cli.verb && cli.verb->argument == ARGUMENT_TOPIC;
    if (!help && !cli.usage[0])
        return false;
    command->exit_status = finish(&cli);
    return true;
}

bool inlay_cli_run(const struct inlay_cli_command *command, const struct inlay_set *set,
                   const struct inlay_options *defaults, struct inlay_cli_outcome *outcome)
{
    struct cli cli = begin_cli(command->program, set);
    inlay_cli_parse_again(&cli, defaults, command->word_count, command->words);
    return finish_with(&cli, outcome);
}

int inlay_main(int argc, char **argv, const struct inlay_set *set)
{
    struct cli cli = begin_cli(argc > 0 ? argv[0] : NULL, set);
    cli.whole = true;
    cli.prefix = "--";
    inlay_cli_parse(&cli, &argc, argv);
    if (!cli.verb)
        cli.verb = &inlay_cli_verbs_none;
    return finish(&cli);
}

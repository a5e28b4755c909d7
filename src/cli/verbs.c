/* The table of verbs, and what each of them does. */
#include <inttypes.h>

#include "cli.h"

static void run_only(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_migrate(cli->set, &cli->options, &answer->result, &answer->error);
    if (answer->code == INLAY_OK)
        inlay_cli_say_migrated(cli, &answer->result);
}

static void run_status(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_status_read(cli->set, &cli->options, &answer->status, &answer->error);
}

/* Ends as the run itself would, where that would refuse. */
static void run_dry_run(struct cli *cli, struct answer *answer)
{
    run_status(cli, answer);
    if (answer->code != INLAY_OK || answer->status->verdict.code == INLAY_OK)
        return;
    answer->error = answer->status->verdict;
    answer->code = answer->error.code;
}

static void run_check(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_check(cli->set, &cli->options, &answer->error);
    if (answer->code == INLAY_OK)
        inlay_cli_say_up_to_date(cli);
}

static void run_show(struct cli *cli, struct answer *answer)
{
    answer->migration = inlay_set_find(cli->set, cli->argument.number);
    if (!answer->migration)
        inlay_cli_fail(answer, INLAY_E_ARGUMENT,
                       "version %" PRId64 " is not embedded in this binary, see %slist",
                       cli->argument.number, cli->prefix);
}

/* What is embedded needs no looking up. */
static void run_nothing(struct cli *cli, struct answer *answer)
{
    (void)cli;
    (void)answer;
}

/* Nothing was asked for and nothing done: a deploy script must not take that for success. */
static void run_no_verb(struct cli *cli, struct answer *answer)
{
    inlay_cli_say_help(cli);
    inlay_cli_fail(answer, INLAY_E_ARGUMENT, "no verb was given");
}

const struct verb inlay_cli_verbs[] = {
    {"only", ARGUMENT_NONE, GROUP_EVERY_DAY, true, "apply what is pending, then end", run_only,
     NULL, inlay_cli_json_only},
    {"status", ARGUMENT_NONE, GROUP_EVERY_DAY, true,
     "show what is applied, pending, unknown or changed", run_status, inlay_cli_text_status,
     inlay_cli_json_status},
    {"check", ARGUMENT_NONE, GROUP_EVERY_DAY, true,
     "is the database up to date? Answers by exit status", run_check, NULL, NULL},
    {"dry-run", ARGUMENT_NONE, GROUP_EVERY_DAY, true, "show what would be applied; write nothing",
     run_dry_run, inlay_cli_text_dry_run, inlay_cli_json_dry_run},
    {"list", ARGUMENT_NONE, GROUP_EVERY_DAY, false, "show what is embedded; needs no database",
     run_nothing, inlay_cli_text_list, inlay_cli_json_list},
    {"show", ARGUMENT_VERSION, GROUP_EVERY_DAY, false, "print an embedded migration, byte for byte",
     run_show, inlay_cli_text_show, inlay_cli_json_show},
    {"await", ARGUMENT_DURATION, GROUP_EVERY_DAY, true,
     "wait until another process has applied everything", inlay_cli_await, NULL,
     inlay_cli_json_await},
    {"help", ARGUMENT_NONE, GROUP_EVERY_DAY, false, "print this help", run_nothing,
     inlay_cli_text_help, inlay_cli_json_help},
    {0},
};

const struct verb inlay_cli_no_verb = {.run = run_no_verb};

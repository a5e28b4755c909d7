#include "verbs/verbs.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/report_json.h"
#include "report/report_text.h"
#include "report/say.h"
#include "verbs/await.h"
#include "verbs/back.h"
#include "verbs/rehearse.h"
#include "verbs/reset.h"
#include "verbs/selftest.h"
#include "verbs/version.h"
#include "words/answer.h"
#include "words/help.h"

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

static void fail_show(struct cli *cli, struct answer *answer)
{
    struct inlay_error *err = &answer->error;
    snprintf(err->detail, sizeof err->detail, "%.*s", (int)sizeof err->detail - 1, err->message);
    snprintf(err->message, sizeof err->message,
             "version %" PRId64 " is not embedded in this binary, see %slist", cli->argument.number,
             cli->prefix);
}

/* What is embedded needs no database; of what is not, the database may have the way back. */
static void run_show(struct cli *cli, struct answer *answer)
{
    int64_t version = cli->argument.number;
    answer->migration = inlay_set_find(cli->set, version);
    if (answer->migration)
        return;
    answer->code =
        inlay_kept_down_read(cli->set, &cli->options, version, &answer->kept, &answer->error);
    if (answer->code == INLAY_OK)
        inlay_cli_say_kept(cli, answer->kept);
    else
        fail_show(cli, answer);
}

typedef int (*edit)(const struct inlay_set *set, const struct inlay_options *options,
                    int64_t version, struct inlay_error *err);

/* The library says what it did to the history. */
static void run_edit(struct cli *cli, struct answer *answer, edit call)
{
    answer->code = call(cli->set, &cli->options, cli->argument.number, &answer->error);
}

static void run_baseline(struct cli *cli, struct answer *answer)
{
    run_edit(cli, answer, inlay_baseline);
    if (answer->code == INLAY_OK)
        inlay_cli_say_recorded(cli, "every migration up to ");
}

static void run_mark(struct cli *cli, struct answer *answer)
{
    run_edit(cli, answer, inlay_mark);
    if (answer->code == INLAY_OK)
        inlay_cli_say_recorded(cli, "");
}

static void run_unmark(struct cli *cli, struct answer *answer)
{
    run_edit(cli, answer, inlay_unmark);
}

static void run_accept(struct cli *cli, struct answer *answer)
{
    run_edit(cli, answer, inlay_accept);
}

static void run_adopt(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_adopt(cli->set, &cli->options, cli->argument.text, &answer->error);
}

static void run_resume_at(struct cli *cli, struct answer *answer)
{
    answer->code =
        inlay_resume_at(cli->set, &cli->options, cli->argument.number,
                        (size_t)inlay_cli_argument_statement(cli->argument), &answer->error);
}

static void run_list(struct cli *cli, struct answer *answer)
{
    (void)answer;
    inlay_cli_say_directory(cli);
}

static void run_nothing(struct cli *cli, struct answer *answer)
{
    (void)cli;
    (void)answer;
}

/* Nothing was asked for and nothing done: a deploy script must not take that for success. */
static void run_no_verb(struct cli *cli, struct answer *answer)
{
    inlay_cli_say_help(cli);
    inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "no verb was given");
}

const struct verb inlay_cli_verbs[] = {
    {"only", ARGUMENT_NONE, GROUP_EVERY_DAY, true, "apply what is pending, then end", run_only,
     NULL, inlay_cli_report_json_only},
    {"status", ARGUMENT_NONE, GROUP_EVERY_DAY, true,
     "show what is applied, pending, unknown or changed", run_status, inlay_cli_report_text_status,
     inlay_cli_report_json_status},
    {"check", ARGUMENT_NONE, GROUP_EVERY_DAY, true,
     "is the database up to date? Answers by exit status", run_check, NULL, NULL},
    {"dry-run", ARGUMENT_NONE, GROUP_EVERY_DAY, true, "show what would be applied; write nothing",
     run_dry_run, inlay_cli_report_text_dry_run, inlay_cli_report_json_dry_run},
    {"rehearse", ARGUMENT_NONE, GROUP_EVERY_DAY, true,
     "on a copy: run what is pending, then roll all of it back", inlay_cli_rehearse, NULL,
     inlay_cli_rehearse_json},
    {"list", ARGUMENT_NONE, GROUP_EVERY_DAY, false, "show what is embedded; needs no database",
     run_list, inlay_cli_report_text_list, inlay_cli_report_json_list},
    {"show", ARGUMENT_VERSION, GROUP_EVERY_DAY, true,
     "print a migration, or the stored down script of an unknown one", run_show,
     inlay_cli_report_text_show, inlay_cli_report_json_show},
    {"await", ARGUMENT_DURATION, GROUP_EVERY_DAY, true,
     "wait until another process has applied everything", inlay_cli_await, NULL,
     inlay_cli_report_json_await},
    {"version", ARGUMENT_NONE, GROUP_EVERY_DAY, true,
     "print the versions of binary, database, inlay, libpq and OpenSSL", inlay_cli_version,
     inlay_cli_version_text, inlay_cli_version_json},
    {"help", ARGUMENT_NONE, GROUP_EVERY_DAY, false, "print this help", run_nothing, inlay_cli_help,
     inlay_cli_report_json_help},
    {"down", ARGUMENT_COUNT, GROUP_GOING_BACK, true, "undo the newest N migrations",
     inlay_cli_back_down, NULL, inlay_cli_report_json_moved},
    {"to", ARGUMENT_VERSION, GROUP_GOING_BACK, true,
     "apply what is missing up to VERSION, undo what is above it", inlay_cli_back_to, NULL,
     inlay_cli_report_json_moved},
    {"rollback", ARGUMENT_NONE, GROUP_GOING_BACK, true, "undo what the last run applied",
     inlay_cli_back_rollback, NULL, inlay_cli_report_json_moved},
    {"redo", ARGUMENT_NONE, GROUP_GOING_BACK, true,
     "undo the newest migration and apply it again, edited or not", inlay_cli_back_redo, NULL,
     inlay_cli_report_json_moved},
    {"selftest", ARGUMENT_NONE, GROUP_GOING_BACK, true,
     "on an empty database: each migration up, down and up again", inlay_cli_selftest, NULL,
     inlay_cli_report_json_selftest},
    {"reset", ARGUMENT_NONE, GROUP_GOING_BACK, true,
     "drop everything in the database and migrate from nothing", inlay_cli_reset, NULL,
     inlay_cli_reset_json},
    {"adopt", ARGUMENT_SOURCE, GROUP_ADOPTING, true,
     "record what another tool has applied; run nothing", run_adopt, NULL,
     inlay_cli_report_json_source},
    {"baseline", ARGUMENT_VERSION, GROUP_ADOPTING, true,
     "record everything up to VERSION as applied; run nothing", run_baseline, NULL,
     inlay_cli_report_json_edit},
    {"mark", ARGUMENT_VERSION, GROUP_ADOPTING, true, "record VERSION as applied; run nothing",
     run_mark, NULL, inlay_cli_report_json_edit},
    {"unmark", ARGUMENT_VERSION, GROUP_ADOPTING, true,
     "forget that VERSION is applied; undo nothing", run_unmark, NULL, inlay_cli_report_json_edit},
    {"accept", ARGUMENT_VERSION, GROUP_REPAIR, true,
     "accept an edited or renamed file: store its name and checksum", run_accept, NULL,
     inlay_cli_report_json_edit},
    {"resume-at", ARGUMENT_PLACE, GROUP_REPAIR, true,
     "say where a file without a transaction goes on", run_resume_at, NULL,
     inlay_cli_report_json_resume_at},
    {0},
};

const struct verb inlay_cli_verbs_none = {.run = run_no_verb};

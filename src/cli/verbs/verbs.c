/* The table of verbs: for each its name, its help and its function, with the short functions
 * here. */
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
#include "verbs/schema.h"
#include "verbs/script.h"
#include "verbs/selftest.h"
#include "verbs/verify.h"
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
             "version %" PRId64 " is not embedded in this binary, see %sshow", cli->argument.number,
             cli->prefix);
}

/* What is embedded needs no database; of what is not, the database may have the way back. */
static void run_show(struct cli *cli, struct answer *answer)
{
    if (!cli->argument.text)
        return;
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
    {"only", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_RUN | USE_BACKUP | USE_VERDICT | USE_TARGETS,
     "apply what is pending, then end",
     "One process migrates at a time. A migration that fails is rolled back; those\n"
     "before it stay applied.\n",
     run_only, NULL, inlay_cli_report_json_only},
    {"status", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_LOOK | USE_TARGETS,
     "show what is applied, pending, unknown, changed",
     "Ends with 0 if it could read the history; scripts use @check.\n", run_status,
     inlay_cli_report_text_status, inlay_cli_report_json_status},
    {"check", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_LOOK | USE_TARGETS,
     "is it up to date? Answers by exit status",
     "0: the database has all of the binary's migrations; 3: something is pending;\n"
     "4: history and binary disagree. Only reads.\n",
     run_check, NULL, NULL},
    {"dry-run", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_LOOK,
     "show what would be applied; write nothing",
     "Reads the history alone: @rehearse runs the files.\n"
     "Refuses what @only would refuse, with the same exit status.\n",
     run_dry_run, inlay_cli_report_text_dry_run, inlay_cli_report_json_dry_run},
    {"rehearse", ARGUMENT_KEEP, GROUP_EVERY_DAY, USE_EDIT | USE_SCRIPTS | USE_VERDICT | USE_CONFIRM,
     "on a copy: run what is pending, roll it back",
     "All in one transaction, which is rolled back: locks stay until then, so not in\n"
     "production. A file without a transaction cannot be rehearsed.\n"
     "With =keep, on a server that is thrown away: runs each file as a real run\n"
     "would, keeps it, and tells what it did to what was there. Asks first.\n",
     inlay_cli_rehearse, NULL, inlay_cli_rehearse_json},
    {"verify", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_DATABASE,
     "ask the verify scripts of what is applied",
     "Each NNN_name.verify.sql is asked in a transaction that only reads. Ends with 4\n"
     "if one of its queries fails or is false.\n",
     inlay_cli_verify, NULL, inlay_cli_verify_json},
    {"script", ARGUMENT_SPAN, GROUP_EVERY_DAY, USE_LOOK | USE_SCRIPTS | USE_ROWS | USE_UNDO,
     "print what is pending as a script for psql",
     "With FROM..TO no database is asked: the script leads from one version to the\n"
     "other, also back. Without FROM nothing is applied, without TO all is to be.\n",
     inlay_cli_script, inlay_cli_script_text, inlay_cli_script_json},
    {"schema", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_LOOK, "print the schema of a migrated database",
     "Text for a file beside the migrations, a block for each object. Only reads.\n",
     inlay_cli_schema, inlay_cli_schema_text, inlay_cli_schema_json},
    {"drift", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_LOOK | USE_DRIFT,
     "say how it differs from the embedded schema",
     "Prints what is missing, extra or different, and ends with 4. Only reads.\n",
     inlay_cli_schema_drift, inlay_cli_schema_drift_text, inlay_cli_schema_drift_json},
    {"show", ARGUMENT_ONE, GROUP_EVERY_DAY, USE_DATABASE,
     "list what is embedded, or print one migration",
     "Needs no database, unless the binary lacks VERSION: then it prints the down\n"
     "script that was stored with it. Runs nothing.\n",
     run_show, inlay_cli_report_text_show, inlay_cli_report_json_show},
    {"await", ARGUMENT_DURATION, GROUP_EVERY_DAY, USE_LOOK,
     "wait until another process has applied all",
     "Only reads. Ends with 3 when the time is up; 0 looks once.\n", inlay_cli_await, NULL,
     inlay_cli_report_json_await},
    {"version", ARGUMENT_NONE, GROUP_EVERY_DAY, USE_DATABASE,
     "print the versions of all that takes part",
     "Of the binary, the database, inlay, libpq and OpenSSL. The database is asked\n"
     "only if it is named.\n",
     inlay_cli_version, inlay_cli_version_text, inlay_cli_version_json},
    {"help", ARGUMENT_TOPIC, GROUP_EVERY_DAY, USE_ANY,
     "print this help, or all about one verb or option",
     "Such as @help down, or @help lock-wait.\n", run_nothing, inlay_cli_help,
     inlay_cli_report_json_help},
    {"down", ARGUMENT_DOWN, GROUP_GOING_BACK, USE_BACK,
     "undo the newest N, or what the last run applied",
     "The newest first, each together with its row. With \"batch\" all that has the\n"
     "number of the newest batch.\n",
     inlay_cli_back_down, NULL, inlay_cli_report_json_moved},
    {"to", ARGUMENT_VERSION, GROUP_GOING_BACK, USE_BACK | USE_VERDICT,
     "apply all up to VERSION, undo what is above it",
     "Migrations above VERSION are undone newest first.\n", inlay_cli_back_to, NULL,
     inlay_cli_report_json_moved},
    {"redo", ARGUMENT_NONE, GROUP_GOING_BACK, USE_BACK,
     "undo the newest migration and apply it again", "Edited or not: for development.\n",
     inlay_cli_back_redo, NULL, inlay_cli_report_json_moved},
    {"selftest", ARGUMENT_NONE, GROUP_GOING_BACK, USE_RUN | USE_UNDO,
     "on an empty database: each one up, down, up",
     "Compares the schema after each step: a down script that does not lead back is\n"
     "named.\n",
     inlay_cli_selftest, NULL, inlay_cli_report_json_selftest},
    {"reset", ARGUMENT_NONE, GROUP_GOING_BACK, USE_RUN | USE_BACKUP | USE_CONFIRM,
     "drop everything and migrate from nothing",
     "Needs the name of the database: typed on a terminal, or @yes=DATABASE.\n", inlay_cli_reset,
     NULL, inlay_cli_reset_json},
    {"adopt", ARGUMENT_SOURCE, GROUP_ADOPTING, USE_EDIT | USE_ADOPT,
     "record what another tool has applied",
     "Runs nothing. TOOL is golang-migrate, goose, flyway ..., any table as\n"
     "filenames=SCHEMA.TABLE.COLUMN, or 'query=SELECT ...'.\n",
     run_adopt, NULL, inlay_cli_report_json_source},
    {"baseline", ARGUMENT_VERSION, GROUP_ADOPTING, USE_EDIT | USE_ROWS,
     "record all up to VERSION; run nothing",
     "Without checksums. For a database that has them already.\n", run_baseline, NULL,
     inlay_cli_report_json_edit},
    {"mark", ARGUMENT_VERSION, GROUP_ADOPTING, USE_EDIT | USE_ROWS,
     "record VERSION as applied; run nothing", "Without a checksum.\n", run_mark, NULL,
     inlay_cli_report_json_edit},
    {"unmark", ARGUMENT_VERSION, GROUP_ADOPTING, USE_EDIT,
     "forget that VERSION is applied; undo nothing",
     "Deletes its row; the next run applies the migration again.\n", run_unmark, NULL,
     inlay_cli_report_json_edit},
    {"accept", ARGUMENT_VERSION, GROUP_REPAIR, USE_EDIT | USE_ROWS,
     "accept an edited or renamed file",
     "Stores the name and the checksum that it has in this binary. Use it if the\n"
     "database already matches the file.\n",
     run_accept, NULL, inlay_cli_report_json_edit},
    {"resume-at", ARGUMENT_PLACE, GROUP_REPAIR, USE_EDIT, "where a half-done file continues",
     "Of a file without a transaction: the next run continues with STATEMENT. They\n"
     "count from 1; the last number plus one means that all are done.\n",
     run_resume_at, NULL, inlay_cli_report_json_resume_at},
    {0},
};

const struct verb inlay_cli_verbs_none = {.run = run_no_verb};

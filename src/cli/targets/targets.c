/* Looks at all targets of a command line together, and migrates those that are behind if that is
 * what the verb does. Which of them are left goes to stdout, a name a line. */
#include "targets/targets.h"

#include <stdlib.h>
#include <string.h>

#include "report/say.h"
#include "targets/document.h"
#include "targets/look.h"
#include "targets/part.h"
#include "targets/source.h"
#include "targets/tally.h"
#include "targets/work.h"
#include "writing/text.h"

/* ---- migrating ---- */

static void say_open(const struct tally *tally)
{
    struct buffer line = {0};
    size_t open = tally->counts[OUTCOME_BEHIND] + tally->counts[OUTCOME_NEW];
    if (open == 0)
        return;
    inlay_cli_buffer_format(&line, "%zu of ", open);
    inlay_cli_text_count(&line, tally->list.ours, "target");
    inlay_cli_buffer_format(&line, " %s behind", open == 1 ? "is" : "are");
    inlay_cli_say(tally->cli, &line);
}

static void migrate_open(struct tally *tally, struct answer *answer)
{
    say_open(tally);
    inlay_cli_work(tally, answer);
}

/* ---- the report ---- */

/* One that was found up to date, or is now, is not left. */
static void print_left(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    const struct tally *tally = answer->tally;
    bool migrates = cli->verb->uses & USE_COMMIT;
    for (size_t i = 0; i < tally->list.ours; i++) {
        enum outcome outcome = tally->fates[i].outcome;
        bool done = outcome == OUTCOME_CURRENT || outcome == OUTCOME_MIGRATED;
        if (done || !(migrates || inlay_cli_outcome_is_open(outcome)))
            continue;
        inlay_cli_buffer_text(out, tally->list.targets[i].name);
        inlay_cli_buffer_text(out, "\n");
    }
}

/* null where it was not found out which there are. */
static void write_members(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    if (answer->tally && answer->tally->fates)
        inlay_cli_document(json, answer->tally);
    else
        inlay_cli_json_null(json, "targets");
}

/* The report of the verb would be about one database. */
static void report_as_many(struct cli *cli)
{
    cli->many = *cli->verb;
    cli->many.text = print_left;
    cli->many.json = write_members;
    cli->verb = &cli->many;
}

/* Whatever came of it, what is known is said. */
static void report_on(struct tally *tally, struct answer *answer)
{
    answer->partial = true;
    inlay_cli_tally_say(tally);
    if (answer->code == INLAY_OK)
        inlay_cli_tally_judge(tally, answer);
}

static void say_no_part(struct cli *cli)
{
    struct buffer line = {0};
    inlay_cli_buffer_format(&line, "none of the targets is in part %s", cli->part);
    inlay_cli_say(cli, &line);
}

static void run_on(struct cli *cli, struct tally *tally, struct answer *answer)
{
    if (!inlay_cli_tally_init(tally, cli)) {
        inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
        return;
    }
    if (tally->list.ours == 0)
        say_no_part(cli);
    if (inlay_cli_look(tally, answer) == INLAY_OK && cli->verb->uses & USE_COMMIT)
        migrate_open(tally, answer);
    report_on(tally, answer);
}

void inlay_cli_targets(struct cli *cli, struct answer *answer)
{
    struct tally *tally = calloc(1, sizeof *tally);
    answer->tally = tally;
    report_as_many(cli);
    if (!tally)
        inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    else if (inlay_cli_source(cli, &tally->list, answer) &&
             inlay_cli_part(cli, &tally->list, answer))
        run_on(cli, tally, answer);
}

bool inlay_cli_targets_elsewhere(const struct answer *answer)
{
    const struct tally *tally = answer->tally;
    for (size_t i = 0; tally && i < tally->list.ours; i++) {
        if (tally->list.targets[i].conninfo)
            return true;
    }
    return false;
}

void inlay_cli_targets_free(struct answer *answer)
{
    if (answer->tally)
        inlay_cli_tally_free(answer->tally);
    free(answer->tally);
}

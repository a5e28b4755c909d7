/* --migrate-rehearse: runs what is pending in a transaction that is rolled back, or keeps it if
 * that was confirmed, and reports each migration. */
#include "verbs/rehearse.h"

#include <stdio.h>

#include "report/say.h"
#include "verbs/confirm.h"
#include "writing/text.h"

/* "2 migrations rehearsed and rolled back (18 ms); could not be rehearsed: 003_index_email" */
static void say_rehearsed(struct cli *cli, const struct inlay_rehearsal *rehearsal)
{
    struct buffer line = {0};
    const struct buffer *unrehearsed = &cli->console.unrehearsed;
    if (rehearsal->rehearsed + rehearsal->unrehearsed == 0) {
        inlay_cli_buffer_text(&line, "nothing to rehearse; ");
        inlay_cli_text_up_to_date(&line, cli->set);
    } else {
        inlay_cli_text_count(&line, rehearsal->rehearsed, "migration");
        inlay_cli_buffer_text(&line, cli->argument.text ? " rehearsed and kept ("
                                                        : " rehearsed and rolled back (");
        inlay_cli_text_duration(&line, rehearsal->elapsed_ms);
        inlay_cli_buffer_text(&line, ")");
    }
    if (unrehearsed->length > 0 && !unrehearsed->failed)
        inlay_cli_buffer_format(&line, "; could not be rehearsed: %s", unrehearsed->data);
    inlay_cli_say(cli, &line);
}

/* "apply 2 migrations to database shop, and keep them" */
static void describe_kept(struct buffer *out, const struct inlay_status *status)
{
    inlay_cli_buffer_text(out, "apply ");
    inlay_cli_text_count(out, status->pending, "migration");
    inlay_cli_buffer_text(out, " to database ");
    inlay_cli_text_escape(out, status->database, "");
    inlay_cli_buffer_text(out, ", and keep what they do");
}

static bool is_keeping_agreed(struct cli *cli, struct answer *answer)
{
    const struct inlay_status *status = answer->status;
    struct buffer what = {0};
    if (cli->yes || status->pending == 0 || status->verdict.code != INLAY_OK)
        return true;
    describe_kept(&what, status);
    bool agreed = !what.failed && inlay_cli_confirm(cli, answer, what.data);
    if (what.failed)
        inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    else if (!agreed)
        snprintf(answer->error.outcome, sizeof answer->error.outcome, "nothing was applied");
    inlay_cli_buffer_free(&what);
    return agreed;
}

/* What is kept is confirmed for one database, and the library checks its name. */
static const char *find_database(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_status_read(cli->set, &cli->options, &answer->status, &answer->error);
    return answer->code == INLAY_OK && is_keeping_agreed(cli, answer) ? answer->status->database
                                                                      : NULL;
}

void inlay_cli_rehearse(struct cli *cli, struct answer *answer)
{
    struct inlay_rehearsal rehearsal = {0};
    bool keeps = cli->argument.text != NULL;
    const char *database = keeps ? find_database(cli, answer) : NULL;
    if (keeps && !database)
        return;
    cli->console.rehearses = true;
    answer->code = inlay_rehearse(cli->set, &cli->options, database, &rehearsal, &answer->error);
    if (answer->code == INLAY_OK)
        say_rehearsed(cli, &rehearsal);
}

/* From the events: a rehearsal that failed has done something too. */
void inlay_cli_rehearse_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)answer;
    inlay_cli_json_bool(json, "kept", cli->argument.text != NULL);
    inlay_cli_json_number(json, "rehearsed", (int64_t)cli->console.applied);
    inlay_cli_json_number(json, "unrehearsed", (int64_t)cli->console.skipped);
    inlay_cli_json_array(json, "migrations", &cli->console.steps);
}

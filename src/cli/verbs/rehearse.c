#include "verbs/rehearse.h"

#include "report/say.h"
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
        inlay_cli_buffer_text(&line, " rehearsed and rolled back (");
        inlay_cli_text_duration(&line, rehearsal->elapsed_ms);
        inlay_cli_buffer_text(&line, ")");
    }
    if (unrehearsed->length > 0 && !unrehearsed->failed)
        inlay_cli_buffer_format(&line, "; could not be rehearsed: %s", unrehearsed->data);
    inlay_cli_say(cli, &line);
}

void inlay_cli_rehearse(struct cli *cli, struct answer *answer)
{
    struct inlay_rehearsal rehearsal = {0};
    cli->console.rehearses = true;
    answer->code = inlay_rehearse(cli->set, &cli->options, &rehearsal, &answer->error);
    if (answer->code == INLAY_OK)
        say_rehearsed(cli, &rehearsal);
}

/* From the events: a rehearsal that failed has done something too. */
void inlay_cli_rehearse_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)answer;
    inlay_cli_json_number(json, "rehearsed", (int64_t)cli->console.applied);
    inlay_cli_json_number(json, "unrehearsed", (int64_t)cli->console.skipped);
    inlay_cli_json_array(json, "migrations", &cli->console.steps);
}

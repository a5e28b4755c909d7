/* --migrate-selftest: applies, undoes and applies every migration again in an empty database. */
#include "verbs/selftest.h"

#include "report/event.h"
#include "report/say.h"
#include "writing/text.h"

/* The library names each migration that it has tried; of its three ways only the time is shown. */
static void show_time(void *user, const struct inlay_event *event)
{
    if (event->kind != INLAY_EVENT_APPLIED && event->kind != INLAY_EVENT_FAILED)
        inlay_cli_event(user, event);
}

static void say_tested(struct cli *cli, const struct inlay_selftest_result *result)
{
    struct buffer line = {0};
    inlay_cli_text_count(&line, result->tested, "migration");
    inlay_cli_buffer_text(&line, " went up, down and up again, and the schema came out the same (");
    inlay_cli_text_duration(&line, result->elapsed_ms);
    inlay_cli_buffer_text(&line, ")");
    if (result->untested > 0)
        inlay_cli_buffer_format(&line, "; %zu without a down script %s not tested",
                                result->untested, result->untested == 1 ? "was" : "were");
    inlay_cli_say(cli, &line);
}

void inlay_cli_selftest(struct cli *cli, struct answer *answer)
{
    cli->options.event = show_time;
    answer->code = inlay_selftest(cli->set, &cli->options, &answer->selftest, &answer->error);
    if (answer->code == INLAY_OK)
        say_tested(cli, &answer->selftest);
}

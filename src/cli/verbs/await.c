/* --migrate-await: checks again and again, read-only, until another process has applied what is
 * pending or the time is over. */
#include "verbs/await.h"

#include <stdio.h>
#include <string.h>

#include "report/say.h"
#include "terminal/clock.h"
#include "terminal/signals.h"
#include "writing/text.h"

#define PAUSE_FIRST_MS 200
#define PAUSE_MOST_MS 2000

/* The library tries a server that is not there again until less time is left than this. */
#define LAST_TRY_MS 2000

/* A server that answers "no such role" or "no such database" will not change its mind; one that
 * starts, stops or is full says so in the classes 57 and 53. An error without SQLSTATE is no
 * server there, which the library would have waited out, or a password that is missing. */
static bool connection_may_come(const struct inlay_error *err, int64_t left_ms)
{
    if (err->sqlstate[0])
        return strncmp(err->sqlstate, "57", 2) == 0 || strncmp(err->sqlstate, "53", 2) == 0;
    return left_ms < LAST_TRY_MS;
}

static bool worth_waiting(int code, const struct inlay_error *err, int64_t left_ms)
{
    switch (code) {
    case INLAY_E_PENDING:
    case INLAY_E_LOCKED:
    case INLAY_E_LOST:
        return true;
    case INLAY_E_CONNECTION:
        return connection_may_come(err, left_ms);
    case INLAY_E_REFUSED:
        /* The GRANT for our role may be in the migrations that we wait for. */
        return strcmp(err->sqlstate, "42501") == 0;
    default:
        return false;
    }
}

/* A last look for which little time was left may have had no answer only because of that: what is
 * "still so" is what the look before it found. */
static void time_is_up(struct answer *answer, const struct inlay_error *before, int64_t had_ms)
{
    struct buffer outcome = {0};

    if (answer->code == INLAY_E_CONNECTION && had_ms < LAST_TRY_MS && before->code)
        answer->error = *before;
    inlay_cli_buffer_text(&outcome, "still so after ");
    inlay_cli_text_duration(&outcome, answer->waited_ms);
    if (!outcome.failed)
        snprintf(answer->error.outcome, sizeof answer->error.outcome, "%s", outcome.data);
    inlay_cli_buffer_free(&outcome);
    answer->error.code = answer->code = INLAY_E_PENDING;
}

void inlay_cli_await(struct cli *cli, struct answer *answer)
{
    int64_t began = inlay_cli_clock_ms(), patience = cli->argument.number, pause = PAUSE_FIRST_MS;
    struct inlay_error before = {0};
    cli->console.once = true;
    for (;;) {
        int64_t had = patience - answer->waited_ms, left = had;
        cli->options.connect_wait_ms = left;
        cli->options.lock_wait_ms = left > 0 ? left : INLAY_NO_WAIT;
        answer->code = inlay_check(cli->set, &cli->options, &answer->error);
        answer->waited_ms = inlay_cli_clock_ms() - began;
        left = patience - answer->waited_ms;
        if (answer->code == INLAY_OK)
            inlay_cli_say_up_to_date(cli);
        if (!worth_waiting(answer->code, &answer->error, left))
            return;
        if (left <= 0) {
            time_is_up(answer, &before, had);
            return;
        }
        before = answer->error;
        inlay_cli_console_wait(&cli->console, answer->error.message, answer->waited_ms);
        if (inlay_cli_signals_sleep(cli->options.stop_fd, pause < left ? pause : left)) {
            inlay_cli_answer_fail(answer, INLAY_E_STOPPED, "stopped while waiting");
            return;
        }
        answer->waited_ms = inlay_cli_clock_ms() - began;
        pause = pause * 2 < PAUSE_MOST_MS ? pause * 2 : PAUSE_MOST_MS;
    }
}

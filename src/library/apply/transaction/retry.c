#include "apply/transaction/retry.h"
#include "apply/transaction/blockers.h"
#include "base/clock.h"
#include "base/log.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <string.h>

#define RETRY_MS (2 * 60 * 1000)

/* Those who queued up behind us are to get by before we come again. */
#define PAUSE_FIRST_MS 200
#define PAUSE_MOST_MS 5000

static void begin_retry(struct retry *retry, const struct step *step, int64_t seed)
{
    int64_t now = inlay_clock_ms();

    *retry = (struct retry){
        .step = step,
        .begun_at = now,
        .backoff = inlay_backoff_begin(PAUSE_FIRST_MS, PAUSE_MOST_MS, now ^ seed),
    };
}

static int64_t time_left(const struct inlay_options *options, const struct retry *retry)
{
    int64_t budget = options->retry_ms == 0 ? RETRY_MS : options->retry_ms;

    return budget < 0 ? 0 : retry->begun_at + budget - inlay_clock_ms();
}

static void give_up_retry(const struct retry *retry, struct inlay_error *err)
{
    char spent[32];

    inlay_limit_text((inlay_clock_ms() - retry->begun_at) / 1000 * 1000, spent, sizeof spent);
    if (retry->attempts > 1)
        inlay_text_add(err->detail, sizeof err->detail, "%stried %zu times within %s",
                       err->detail[0] != '\0' ? "\n" : "", retry->attempts, spent);
    inlay_text_put(err->hint, sizeof err->hint,
                   "run again at a quieter time; or wait longer for each lock (--migrate-set "
                   "lock_timeout=TIME) or retry for longer (--migrate-retry DURATION); to end a "
                   "stuck session: SELECT pg_terminate_backend(PID);");
}

static void say_again(struct report *report, const struct inlay_error *err)
{
    char place[sizeof err->path + 16];

    inlay_text_put(place, sizeof place, "%s", err->path);
    if (err->line > 0)
        inlay_text_add(place, sizeof place, ":%u", err->line);
    inlay_log(report->options, INLAY_LOG_WARNING, "%s: %s%s%s; trying again", place, err->message,
              err->detail[0] != '\0' ? "; " : "", err->detail);
    inlay_report_tell(report, INLAY_EVENT_RETRIED, inlay_clock_ms() - report->current_since);
}

int inlay_retry_wait(struct run *run, struct retry *retry, const struct step *step,
                     const struct inlay_statement *statement, struct inlay_error *err)
{
    if (retry->step != step)
        begin_retry(retry, step, run->known.snapshot.backend_pid);
    retry->attempts++;
    if (strcmp(err->sqlstate, "55P03") == 0)
        inlay_blockers_find(&run->connection, step, statement, err->detail, sizeof err->detail);
    int64_t left = time_left(&run->request.options, retry);
    if (left <= 0) {
        give_up_retry(retry, err);
        return INLAY_E_FAILED;
    }
    say_again(&run->report, err);
    run->report.current = NULL;
    run->report.waiting_since = inlay_clock_ms();
    int rc =
        inlay_wire_sleep(&run->connection.session, inlay_backoff_next(&retry->backoff, left), err);
    run->report.waiting_since = 0;
    return rc;
}

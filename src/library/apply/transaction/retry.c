/* Decides whether a migration that met a lock, a deadlock or a serialization failure is tried
 * again, and waits first. */
#include "apply/transaction/retry.h"
#include "apply/transaction/blockers.h"
#include "base/clock.h"
#include "base/log.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <string.h>

#define RETRY_MS (2 * 60 * 1000)

/* Queries that queued up after ours pass before we try again: no pause is shorter than half of
 * this, and none than the try before it. */
#define PAUSE_FIRST_MS 400
#define PAUSE_MOST_MS 4000

/* The server takes a moment to end an autovacuum, once it has found it in the way. */
#define AUTOVACUUM_ENDS_MS 250

static void begin_retry(struct retry *retry, const struct step *step)
{
    int64_t now = inlay_clock_ms();
    int seed = PQbackendPID(retry->connection->session.conn);

    *retry = (struct retry){
        .connection = retry->connection,
        .report = retry->report,
        .step = step,
        .begun_at = now,
        .backoff = inlay_backoff_begin(PAUSE_FIRST_MS, PAUSE_MOST_MS, now ^ seed),
    };
}

static int64_t time_left(const struct inlay_options *options, const struct retry *retry)
{
    int64_t budget = options->retry_ms == 0 ? RETRY_MS : options->retry_ms;

    return budget < 0 ? 0 : budget - (inlay_clock_ms() - retry->begun_at);
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

/* How long the next try lasts where that is for us to say. An autovacuum gives way to nothing that
 * waits for less than deadlock_timeout; one that does not give way then never will. */
static void climb(struct limits *limits, struct retry *retry, const struct step *step,
                  bool autovacuum)
{
    int64_t half = retry->backoff.delay_ms / 2;

    retry->long_try = autovacuum && !retry->long_try;
    limits->climber = step->script;
    if (retry->long_try)
        limits->rung_ms = limits->deadlock_ms + AUTOVACUUM_ENDS_MS;
    else
        limits->rung_ms = half < INLAY_TRY_MOST_MS ? half : INLAY_TRY_MOST_MS;
}

int inlay_retry_wait(struct retry *retry, const struct step *step,
                     const struct inlay_statement *statement, struct inlay_error *err)
{
    struct connection *connection = retry->connection;
    struct report *report = retry->report;

    if (retry->step != step)
        begin_retry(retry, step);
    retry->attempts++;
    bool autovacuum =
        strcmp(err->sqlstate, "55P03") == 0 &&
        inlay_blockers_find(connection, step, statement, err->detail, sizeof err->detail);
    int64_t left = time_left(report->options, retry);
    if (left <= 0) {
        give_up_retry(retry, err);
        return inlay_error_settle(err);
    }
    say_again(report, err);
    report->current = NULL;
    report->waiting_since = inlay_clock_ms();
    int64_t pause = inlay_backoff_next(&retry->backoff, left);
    climb(&connection->limits, retry, step, autovacuum);
    int rc = inlay_wire_sleep(&connection->session, pause, err);
    report->waiting_since = 0;
    return rc;
}

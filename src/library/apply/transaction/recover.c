#include "apply/transaction/recover.h"
#include "base/clock.h"
#include "base/log.h"
#include "history/sql.h"
#include "plan/steps.h"

#include <string.h>

/* In a transaction of its own: its COMMIT waits for the disk, and so makes all before it safe. */
static const char flush_sql[] = "SELECT pg_catalog.pg_logical_emit_message(true, 'inlay', '')";

/* A body that committed has committed our claim with it. Nothing else can leave a row with the
 * claim's transaction id behind. */
static bool take_back(struct apply *apply)
{
    struct message query;
    PGresult *result = NULL;
    struct inlay_error lost;

    inlay_messages_fill_half(&apply->messages, inlay_apply_current(apply), apply->claim_xid,
                             &query);
    int rc = inlay_query_insist(&apply->run->connection.session, &query, &result, &lost);
    bool half = rc == INLAY_OK && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return half;
}

/* A commit that waits for the disk waits for all before it. */
static void flush(struct apply *apply)
{
    const struct message query = {.sql = flush_sql};
    struct inlay_error err;
    PGresult *result = NULL;
    int rc = inlay_query_insist(&apply->run->connection.session, &query, &result, &err);

    if (rc == INLAY_OK && inlay_result_failed(result))
        rc = inlay_result_error(result, INLAY_E_FAILED, &err);
    if (rc != INLAY_OK)
        inlay_log(&apply->run->request.options, INLAY_LOG_WARNING,
                  "what was applied may be lost if the server crashes now: %s", err.message);
    apply->unflushed = rc != INLAY_OK;
    PQclear(result);
}

static void tell_unknown(struct apply *apply)
{
    size_t sent = apply->sender.step - apply->reader.step;

    inlay_failure_unknown(inlay_apply_current(apply), sent > 0 ? sent - 1 : 0, apply->err);
}

static void tell_outcome(struct apply *apply, int rc, bool half)
{
    const struct step *step = inlay_apply_current(apply);

    if (half)
        inlay_failure_half(step, apply->err);
    else if (apply->run->connection.session.abandoned)
        tell_unknown(apply);
    else
        inlay_failure_outcome(&apply->run->report, step, apply->err);
    if (rc != INLAY_E_STOPPED && rc != INLAY_E_REFUSED)
        inlay_report_tell(&apply->run->report, INLAY_EVENT_FAILED,
                          inlay_clock_ms() - apply->run->report.current_since);
}

static void tell_again(struct apply *apply)
{
    struct run *run = apply->run;

    inlay_log(
        &run->request.options, INLAY_LOG_INFO,
        "%s uses PREPARE or DEALLOCATE, which clashes with inlay's own prepared statement; it "
        "was rolled back and runs again on its own",
        inlay_apply_current(apply)->script->path);
    inlay_report_tell(&run->report, INLAY_EVENT_RETRIED,
                      inlay_clock_ms() - run->report.current_since);
}

/* Of a failure whose transaction is rolled back. INLAY_OK: the migration is to be tried again. */
static int try_again(struct apply *apply)
{
    int rc = INLAY_E_FAILED;

    if (apply->trips) {
        apply->plainly = true;
        tell_again(apply);
        rc = INLAY_OK;
    } else if (inlay_error_passes(apply->err)) {
        rc = inlay_retry_wait(apply->run, &apply->retry, inlay_apply_current(apply),
                              inlay_phases_statement(&apply->course, &apply->reader), apply->err);
    }
    /* The rollback has left what is prepared, and a body that is run again would trip over it. */
    if (rc == INLAY_OK && !apply->course.bare)
        inlay_query_tidy(&apply->run->connection.session, "DEALLOCATE ALL");
    return rc;
}

int inlay_recover(struct apply *apply, int rc)
{
    if (rc == INLAY_E_LOST) {
        tell_unknown(apply);
        return rc;
    }
    inlay_query_rollback(&apply->run->connection.session);
    if (apply->envelope.refused)
        return rc;
    if (apply->unflushed)
        flush(apply);
    /* What is sent behind one that fails is sent in vain: others may be at work. */
    if (!apply->trips)
        apply->run->connection.limits.window = 1;
    if (rc == INLAY_AGAIN) {
        inlay_report_tell(&apply->run->report, INLAY_EVENT_SKIPPED, 0);
        apply->run->report.skipped++;
        return rc;
    }
    bool half = apply->claim_xid[0] != '\0' && take_back(apply);
    if (rc == INLAY_E_FAILED && (half || !apply->trips))
        inlay_failure_explain(&apply->run->connection.limits, inlay_apply_current(apply),
                              apply->err);
    if (rc == INLAY_E_FAILED && !half)
        rc = try_again(apply);
    if (rc != INLAY_OK)
        tell_outcome(apply, rc, half);
    return rc;
}

/* After a failure: rolls back, finds out what was committed, and tries the migration again or says
 * what is left. */
#include "apply/transaction/recover.h"
#include "base/clock.h"
#include "base/log.h"
#include "history/sql.h"
#include "plan/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a transaction of its own: its COMMIT waits for the disk, and so makes all before it safe. */
static const char flush_sql[] = "SELECT pg_catalog.pg_logical_emit_message(true, 'inlay', '')";

/* One statement that cleans up, however long another session holds the table that it is about. */
static int insist_when_free(struct apply *apply, const struct message *query, PGresult **result,
                            struct inlay_error *err)
{
    struct held held =
        inlay_held_init(&apply->run->connection.session, &apply->run->request, &apply->run->report);
    int rc;

    do {
        PQclear(*result);
        *result = NULL;
        rc = inlay_query_insist(&apply->run->connection.session, query, result, err);
        if (rc == INLAY_OK && inlay_result_has_state(*result, "55P03"))
            rc = inlay_result_error(*result, INLAY_E_FAILED, err);
    } while (inlay_held_again(&held, &rc, err));
    return rc;
}

/* A body that committed has committed our claim with it. Nothing else can leave a row with the
 * claim's transaction id. */
static bool take_back(struct apply *apply)
{
    struct message query;
    PGresult *result = NULL;
    struct inlay_error lost;

    inlay_messages_fill_half(&apply->messages, inlay_apply_current(apply), apply->claim_xid,
                             &query);
    int rc = insist_when_free(apply, &query, &result, &lost);
    bool half = rc == INLAY_OK && PQcmdTuples(result)[0] > '0';
    PQclear(result);
    return half;
}

/* A claim met a row that it cannot stand beside. Only where that is a row of the same version has
 * another process applied it: anything else would be met again each time. INLAY_AGAIN,
 * INLAY_E_FAILED as it was described, or the codes of inlay_query_ask. */
static int find_taken(struct apply *apply)
{
    const struct inlay_migration *claimed =
        inlay_messages_claimed(&apply->messages, inlay_apply_current(apply), apply->reader.item);
    char *sql = inlay_sql_find_row(&apply->run->request.name);
    char version[24];
    const char *const parameters[] = {version};
    const struct message query = {.sql = sql, .parameter_count = 1, .parameters = parameters};
    struct inlay_error why;
    PGresult *result = NULL;

    snprintf(version, sizeof version, "%lld", (long long)claimed->version);
    int rc =
        sql != NULL ? insist_when_free(apply, &query, &result, &why) : inlay_error_memory(&why);
    if (rc != INLAY_OK)
        *apply->err = why;
    else
        rc = !inlay_result_failed(result) && PQntuples(result) == 1 ? INLAY_AGAIN : INLAY_E_FAILED;
    apply->err->code = rc;
    PQclear(result);
    free(sql);
    return rc;
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

/* A function keeps its plans with the types that they were made for, and a later migration may have
 * changed these: that is seen inside of the function. Each is tried once more for that. Behind a
 * transaction pooler the session has run what others sent. */
static bool may_be_stale(const struct apply *apply)
{
    static const char *const states[] = {"42804", "42703", "XX000"};
    const struct report *report = &apply->run->report;
    const struct inlay_error *err = apply->err;
    bool inside = err->context[0] != '\0' && strncmp(err->context, "in: ", 4) != 0;
    bool first = report->applied + report->undone == 0 && !apply->course.bare;

    if (!inside || first || apply->refreshed == inlay_apply_current(apply))
        return false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

static void run_plainly(struct apply *apply)
{
    inlay_log(
        &apply->run->request.options, INLAY_LOG_INFO,
        "%s uses PREPARE or DEALLOCATE, which clashes with inlay's own prepared statement; it "
        "was rolled back and runs again on its own",
        inlay_apply_current(apply)->script->path);
    apply->plainly = true;
}

static void run_refreshed(struct apply *apply)
{
    inlay_log(&apply->run->request.options, INLAY_LOG_INFO,
              "%s may have met a plan that a function keeps from before an earlier migration of "
              "this run (%s); it was rolled back and runs again after DISCARD PLANS",
              inlay_apply_current(apply)->script->path, apply->err->message);
    apply->refreshed = inlay_apply_current(apply);
    inlay_query_tidy(&apply->run->connection.session, "DISCARD PLANS");
}

/* Did a statement of ours wait for a lock, and not the body? */
static bool is_held(const struct apply *apply)
{
    enum phase phase = apply->reader.phase;

    return strcmp(apply->err->sqlstate, "55P03") == 0 &&
           (apply->envelope.refused || phase == PHASE_CLAIM || phase == PHASE_SEAL ||
            phase == PHASE_KEEP || phase == PHASE_FORGET);
}

/* INLAY_OK: the tables may be free now. */
static int wait_until_free(struct apply *apply, int rc)
{
    if (apply->held_at != apply->reader.step)
        apply->held = inlay_held_init(&apply->run->connection.session, &apply->run->request,
                                      &apply->run->report);
    apply->held_at = apply->reader.step;
    inlay_held_again(&apply->held, &rc, apply->err);
    return rc;
}

/* Our tables could not be made. */
static int make_again(struct apply *apply, int rc)
{
    if (is_held(apply))
        rc = wait_until_free(apply, rc);
    if (rc == INLAY_OK)
        inlay_envelope_rewind(&apply->envelope);
    return rc;
}

/* Of a failure whose transaction is rolled back. INLAY_OK: the migration is to be tried again. */
static int try_again(struct apply *apply)
{
    struct report *report = &apply->run->report;
    bool held = is_held(apply);
    bool waits = !apply->trips && inlay_error_passes(apply->err);
    int rc = INLAY_OK;

    if (apply->trips)
        run_plainly(apply);
    else if (held)
        rc = wait_until_free(apply, INLAY_E_FAILED);
    else if (waits)
        rc = inlay_retry_wait(&apply->retry, inlay_apply_current(apply),
                              inlay_phases_statement(&apply->course, &apply->reader), apply->err);
    else if (may_be_stale(apply))
        run_refreshed(apply);
    else
        return INLAY_E_FAILED;
    if (!waits)
        inlay_report_tell(report, INLAY_EVENT_RETRIED, inlay_clock_ms() - report->current_since);
    return rc;
}

/* A rollback leaves what is prepared, and a body that is run again would trip over it. */
static void roll_back(struct apply *apply)
{
    static const char *const texts[] = {"ROLLBACK", "DEALLOCATE ALL"};
    struct session *session = &apply->run->connection.session;
    size_t first = PQtransactionStatus(session->conn) == PQTRANS_IDLE ? 1 : 0;
    size_t end = apply->course.bare ? 1 : 2;

    if (first < end)
        inlay_query_tidy_all(session, texts + first, end - first);
}

int inlay_recover(struct apply *apply, int rc)
{
    if (rc == INLAY_E_LOST) {
        tell_unknown(apply);
        return rc;
    }
    roll_back(apply);
    if (apply->envelope.refused)
        return make_again(apply, rc);
    if (apply->unflushed)
        flush(apply);
    /* What is sent after one that fails is sent in vain: others may be at work. */
    if (!apply->trips)
        apply->run->connection.limits.window = 1;
    if (rc == INLAY_AGAIN && strcmp(apply->err->sqlstate, "23505") == 0)
        rc = find_taken(apply);
    if (rc == INLAY_AGAIN) {
        inlay_report_tell(&apply->run->report, INLAY_EVENT_SKIPPED, 0);
        apply->run->report.skipped++;
        return rc;
    }
    bool half = apply->claim_xid[0] != '\0' && take_back(apply);
    if (rc == INLAY_E_FAILED && (half || !apply->trips))
        inlay_failure_explain(&apply->run->connection.limits, inlay_apply_current(apply)->script,
                              apply->err);
    if (rc == INLAY_E_FAILED && !half)
        rc = try_again(apply);
    if (rc == INLAY_E_FAILED && !half)
        inlay_failure_advise(&apply->run->known, inlay_apply_current(apply), apply->err);
    if (rc != INLAY_OK)
        tell_outcome(apply, rc, half);
    return rc;
}

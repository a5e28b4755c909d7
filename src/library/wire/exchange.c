/* One conversation in pipeline mode: sends what a callback gives, hands over the answers, and
 * notices when the connection is lost. */
#include "wire/exchange.h"
#include "base/clock.h"
#include "wire/cancel.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* A cancel is lost when it meets the server between two statements: send it again. */
#define CANCEL_AGAIN_MS 250

/* How long a request may outlive the answer that it was for. */
#define CANCEL_SETTLE_MS 1000

/* After this long without an answer to a cancel the connection counts as lost. */
#define CANCEL_PATIENCE_MS 10000

/* How much may wait in libpq's buffer before we see whether the server takes it. */
#define UNFLUSHED_BYTES 65536

/* What a message of our own counts for. */
#define MESSAGE_BYTES 200

/* ---- losing the connection ---- */

static int lost(const struct session *session, struct inlay_error *err)
{
    const char *text = PQerrorMessage(session->conn);
    size_t length = strcspn(text, "\n");

    return inlay_error_set(err, INLAY_E_LOST, "the connection to the server was lost%s%.*s",
                           length > 0 ? ": " : "", (int)length, text);
}

/* FATAL and PANIC end the session: the result is the server's farewell. */
static bool is_farewell(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static int lost_by_farewell(const PGresult *result, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_LOST, "the connection to the server was lost: %s",
                    PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    if (PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL)
        inlay_text_put(err->sqlstate, sizeof err->sqlstate, "%s",
                       PQresultErrorField(result, PG_DIAG_SQLSTATE));
    return INLAY_E_LOST;
}

static bool is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* libpq has no way out of a COPY in a pipeline: it would give the same result for ever. */
static int refuse_copy(struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_FAILED,
                    "COPY from or to the client is not possible in a migration");
    inlay_text_put(err->hint, sizeof err->hint, "use INSERT ... VALUES");
    return INLAY_E_FAILED;
}

/* Where libpq has no memory for an answer it gives a failure without a word of the server's, and
 * before libpq 15 may give nothing at all. What the server did is not known then, and taking that
 * for the end of the answer would give each message the answer of the one before it. */
static bool is_unheard(const struct session *session, const PGresult *result)
{
    if (result == NULL)
        return !session->heard;
    return PQresultStatus(result) == PGRES_FATAL_ERROR &&
           PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL;
}

static int fail_unheard(struct inlay_error *err)
{
    inlay_error_memory(err);
    inlay_text_put(err->detail, sizeof err->detail, "an answer of the server could not be taken");
    return INLAY_E_MEMORY;
}

/* ---- the exchange ---- */

/* Rows one by one must be asked for when the message becomes the oldest open one and before any
 * part of its answer was parsed; later libpq refuses, and buffers the whole result. */
static void arm_single_rows(const struct session *session, const struct exchange *exchange)
{
    if (exchange->single_rows && session->in_flight > 0)
        PQsetSingleRowMode(session->conn);
}

static bool send_sync(struct session *session)
{
    if (!PQpipelineSync(session->conn))
        return false;
    session->in_flight++;
    session->unsynced = 0;
    return true;
}

static bool send_query(struct session *session, const struct message *message)
{
    char *copy = NULL;
    const char *sql = message->sql;

    if (message->length > 0) {
        copy = malloc(message->length + 1);
        if (copy == NULL)
            return false;
        memcpy(copy, message->sql, message->length);
        copy[message->length] = '\0';
        sql = copy;
    }
    int sent = message->prepared ? PQsendQueryPrepared(session->conn, sql, message->parameter_count,
                                                       message->parameters, NULL, NULL, 0)
                                 : PQsendQueryParams(session->conn, sql, message->parameter_count,
                                                     NULL, message->parameters, NULL, NULL, 0);
    free(copy);
    return sent == 1;
}

/* Roughly, as it goes onto the wire. */
static size_t message_bytes(const struct message *message)
{
    size_t bytes = message->length > 0 ? message->length : MESSAGE_BYTES;

    for (int i = 0; i < message->parameter_count; i++)
        bytes += message->parameters[i] != NULL ? strlen(message->parameters[i]) : 0;
    return bytes;
}

static bool send_message(struct session *session, const struct exchange *exchange,
                         const struct message *message)
{
    if (!send_query(session, message))
        return false;
    session->in_flight++;
    session->unsynced++;
    session->unflushed += message_bytes(message);
    if (session->in_flight == 1)
        arm_single_rows(session, exchange);
    if (message->flush && !PQsendFlushRequest(session->conn))
        return false;
    return !message->sync || send_sync(session);
}

/* Is more queued than the server has taken for now? Else libpq would hold a whole body. */
static bool is_congested(struct session *session)
{
    if (session->unflushed < UNFLUSHED_BYTES)
        return false;
    int left = PQflush(session->conn);
    if (left == 0)
        session->unflushed = 0;
    return left > 0;
}

/* Queues all that may be queued now. */
static bool send_ready(struct session *session, struct exchange *exchange)
{
    while (!is_congested(session)) {
        struct message message = {0};
        bool end = exchange->unsent || (session->stopping && !exchange->cleanup);
        enum exchange_next next = end ? EXCHANGE_END : exchange->next(exchange, &message);
        if (next == EXCHANGE_WAIT)
            return true;
        if (next == EXCHANGE_END)
            return session->unsynced == 0 || send_sync(session);
        if (!send_message(session, exchange, &message))
            return false;
    }
    return true;
}

/* Takes one result off the wire. */
static int take_one_result(struct session *session, struct exchange *exchange,
                           struct inlay_error *err)
{
    PGresult *result = PQgetResult(session->conn);
    int rc = INLAY_OK;

    if (result == NULL && session->heard) {
        session->in_flight--;
        session->heard = false;
        exchange->answered(exchange);
        arm_single_rows(session, exchange);
    } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        session->in_flight--;
        arm_single_rows(session, exchange);
    } else if (is_farewell(result)) {
        rc = lost_by_farewell(result, err);
    } else if (PQstatus(session->conn) == CONNECTION_BAD) {
        rc = lost(session, err);
    } else if (is_copy(result)) {
        rc = refuse_copy(err);
    } else if (is_unheard(session, result)) {
        rc = fail_unheard(err);
    } else {
        session->heard = true;
        exchange->result(exchange, result);
        result = NULL;
    }
    PQclear(result);
    return rc;
}

static int take_ready(struct session *session, struct exchange *exchange, struct inlay_error *err)
{
    while (session->in_flight > 0 && !PQisBusy(session->conn)) {
        int rc = take_one_result(session, exchange, err);
        if (rc != INLAY_OK)
            return rc;
    }
    return INLAY_OK;
}

static void cancel_again(struct session *session)
{
    if (!inlay_cancel_done(session->cancel))
        return;
    inlay_cancel_release(session->cancel);
    session->cancel = inlay_cancel_send(session->conn);
    session->last_cancel = inlay_clock_ms();
}

static void await_cancel(struct session *session, int64_t patience_ms)
{
    while (!inlay_cancel_done(session->cancel) &&
           inlay_clock_ms() < session->last_cancel + patience_ms)
        poll(NULL, 0, 5);
}

static void forget_cancel(struct session *session)
{
    inlay_cancel_release(session->cancel);
    session->cancel = NULL;
}

/* A request that is still on its way could hit what is sent next. The server has answered, so it
 * takes the request in a moment. What is ours and cleans up is sent again when it was hit; what a
 * caller sends is not, and is waited for once more when its connection is given back. */
static void settle_cancel(struct session *session)
{
    await_cancel(session, CANCEL_SETTLE_MS);
    if (session->owned || inlay_cancel_done(session->cancel))
        forget_cancel(session);
}

bool inlay_exchange_settle(struct session *session)
{
    await_cancel(session, CANCEL_PATIENCE_MS);
    bool settled = inlay_cancel_done(session->cancel);
    forget_cancel(session);
    return settled;
}

/* After a request to stop, or if an answer is overdue: ask the server to stop, until it answers or
 * is given up. */
static int pursue_answer(struct session *session, struct exchange *exchange,
                         struct inlay_error *err)
{
    int64_t now = inlay_clock_ms();

    if (session->stopping && now - session->stopped_at > CANCEL_PATIENCE_MS)
        return inlay_error_set(err, INLAY_E_LOST,
                               "stopped on request, but the server does not answer any more");
    if (exchange->give_up_at != 0 && now >= exchange->give_up_at)
        return inlay_error_set(err, INLAY_E_LOST, "the server does not answer any more");
    exchange->overdue =
        exchange->overdue || (exchange->cancel_at != 0 && now >= exchange->cancel_at);
    if ((session->stopping || exchange->overdue) && !exchange->cleanup &&
        now - session->last_cancel >= CANCEL_AGAIN_MS)
        cancel_again(session);
    return INLAY_OK;
}

static int move_bytes(struct session *session, const struct exchange *exchange,
                      struct inlay_error *err)
{
    int flushed = PQflush(session->conn);

    if (flushed < 0)
        return lost(session, err);
    short events = (short)(flushed > 0 ? POLLIN | POLLOUT : POLLIN);
    bool cancels = session->stopping || exchange->overdue;
    int64_t deadline = inlay_clock_ms() + (cancels ? CANCEL_AGAIN_MS : INLAY_TICK_MS);
    if (!cancels && exchange->cancel_at != 0 && exchange->cancel_at < deadline)
        deadline = exchange->cancel_at;
    int ready = inlay_wire_poll(session, PQsocket(session->conn), events, deadline);
    if ((ready & ~POLLOUT) != 0 && !PQconsumeInput(session->conn))
        return lost(session, err);
    return INLAY_OK;
}

/* After this the answers that are still to come belong to no call. */
static int abandon(struct session *session, int rc)
{
    session->abandoned = session->abandoned || rc != INLAY_OK;
    return rc;
}

/* Without memory for a message, a large one perhaps, the conversation ends early and in order: a
 * Sync, and the answers to what was sent. If there is none for a Sync either, or what cleans up
 * could not be sent, the state of the session is not known. */
static int send_failed(struct session *session, struct exchange *exchange, struct inlay_error *err)
{
    if (PQstatus(session->conn) == CONNECTION_BAD)
        return lost(session, err);
    if (exchange->unsent || exchange->cleanup)
        return inlay_error_memory(err);
    exchange->unsent = true;
    return INLAY_OK;
}

static int finish(const struct session *session, const struct exchange *exchange,
                  struct inlay_error *err)
{
    if (session->stopping && !exchange->cleanup)
        return inlay_wire_stopped(err);
    return exchange->unsent ? inlay_error_memory(err) : INLAY_OK;
}

/* After an error libpq itself answers what is queued, also while the server does not take it yet.
 * It is over when the Sync was sent, up to which the server skips everything. */
static bool is_over(const struct session *session)
{
    return session->in_flight == 0 && session->unsynced == 0;
}

static bool has_to_wait(const struct session *session)
{
    if (session->in_flight > 0)
        return PQisBusy(session->conn);
    return session->unsynced > 0 && PQflush(session->conn) > 0;
}

int inlay_exchange_run(struct session *session, struct exchange *exchange, struct inlay_error *err)
{
    int rc = session->abandoned ? lost(session, err) : INLAY_OK;

    while (rc == INLAY_OK) {
        if (!send_ready(session, exchange))
            rc = send_failed(session, exchange, err);
        if (rc != INLAY_OK || is_over(session))
            break;
        rc = take_ready(session, exchange, err);
        if (rc == INLAY_OK && has_to_wait(session))
            rc = move_bytes(session, exchange, err);
        if (rc == INLAY_OK)
            rc = pursue_answer(session, exchange, err);
    }
    settle_cancel(session);
    return rc == INLAY_OK ? finish(session, exchange, err) : abandon(session, rc);
}

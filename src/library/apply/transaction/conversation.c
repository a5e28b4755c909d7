/* Sends the messages of many migrations and reads their answers, the sender ahead of the reader.
 * What a message contains is in messages.c, what follows a failure in recover.c. */
#include "apply/transaction/conversation.h"
#include "history/sql.h"
#include "plan/repeatable.h"

#include <string.h>

/* One statement may be longer, alone: memory is bounded by it. */
#define WINDOW_BYTES (1024 * 1024)

/* Of so many migrations at the end of a stretch each statement is answered at once. */
#define CLOSELY 16

/* ---- sending ---- */

/* A migration counts as started when it is both sent and next to be answered. */
static void tell_started(struct apply *apply)
{
    size_t step = apply->reader.step;
    bool sent = apply->sender.step > step || apply->sender.phase > PHASE_BEGIN;

    if (!sent || apply->started > step || step == apply->count)
        return;
    apply->started = step + 1;
    inlay_report_started(&apply->run->report, &apply->course.steps[step]);
}

/* Asked before anything of it is sent, and not a second time when it is tried again. */
static bool is_permitted(struct apply *apply)
{
    size_t step = apply->sender.step;

    if (apply->permitted > step)
        return true;
    apply->permitted = step + 1;
    apply->outcome =
        inlay_report_permit(&apply->run->report, &apply->course.steps[step], apply->err);
    return apply->outcome == INLAY_OK;
}

/* Filled to the brim, it is refilled when it is half empty: to speak after each answer would be a
 * round trip each. */
static bool has_room(struct apply *apply, size_t length)
{
    size_t open = apply->sender.step - apply->reader.step;
    size_t most = apply->run->request.options.before_migration != NULL
                      ? 1
                      : apply->run->connection.limits.window;
    bool full = open >= most || (apply->bytes > 0 && apply->bytes + length > WINDOW_BYTES);
    bool low = open <= most / 2 && apply->bytes <= WINDOW_BYTES / 2;

    apply->full = full || (apply->full && !low);
    return !apply->full;
}

/* So that progress is seen as it happens. Where many migrations are in flight that is when each is
 * committed: to answer after every small statement costs time that is seen. */
static bool is_followed_closely(const struct apply *apply)
{
    return apply->count - apply->sender.step <= CLOSELY;
}

static enum exchange_next next_message(struct exchange *exchange, struct message *message)
{
    struct apply *apply = (struct apply *)exchange;

    if (apply->outcome != INLAY_OK)
        return EXCHANGE_END;
    if (inlay_envelope_front(&apply->envelope, message))
        return EXCHANGE_SEND;
    if (apply->sender.step == apply->count)
        return inlay_envelope_back(&apply->envelope, message) ? EXCHANGE_SEND : EXCHANGE_END;
    if (apply->sender.phase >= apply->until)
        return EXCHANGE_END;
    const struct inlay_statement *statement =
        inlay_phases_statement(&apply->course, &apply->sender);
    size_t length = statement != NULL ? statement->length : 0;
    if (!has_room(apply, length))
        return EXCHANGE_WAIT;
    if (!is_permitted(apply))
        return EXCHANGE_END;
    apply->bytes += length;
    inlay_messages_fill(&apply->messages, &apply->course, &apply->sender, message);
    message->flush = message->flush || (statement != NULL && is_followed_closely(apply));
    inlay_phases_advance(&apply->sender, &apply->course);
    tell_started(apply);
    return EXCHANGE_SEND;
}

/* ---- reading ---- */

/* Another process has applied it, or undone it: the row is there already, or there no more. What is
 * not unique may be something else than the version; that is found out after the rollback. */
static bool is_taken(const struct step *step, const PGresult *result)
{
    if (step->down || inlay_is_repeatable(step->migration))
        return inlay_result_quotes(result, RAISED_ROWS);
    return inlay_result_has_state(result, "23505");
}

/* Of the seal that was prepared ahead: it is not there any more, or another is, or its row is of
 * other types now, or the owner has another name. */
static bool is_gone(const PGresult *result)
{
    static const char *const states[] = {"26000", "08P01", "0A000", "42704"};
    bool gone = false;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        gone = gone || inlay_result_has_state(result, states[i]);
    return gone;
}

/* Perhaps a body has left prepared statements, which no other may find, or has taken ours away.
 * Where it was cancelled (57014), or says itself what the matter is, it is not asked again. */
static bool may_trip(const struct apply *apply, const PGresult *result)
{
    return apply->reader.phase == PHASE_SEAL &&
           inlay_phases_is_prepared(&apply->course, apply->reader.step) &&
           (!apply->course.ahead || is_gone(result)) && !inlay_result_has_state(result, "57014") &&
           !inlay_result_quotes(result, RAISED_UNFIT);
}

static void fail(struct apply *apply, const PGresult *result)
{
    bool taken = apply->reader.phase == PHASE_CLAIM && is_taken(inlay_apply_current(apply), result);

    apply->outcome = taken ? INLAY_AGAIN : INLAY_E_FAILED;
    apply->trips = may_trip(apply, result);
    inlay_failure_describe(&apply->run->request, inlay_apply_current(apply), &apply->reader, result,
                           apply->err);
}

static void read_answer(struct apply *apply, PGresult *result)
{
    if (PQntuples(result) == 1 && apply->reader.phase == PHASE_CLAIM)
        inlay_text_set(apply->claim_xid, sizeof apply->claim_xid, PQgetvalue(result, 0, 0));
    if (PQntuples(result) == 1 && apply->reader.phase == PHASE_SEAL)
        inlay_text_number(PQgetvalue(result, 0, PQnfields(result) - 1), &apply->elapsed_ms);
    /* An aborted transaction answers COMMIT without an error, and then what follows it would run.
     * None gets here: what aborts one is an error, and all up to the Sync is skipped; between two
     * messages nothing raises one while the session has no timeouts. */
    if (apply->reader.phase == PHASE_COMMIT && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        apply->outcome = INLAY_E_FAILED;
        inlay_failure_ended(&apply->run->request, inlay_apply_current(apply), apply->err);
    }
}

static void read_result(struct apply *apply, PGresult *result)
{
    if (inlay_envelope_is_open(&apply->envelope))
        apply->outcome = inlay_envelope_take(&apply->envelope, result, apply->err);
    else if (apply->reader.step == apply->count)
        inlay_envelope_take_unlock(&apply->envelope, result);
    else if (inlay_result_failed(result))
        fail(apply, result);
    else
        read_answer(apply, result);
}

static void take_answer(struct exchange *exchange, PGresult *result)
{
    struct apply *apply = (struct apply *)exchange;

    if (apply->outcome == INLAY_OK)
        read_result(apply, result);
    PQclear(result);
}

static void message_answered(struct exchange *exchange)
{
    struct apply *apply = (struct apply *)exchange;

    if (inlay_envelope_is_open(&apply->envelope)) {
        apply->envelope.heard++;
        return;
    }
    if (apply->outcome != INLAY_OK || apply->reader.step == apply->count)
        return;
    const struct inlay_statement *statement =
        inlay_phases_statement(&apply->course, &apply->reader);
    if (statement != NULL) {
        apply->bytes -= statement->length;
        apply->run->report.current_statement++;
    }
    if (apply->reader.phase == PHASE_COMMIT) {
        apply->claim_xid[0] = '\0';
        apply->unflushed = apply->reader.step < apply->course.asynchronous;
        inlay_report_applied(&apply->run->report, apply->elapsed_ms);
        apply->run->connection.limits.window = INLAY_WINDOW;
    }
    inlay_phases_advance(&apply->reader, &apply->course);
    tell_started(apply);
}

/* ---- both ---- */

int inlay_conversation_hold(struct apply *apply, enum phase until)
{
    apply->until = until;
    int rc = inlay_exchange_run(&apply->run->connection.session, &apply->exchange, apply->err);
    if (rc == INLAY_E_FAILED)
        inlay_failure_place(apply->run->request.set, inlay_apply_current(apply), apply->reader.item,
                            NULL, apply->err);
    return rc == INLAY_OK ? apply->outcome : rc;
}

const struct exchange inlay_conversation = {
    .next = next_message,
    .result = take_answer,
    .answered = message_answered,
    .single_rows = true,
};

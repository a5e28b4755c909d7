#include "apply/transaction/apply.h"
#include "apply/transaction/in_c.h"
#include "apply/transaction/recover.h"
#include "plan/repeatable.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <string.h>

/* One statement may be longer, alone: memory is bounded by it. */
#define WINDOW_BYTES (1024 * 1024)

/* Of so many migrations at the end of a stretch each statement is answered at once. */
#define CLOSELY 16

/* Of more migrations than so many the seal is prepared. */
#define FEW 16

/* ---- sending ---- */

/* A migration is told to have started when it is both sent and next to be answered. */
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
    if (inlay_frame_front(&apply->frame, message))
        return EXCHANGE_SEND;
    if (apply->sender.step == apply->count)
        return inlay_frame_back(&apply->frame, message) ? EXCHANGE_SEND : EXCHANGE_END;
    if (apply->sender.phase >= apply->until)
        return EXCHANGE_END;
    const struct inlay_statement *statement =
        inlay_course_statement(&apply->course, &apply->sender);
    size_t length = statement != NULL ? statement->length : 0;
    if (!has_room(apply, length))
        return EXCHANGE_WAIT;
    if (!is_permitted(apply))
        return EXCHANGE_END;
    apply->bytes += length;
    inlay_compose(&apply->compose, &apply->course, &apply->sender, message);
    message->flush = message->flush || (statement != NULL && is_followed_closely(apply));
    inlay_cursor_advance(&apply->sender, &apply->course);
    tell_started(apply);
    return EXCHANGE_SEND;
}

/* ---- reading ---- */

/* Somebody else has applied it, or undone it: the row is there already, or there no more. */
static bool is_taken(const struct step *step, const PGresult *result)
{
    bool raises = step->down || inlay_is_repeatable(step->migration);

    return inlay_result_has_state(result, raises ? "22P02" : "23505");
}

/* Perhaps a body has left prepared statements, which no other may find, or has taken ours away;
 * where somebody has cancelled it (57014) it is not asked again. */
static bool may_trip(const struct apply *apply, const PGresult *result)
{
    return apply->reader.phase == PHASE_SEAL &&
           inlay_course_is_prepared(&apply->course, apply->reader.step) &&
           !inlay_result_has_state(result, "57014");
}

static void fail(struct apply *apply, const PGresult *result)
{
    if (apply->reader.phase == PHASE_CLAIM && is_taken(inlay_apply_current(apply), result)) {
        apply->outcome = INLAY_AGAIN;
        return;
    }
    apply->outcome = INLAY_E_FAILED;
    apply->trips = may_trip(apply, result);
    inlay_failure_describe(apply->run, inlay_apply_current(apply), &apply->reader, result,
                           apply->err);
}

static void read_answer(struct apply *apply, PGresult *result)
{
    if (PQntuples(result) == 1 && apply->reader.phase == PHASE_CLAIM)
        inlay_text_put(apply->claim_xid, sizeof apply->claim_xid, "%s", PQgetvalue(result, 0, 0));
    if (PQntuples(result) == 1 && apply->reader.phase == PHASE_SEAL)
        inlay_text_number(PQgetvalue(result, 0, PQnfields(result) - 1), &apply->elapsed_ms);
    /* An aborted transaction answers COMMIT without an error, and then what is behind it would run.
     * None gets here: what aborts one is an error, and all up to the Sync is skipped; between two
     * messages nothing raises one while the session has no timeouts. */
    if (apply->reader.phase == PHASE_COMMIT && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        apply->outcome = INLAY_E_FAILED;
        inlay_failure_ended(apply->run, inlay_apply_current(apply), apply->err);
    }
}

static void read_result(struct apply *apply, PGresult *result)
{
    if (inlay_frame_is_open(&apply->frame))
        apply->outcome = inlay_frame_take(&apply->frame, result, apply->err);
    else if (apply->reader.step == apply->count)
        inlay_frame_take_unlock(&apply->frame, result);
    else if (inlay_result_failed(result))
        fail(apply, result);
    else
        read_answer(apply, result);
}

static void take_result(struct exchange *exchange, PGresult *result)
{
    struct apply *apply = (struct apply *)exchange;

    if (apply->outcome == INLAY_OK)
        read_result(apply, result);
    PQclear(result);
}

static void message_answered(struct exchange *exchange)
{
    struct apply *apply = (struct apply *)exchange;

    if (inlay_frame_is_open(&apply->frame)) {
        apply->frame.heard++;
        return;
    }
    if (apply->outcome != INLAY_OK || apply->reader.step == apply->count)
        return;
    const struct inlay_statement *statement =
        inlay_course_statement(&apply->course, &apply->reader);
    if (statement != NULL) {
        apply->bytes -= statement->length;
        apply->run->report.current_statement++;
    }
    if (apply->reader.phase == PHASE_COMMIT) {
        apply->claim_xid[0] = '\0';
        apply->unflushed = apply->reader.step < apply->course.asynchronous;
        inlay_report_applied(&apply->run->report, apply->elapsed_ms);
        if (apply->run->connection.limits.window < INLAY_WINDOW)
            apply->run->connection.limits.window *= 2;
    }
    inlay_cursor_advance(&apply->reader, &apply->course);
    tell_started(apply);
}

/* ---- both ---- */

static int exchange(struct apply *apply, enum phase until)
{
    apply->until = until;
    int rc = inlay_session_exchange(&apply->run->connection.session, &apply->exchange, apply->err);
    if (rc == INLAY_E_FAILED)
        inlay_apply_place(apply->run, inlay_apply_current(apply), apply->reader.item, NULL,
                          apply->err);
    return rc == INLAY_OK ? apply->outcome : rc;
}

/* A migration in C ends the pipeline: it is called between the claim and what follows a body. */
static int converse_with_function(struct apply *apply)
{
    const struct step *step = inlay_apply_current(apply);
    int rc = exchange(apply, PHASE_CONSTRAINTS);

    if (rc == INLAY_OK) {
        rc = inlay_tx_run(&apply->run->connection.session, step->script->function, apply->err);
        if (rc == INLAY_E_FAILED) {
            apply->outcome = rc;
            inlay_error_file(apply->err, apply->run->request.set, step->script);
        }
    }
    return rc == INLAY_OK ? exchange(apply, PHASE_COUNT) : rc;
}

static int converse(struct apply *apply)
{
    int rc = inlay_apply_current(apply)->script->function != NULL ? converse_with_function(apply)
                                                                  : exchange(apply, PHASE_COUNT);
    bool open = apply->reader.step < apply->count;

    if (rc != INLAY_OK && open)
        rc = inlay_recover(apply, rc);
    else if (rc != INLAY_E_STOPPED && apply->frame.unlocks)
        rc = INLAY_OK; /* the end: all is committed and heard, but for the unlock perhaps */
    apply->run->report.current = NULL;
    apply->run->connection.session.label = NULL;
    return rc;
}

/* To parse and plan the seal is half of what a small migration costs the server beside its body:
 * it is prepared where there are many. The last of them goes without, and leaves nothing
 * prepared. */
static size_t count_sealed(const struct apply *apply)
{
    size_t first = apply->reader.step;
    size_t end = first;

    if (apply->plainly || apply->course.bare)
        return first;
    while (end < apply->count && inlay_compose_can_prepare(&apply->course.steps[end]))
        end++;
    return end - first > FEW ? end - 1 : first;
}

/* Begins with the first step that is not committed. */
static void begin(struct apply *apply)
{
    apply->course.first = apply->reader.step;
    apply->course.sealed = count_sealed(apply);
    apply->sender = apply->reader = (struct cursor){.step = apply->reader.step};
    apply->started = apply->reader.step;
    apply->bytes = 0;
    apply->full = false;
    apply->claim_xid[0] = '\0';
    apply->trips = false;
    apply->outcome = INLAY_OK;
    inlay_frame_begin(&apply->frame);
}

static bool has_statement_timeout(const struct run *run, const struct stretch *stretch)
{
    for (size_t i = 0; i < stretch->count; i++)
        if (inlay_limit_statement(&run->connection.limits, stretch->steps[i].script).ms != 0)
            return true;
    return false;
}

int inlay_apply(struct run *run, const struct stretch *stretch, struct inlay_error *err)
{
    struct apply apply = {
        .exchange = {.next = next_message,
                     .result = take_result,
                     .answered = message_answered,
                     .single_rows = true},
        .run = run,
        .course = {.steps = stretch->steps,
                   .again = run->connection.limits.again_count,
                   .limits = has_statement_timeout(run, stretch) ? 2 : 1,
                   .bare = run->request.options.pooler == INLAY_POOLER_TRANSACTION,
                   .asynchronous = run->connection.limits.asynchronous ? stretch->count - 1 : 0},
        .count = stretch->count,
        .err = err,
    };
    int rc = inlay_compose_init(&apply.compose, run) ? INLAY_OK : inlay_error_memory(err);

    if (rc == INLAY_OK)
        rc = inlay_frame_init(&apply.frame, run, stretch->makes_tables, stretch->unlocks, err);
    while (rc == INLAY_OK && apply.reader.step < stretch->count) {
        begin(&apply);
        rc = converse(&apply);
    }
    inlay_frame_finish(&apply.frame);
    inlay_compose_finish(&apply.compose);
    return rc;
}

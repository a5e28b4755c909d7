#include "apply.h"
#include "compose.h"
#include "log.h"
#include "sql.h"
#include "tx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct apply {
    struct exchange exchange; /* first: the callbacks are handed its address */
    struct run *run;
    const struct step *steps;
    size_t count;
    struct cursor_shape shape;
    struct cursor sender;
    struct cursor reader;
    enum phase until; /* the sender ends before this phase; PHASE_COUNT: with the last step */
    size_t started;   /* steps whose start was told */
    struct compose compose;

    /* Of the migration that the reader is at. */
    char claim_xid[24]; /* empty: not claimed */
    int64_t elapsed_ms;

    int outcome; /* INLAY_OK, INLAY_AGAIN or a code; the first one counts */
    struct inlay_error *err;
};

/* ---- sending ---- */

/* A migration is told to have started when it is both sent and next to be answered. */
static void tell_started(struct apply *apply)
{
    size_t step = apply->reader.step;

    if (apply->started > step || step >= apply->count || apply->sender.step < step)
        return;
    apply->started = step + 1;
    inlay_run_started(apply->run, &apply->steps[step]);
}

static enum exchange_next next_message(struct exchange *exchange, struct message *message)
{
    struct apply *apply = (struct apply *)exchange;

    if (apply->outcome != INLAY_OK || apply->sender.step == apply->count ||
        apply->sender.phase >= apply->until)
        return EXCHANGE_END;
    if (apply->sender.step >= apply->reader.step + INLAY_WINDOW)
        return EXCHANGE_WAIT;
    tell_started(apply);
    inlay_compose(&apply->compose, &apply->steps[apply->sender.step], &apply->sender, message);
    inlay_cursor_advance(&apply->sender, apply->steps, &apply->shape);
    return EXCHANGE_SEND;
}

/* ---- places and outcomes ---- */

/* PostgreSQL counts characters from 1 within the statement that it was sent. */
static size_t byte_of_character(const struct inlay_script *script, size_t statement,
                                const char *position)
{
    const struct inlay_statement *s = &script->statements[statement];
    const char *c = script->text + s->offset;
    const char *end = c + s->length;
    int64_t characters;

    if (!inlay_text_number(position, &characters))
        return s->offset;
    while (--characters > 0 && c < end)
        c += inlay_text_character(c, (size_t)(end - c));
    return (size_t)(c - script->text);
}

void inlay_apply_place(const struct run *run, const struct step *step, size_t statement,
                       const PGresult *result, struct inlay_error *err)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);

    err->version = step->migration->version;
    inlay_error_place(err, run->set, step->script,
                      byte_of_character(step->script, statement, position));
}

void inlay_apply_outcome(const struct run *run, const struct step *step, struct inlay_error *err)
{
    err->version = step->migration->version;
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing of %s was kept; ",
                   step->script->path);
    if (run->undone > 0)
        inlay_text_add(err->outcome, sizeof err->outcome,
                       "what this run undid before it stays undone; ");
    if (run->applied == 0)
        inlay_text_add(err->outcome, sizeof err->outcome, "this run applied nothing");
    else
        inlay_text_add(err->outcome, sizeof err->outcome,
                       "the %zu migration%s that this run applied before it stay%s", run->applied,
                       run->applied == 1 ? "" : "s", run->applied == 1 ? "s" : "");
    if (err->code == INLAY_E_FAILED)
        inlay_text_add(err->outcome, sizeof err->outcome, "; fix the file, rebuild, run again");
}

/* ---- reading ---- */

static const struct step *current_step(const struct apply *apply)
{
    return &apply->steps[apply->reader.step];
}

static void fail_seal(struct apply *apply)
{
    const struct step *step = current_step(apply);
    struct inlay_error *err = apply->err;

    inlay_error_set(err, INLAY_E_FAILED,
                    "the migration ended its own transaction, or changed its row in %s",
                    apply->run->name.text);
    inlay_error_file(err, apply->run->set, step->script);
    inlay_text_put(err->hint, sizeof err->hint,
                   "leave transactions to inlay (no COMMIT or ROLLBACK, in procedures neither) and "
                   "the history alone; what must commit in between belongs into a no-transaction "
                   "file");
}

static void fail_phase(struct apply *apply, const PGresult *result)
{
    const struct step *step = current_step(apply);
    struct inlay_error *err = apply->err;

    /* What the seal itself raises. */
    if (apply->reader.phase == PHASE_SEAL && inlay_result_has_state(result, "22P02")) {
        fail_seal(apply);
        return;
    }
    inlay_result_error(result, INLAY_E_FAILED, err);
    switch (apply->reader.phase) {
    case PHASE_BODY:
        inlay_apply_place(apply->run, step, apply->reader.item, result, err);
        return;
    case PHASE_CLAIM:
    case PHASE_SEAL:
        inlay_text_add(err->context, sizeof err->context, "%swhile recording the migration in %s",
                       err->context[0] != '\0' ? "\n" : "", apply->run->name.text);
        break;
    case PHASE_CONSTRAINTS:
        inlay_text_add(err->context, sizeof err->context,
                       "%sa deferred constraint, checked at the end of the migration",
                       err->context[0] != '\0' ? "\n" : "");
        break;
    default:
        break;
    }
    inlay_error_file(err, apply->run->set, step->script);
}

/* Somebody else has applied it, or undone it: the row is there already, or there no more. */
static bool is_taken(const struct step *step, const PGresult *result)
{
    return inlay_result_has_state(result, step->down ? "22P02" : "23505");
}

static void fail(struct apply *apply, const PGresult *result)
{
    if (apply->reader.phase == PHASE_CLAIM && is_taken(current_step(apply), result)) {
        apply->outcome = INLAY_AGAIN;
        return;
    }
    apply->outcome = INLAY_E_FAILED;
    fail_phase(apply, result);
}

static void read_answer(struct apply *apply, PGresult *result)
{
    if (PQntuples(result) == 1 && apply->reader.phase == PHASE_CLAIM)
        inlay_text_put(apply->claim_xid, sizeof apply->claim_xid, "%s", PQgetvalue(result, 0, 0));
    if (PQntuples(result) == 1 && apply->reader.phase == PHASE_SEAL)
        inlay_text_number(PQgetvalue(result, 0, 1), &apply->elapsed_ms);
    /* An aborted transaction answers COMMIT without an error. */
    if (apply->reader.phase == PHASE_COMMIT && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        apply->outcome = INLAY_E_FAILED;
        fail_seal(apply);
    }
}

static void take_result(struct exchange *exchange, PGresult *result)
{
    struct apply *apply = (struct apply *)exchange;

    if (apply->outcome == INLAY_OK) {
        if (inlay_result_failed(result))
            fail(apply, result);
        else
            read_answer(apply, result);
    }
    PQclear(result);
}

static void message_answered(struct exchange *exchange)
{
    struct apply *apply = (struct apply *)exchange;

    if (apply->outcome != INLAY_OK)
        return;
    if (apply->reader.phase == PHASE_BODY)
        apply->run->current_statement++;
    if (apply->reader.phase == PHASE_COMMIT) {
        apply->claim_xid[0] = '\0';
        inlay_run_applied(apply->run, apply->elapsed_ms);
    }
    inlay_cursor_advance(&apply->reader, apply->steps, &apply->shape);
    if (apply->reader.step < apply->sender.step)
        tell_started(apply);
}

/* ---- cleaning up ---- */

static void tell_half(struct apply *apply)
{
    const struct step *step = current_step(apply);
    char *outcome = apply->err->outcome;
    size_t size = sizeof apply->err->outcome;

    if (step->down)
        inlay_text_put(outcome, size,
                       "%s is HALF UNDONE: it ended its own transaction, and what it did before "
                       "that is in the database, which still counts the version as applied. Finish "
                       "it by hand and delete its row from %s, or undo that part",
                       step->script->path, apply->run->name.text);
    else
        inlay_text_put(outcome, size,
                       "%s is HALF APPLIED: it ended its own transaction, and what it did before "
                       "that is in the database; its row was taken back. Undo that part by hand, "
                       "or finish it and record the version in %s",
                       step->script->path, apply->run->name.text);
}

/* A body that committed has committed our claim with it. Nothing else can leave a row with the
 * claim's transaction id behind. */
static void take_back(struct apply *apply)
{
    const struct step *step = current_step(apply);
    char version[24];
    const char *const parameters[] = {version, apply->claim_xid};
    char *sql = step->down ? inlay_sql_find_claim(&apply->run->name)
                           : inlay_sql_take_back(&apply->run->name);
    struct message query = {.sql = sql, .parameter_count = 2, .parameters = parameters};
    PGresult *result = NULL;
    struct inlay_error lost;

    snprintf(version, sizeof version, "%lld", (long long)step->migration->version);
    int rc = sql == NULL ? inlay_error_memory(&lost)
                         : inlay_session_insist(&apply->run->session, &query, &result, &lost);
    if (rc == INLAY_OK && strcmp(PQcmdTuples(result), "1") == 0)
        tell_half(apply);
    PQclear(result);
    free(sql);
}

static void tell_unknown(struct apply *apply)
{
    const struct step *step = current_step(apply);

    apply->err->version = step->migration->version;
    inlay_text_put(apply->err->outcome, sizeof apply->err->outcome,
                   "whether %s was committed is not known; the history will tell: run again",
                   step->script->path);
}

static void recover(struct apply *apply, int rc)
{
    inlay_session_rollback(&apply->run->session);
    if (apply->outcome == INLAY_AGAIN) {
        inlay_run_tell(apply->run, INLAY_EVENT_SKIPPED, 0);
        apply->run->skipped++;
        return;
    }
    if (apply->run->session.abandoned)
        tell_unknown(apply);
    else
        inlay_apply_outcome(apply->run, current_step(apply), apply->err);
    if (apply->claim_xid[0] != '\0')
        take_back(apply);
    if (rc != INLAY_E_STOPPED)
        inlay_run_tell(apply->run, INLAY_EVENT_FAILED,
                       inlay_clock_ms() - apply->run->current_since);
}

static int exchange(struct apply *apply, enum phase until)
{
    apply->until = until;
    int rc = inlay_session_exchange(&apply->run->session, &apply->exchange, apply->err);
    if (rc == INLAY_E_FAILED)
        inlay_apply_place(apply->run, current_step(apply), apply->reader.item, NULL, apply->err);
    return rc == INLAY_OK ? apply->outcome : rc;
}

/* A migration in C ends the pipeline: it is called between the claim and what follows a body. */
static int converse_with_function(struct apply *apply)
{
    const struct step *step = current_step(apply);
    int rc = exchange(apply, PHASE_CONSTRAINTS);

    if (rc == INLAY_OK) {
        rc = inlay_tx_run(&apply->run->session, step->script->function, apply->err);
        if (rc == INLAY_E_FAILED) {
            apply->outcome = rc;
            inlay_error_file(apply->err, apply->run->set, step->script);
        }
    }
    return rc == INLAY_OK ? exchange(apply, PHASE_COUNT) : rc;
}

static int converse(struct apply *apply)
{
    int rc = current_step(apply)->script->function != NULL ? converse_with_function(apply)
                                                           : exchange(apply, PHASE_COUNT);
    bool open = apply->reader.step < apply->count;

    if (rc == INLAY_E_LOST && open) {
        tell_unknown(apply);
        return rc;
    }
    if (rc == INLAY_E_STOPPED && apply->outcome == INLAY_OK && !open)
        return rc;
    if (rc != INLAY_OK)
        recover(apply, rc);
    apply->run->current = NULL;
    apply->run->session.label = NULL;
    return rc;
}

int inlay_apply(struct run *run, const struct step *steps, size_t count, struct inlay_error *err)
{
    bool bare = run->options.pooler == INLAY_POOLER_TRANSACTION;
    struct apply apply = {
        .exchange = {.next = next_message,
                     .result = take_result,
                     .answered = message_answered,
                     .single_rows = true},
        .run = run,
        .steps = steps,
        .count = count,
        .shape = {.resets = bare ? 0 : inlay_reset_count, .settings = bare ? 0 : 1},
        .err = err,
    };
    int rc;

    if (inlay_compose_init(&apply.compose, run))
        rc = converse(&apply);
    else
        rc = inlay_error_memory(err);
    inlay_compose_finish(&apply.compose);
    return rc;
}

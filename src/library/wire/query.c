/* Sends a few statements and keeps their answers. For conversations of any length see
 * exchange.c. */
#include "wire/query.h"
#include "base/clock.h"

#include <string.h>

/* So often a statement is sent again that a cancel has hit. */
#define CANCELS 20

/* How long a server may take to answer a cancel: at least, and at most. */
#define SILENCE_LEAST_MS 2000
#define SILENCE_MOST_MS 10000

/* A rollback of hours of work takes a while. */
#define CLEANUP_MS 60000

struct questions {
    struct exchange exchange;
    bool together; /* one Sync for all: after one that fails the server skips the others */
    const struct message *queries;
    PGresult **results;
    size_t count;
    size_t sent;
    size_t received;
};

static enum exchange_next next_question(struct exchange *exchange, struct message *message)
{
    struct questions *questions = (struct questions *)exchange;

    if (questions->sent == questions->count)
        return EXCHANGE_END;
    *message = questions->queries[questions->sent++];
    message->sync =
        !(questions->together || message->joined) || questions->sent == questions->count;
    return EXCHANGE_SEND;
}

static void keep_result(struct exchange *exchange, PGresult *result)
{
    struct questions *questions = (struct questions *)exchange;
    PGresult **kept = &questions->results[questions->received];

    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
        PQclear(result);
        return;
    }
    PQclear(*kept);
    *kept = result;
}

static void count_answer(struct exchange *exchange)
{
    ((struct questions *)exchange)->received++;
}

/* A COMMIT waits for standbys as long as the server's settings say. */
static bool ends_with_commit(const struct questions *questions)
{
    return strcmp(questions->queries[questions->count - 1].sql, "COMMIT") == 0;
}

static void limit_wait(const struct session *session, struct questions *questions)
{
    struct exchange *exchange = &questions->exchange;

    if (exchange->cleanup)
        exchange->give_up_at = inlay_clock_after(CLEANUP_MS);
    if (exchange->cleanup || exchange->single_rows || session->answer_ms == 0 ||
        ends_with_commit(questions))
        return;
    int64_t cancel_at = inlay_clock_after(session->answer_ms);
    int64_t left = session->answer_by - cancel_at;
    int64_t silence = left < SILENCE_LEAST_MS  ? SILENCE_LEAST_MS
                      : left > SILENCE_MOST_MS ? SILENCE_MOST_MS
                                               : left;
    exchange->cancel_at = cancel_at;
    exchange->give_up_at = cancel_at < INT64_MAX - silence ? cancel_at + silence : INT64_MAX;
}

static int fail_overdue(const struct session *session, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_LOCKED,
                    "the server did not answer within %lld s: perhaps another session holds a lock",
                    (long long)(session->answer_ms / 1000));
    inlay_text_put(err->sqlstate, sizeof err->sqlstate, "57014");
    return err->code;
}

/* What was cancelled for its length; another cause of the same answer is another failure. */
static int check_length(const struct session *session, const struct questions *questions,
                        struct inlay_error *err)
{
    for (size_t i = 0; questions->exchange.overdue && i < questions->count; i++)
        if (inlay_result_has_state(questions->results[i], "57014"))
            return fail_overdue(session, err);
    return INLAY_OK;
}

static int ask_questions(struct session *session, struct questions *questions,
                         struct inlay_error *err)
{
    questions->exchange.next = next_question;
    questions->exchange.result = keep_result;
    questions->exchange.answered = count_answer;
    memset(questions->results, 0, questions->count * sizeof(*questions->results));
    limit_wait(session, questions);
    int rc = inlay_exchange_run(session, &questions->exchange, err);
    return rc == INLAY_OK ? check_length(session, questions, err) : rc;
}

int inlay_query_ask(struct session *session, const struct message *queries, size_t count,
                    PGresult **results, struct inlay_error *err)
{
    struct questions questions = {.queries = queries, .results = results, .count = count};

    return ask_questions(session, &questions, err);
}

int inlay_query_demand(struct session *session, const struct message *queries, size_t count,
                       PGresult **results, enum inlay_code code, struct inlay_error *err)
{
    int rc = inlay_query_ask(session, queries, count, results, err);

    return rc == INLAY_OK ? inlay_results_check(results, count, code, err) : rc;
}

int inlay_query_execute(struct session *session, const struct message *queries, size_t count,
                        PGresult **results, struct inlay_error *err)
{
    struct questions questions = {.exchange = {.single_rows = true},
                                  .together = true,
                                  .queries = queries,
                                  .results = results,
                                  .count = count};

    return ask_questions(session, &questions, err);
}

int inlay_query_persist(struct session *session, const struct message *queries, size_t count,
                        PGresult **results, struct inlay_error *err)
{
    int rc = INLAY_E_FAILED;

    for (int turn = 0; turn < CANCELS; turn++) {
        struct questions questions = {
            .together = true, .queries = queries, .results = results, .count = count};
        rc = ask_questions(session, &questions, err);
        if (rc == INLAY_OK)
            rc = inlay_results_check(results, count, INLAY_E_FAILED, err);
        if (rc != INLAY_E_FAILED)
            return rc;
        inlay_query_rollback(session);
        if (strcmp(err->sqlstate, "57014") != 0)
            return rc;
        inlay_results_clear(results, count);
    }
    return rc;
}

int inlay_query_insist(struct session *session, const struct message *query, PGresult **result,
                       struct inlay_error *err)
{
    for (;;) {
        struct questions questions = {
            .exchange = {.cleanup = true}, .queries = query, .results = result, .count = 1};
        int rc = ask_questions(session, &questions, err);
        if (rc != INLAY_OK || !inlay_result_has_state(*result, "57014"))
            return rc;
        inlay_results_clear(result, 1);
    }
}

void inlay_query_tidy(struct session *session, const char *sql)
{
    inlay_query_tidy_all(session, &sql, 1);
}

/* A cancel that comes late hits one of them; none harms when it is said twice. */
void inlay_query_tidy_all(struct session *session, const char *const *texts, size_t count)
{
    struct message queries[TIDIED_MOST] = {{0}};
    PGresult *results[TIDIED_MOST] = {0};
    struct inlay_error ignored;
    bool hit = true;

    for (size_t i = 0; i < count; i++)
        queries[i].sql = texts[i];
    while (hit) {
        struct questions questions = {
            .exchange = {.cleanup = true}, .queries = queries, .results = results, .count = count};
        int rc = ask_questions(session, &questions, &ignored);
        hit = false;
        for (size_t i = 0; rc == INLAY_OK && i < count; i++)
            hit = hit || inlay_result_has_state(results[i], "57014");
        inlay_results_clear(results, count);
    }
}

void inlay_query_rollback(struct session *session)
{
    if (session->conn != NULL && PQtransactionStatus(session->conn) != PQTRANS_IDLE)
        inlay_query_tidy(session, "ROLLBACK");
}

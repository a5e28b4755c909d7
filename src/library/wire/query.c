#include "wire/query.h"

#include <string.h>

struct questions {
    struct exchange exchange;
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
    message->sync = true;
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

static int ask_questions(struct session *session, struct questions *questions,
                         struct inlay_error *err)
{
    questions->exchange.next = next_question;
    questions->exchange.result = keep_result;
    questions->exchange.answered = count_answer;
    memset(questions->results, 0, questions->count * sizeof(*questions->results));
    return inlay_exchange_run(session, &questions->exchange, err);
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
    struct questions questions = {
        .exchange = {.single_rows = true}, .queries = queries, .results = results, .count = count};

    return ask_questions(session, &questions, err);
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
    const struct message query = {.sql = sql};
    struct inlay_error ignored;
    PGresult *result = NULL;

    inlay_query_insist(session, &query, &result, &ignored);
    PQclear(result);
}

void inlay_query_rollback(struct session *session)
{
    if (session->conn != NULL && PQtransactionStatus(session->conn) != PQTRANS_IDLE)
        inlay_query_tidy(session, "ROLLBACK");
}

/* Asks a verify script in a transaction of its own: after a migration that has none, and later. */
#include "apply/stepwise/verify.h"
#include "apply/transaction/failure.h"
#include "plan/verify.h"
#include "run/held.h"
#include "wire/query.h"

#include <stdlib.h>

/* Before the first statement: a BEGIN, and that it only reads. */
enum { ASKED_BEFORE = 2 };

struct verification {
    struct session *session;
    const struct request *request;
    const struct limits *limits;
    const struct inlay_migration *migration;
};

/* The questions, between a BEGIN and a ROLLBACK. */
struct questioning {
    size_t count;
    struct message *messages;
    char **texts;
    PGresult **results;
};

/* A limit that is not set is the role's own; after a migration that had another, the session's. */
static bool prepare_questions(struct questioning *asked, const struct verification *verification,
                              int64_t lock_ms)
{
    const struct inlay_script *script = verification->migration->verify;
    const struct verify_terms terms = {
        .search_path = verification->request->options.search_path,
        .lock_ms = lock_ms,
        .statement_ms =
            inlay_limit_statement(verification->limits, &verification->migration->up).ms};
    size_t count = inlay_verify_count(script);

    *asked = (struct questioning){.count = count + 2,
                                  .messages = calloc(count + 2, sizeof *asked->messages),
                                  .texts = calloc(count + 2, sizeof *asked->texts),
                                  .results = calloc(count + 2, sizeof(PGresult *))};
    if (asked->messages == NULL || asked->texts == NULL || asked->results == NULL)
        return false;
    asked->messages[0].sql = "BEGIN";
    asked->messages[count + 1].sql = "ROLLBACK";
    for (size_t i = 1; i <= count; i++) {
        asked->texts[i] = inlay_verify_text(script, &terms, i - 1);
        asked->messages[i].sql = asked->texts[i];
        if (asked->texts[i] == NULL)
            return false;
    }
    return true;
}

static void finish_questions(struct questioning *asked)
{
    for (size_t i = 0; asked->texts != NULL && i < asked->count; i++)
        free(asked->texts[i]);
    if (asked->results != NULL)
        inlay_results_clear(asked->results, asked->count);
    free(asked->messages);
    free(asked->texts);
    free(asked->results);
}

static int judge_questions(const struct questioning *asked, const struct verification *verification,
                           struct inlay_error *err)
{
    const struct inlay_migration *migration = verification->migration;

    if (inlay_result_failed(asked->results[1])) {
        inlay_result_error(asked->results[1], INLAY_E_FAILED, err);
        inlay_failure_search_path(err);
        return INLAY_E_FAILED;
    }
    for (size_t i = ASKED_BEFORE; i + 1 < asked->count; i++)
        if (inlay_result_failed(asked->results[i])) {
            inlay_failure_unverified(verification->request->set, migration, i - ASKED_BEFORE,
                                     asked->results[i], err);
            inlay_failure_explain(verification->limits, &migration->up, err);
            return inlay_error_settle(err);
        }
    return INLAY_OK;
}

static int ask_questions_once(void *context, int64_t lock_ms, struct inlay_error *err)
{
    const struct verification *verification = context;
    struct session *session = verification->session;
    struct questioning asked = {0};
    int rc = prepare_questions(&asked, verification, lock_ms) ? INLAY_OK : inlay_error_memory(err);

    if (rc == INLAY_OK)
        rc = inlay_query_execute(session, asked.messages, asked.count, asked.results, err);
    if (rc == INLAY_OK)
        rc = judge_questions(&asked, verification, err);
    if (rc == INLAY_E_FAILED || rc == INLAY_E_LOCKED)
        inlay_query_rollback(session);
    finish_questions(&asked);
    return rc;
}

int inlay_verify_run(struct session *session, const struct request *request,
                     const struct limits *limits, const struct inlay_migration *migration,
                     struct inlay_error *err)
{
    struct verification verification = {
        .session = session, .request = request, .limits = limits, .migration = migration};

    if (migration->verify == NULL)
        return INLAY_OK;
    return inlay_held_read(session, &request->options, ask_questions_once, &verification, err);
}

/* inlay_many_select: asks a database which targets there are. */
#include "calls/many/aim.h"
#include "wire/query.h"
#include "wire/session.h"

typedef void (*each_target)(void *user, const struct inlay_many_target *target);

enum { SELECT_BEGIN, SELECT_QUERY, SELECT_COUNT };

static int refuse_query(const PGresult *result, struct inlay_error *err)
{
    inlay_result_error(result, INLAY_E_ARGUMENT, err);
    inlay_text_put(err->hint, sizeof err->hint,
                   "it is a SELECT with columns named schema, conninfo or both, and perhaps name");
    return err->code;
}

static int refuse_columns(struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_ARGUMENT,
                    "the query for targets has no column named schema or conninfo");
    inlay_text_put(err->hint, sizeof err->hint,
                   "name them: SELECT nspname AS schema FROM pg_namespace WHERE ...");
    return err->code;
}

static int give_targets(const PGresult *result, each_target each, void *user,
                        struct inlay_error *err)
{
    int schema = inlay_result_column(result, "schema");
    int conninfo = inlay_result_column(result, "conninfo");
    int name = inlay_result_column(result, "name");

    if (schema < 0 && conninfo < 0)
        return refuse_columns(err);
    for (int row = 0; row < PQntuples(result); row++) {
        const struct inlay_many_target target = {.schema = inlay_result_text(result, row, schema),
                                                 .conninfo =
                                                     inlay_result_text(result, row, conninfo),
                                                 .name = inlay_result_text(result, row, name)};
        each(user, &target);
    }
    return INLAY_OK;
}

/* As long as it takes: stop_fd ends it. */
static int ask_targets(struct session *session, const char *query, each_target each, void *user,
                       struct inlay_error *err)
{
    const struct message queries[SELECT_COUNT] = {
        [SELECT_BEGIN] = {.sql = "BEGIN READ ONLY"},
        [SELECT_QUERY] = {.sql = query},
    };
    PGresult *results[SELECT_COUNT] = {0};

    session->answer_ms = 0;
    int rc = inlay_query_ask(session, queries, SELECT_COUNT, results, err);
    if (rc == INLAY_E_FAILED)
        rc = err->code = INLAY_E_ARGUMENT; /* a COPY */
    if (rc == INLAY_OK && inlay_result_failed(results[SELECT_QUERY]))
        rc = refuse_query(results[SELECT_QUERY], err);
    if (rc == INLAY_OK)
        rc = give_targets(results[SELECT_QUERY], each, user, err);
    inlay_results_clear(results, SELECT_COUNT);
    inlay_query_rollback(session);
    return rc;
}

int inlay_many_select(const struct inlay_options *options, const char *query, each_target each,
                      void *user, struct inlay_error *err)
{
    struct inlay_options own_options;
    struct session session = {0};
    struct inlay_error own;

    inlay_error_clear(&own);
    int rc = inlay_aim_options(options, &own_options, &own);
    if (rc == INLAY_OK)
        rc = inlay_session_open(&session, &own_options, own_options.connect_wait_ms, &own);
    if (rc == INLAY_OK)
        rc = ask_targets(&session, query, each, user, &own);
    inlay_session_close(&session);
    return inlay_error_give(rc, &own, err);
}

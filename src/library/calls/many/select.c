/* inlay_many_select: asks a database which targets there are. */
#include "base/text.h"
#include "calls/many/aim.h"
#include "run/held.h"
#include "wire/query.h"
#include "wire/session.h"

typedef void (*each_target)(void *user, const struct inlay_many_target *target);

enum { SELECT_BEGIN, SELECT_LIMIT, SELECT_QUERY, SELECT_COUNT };

struct selection {
    struct session *session;
    const char *query;
    each_target each;
    void *user;
};

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

/* One that is misspelt would be missed in silence: the target would be another. */
static int refuse_stranger(const char *stranger, struct inlay_error *err)
{
    inlay_error_set(
        err, INLAY_E_ARGUMENT,
        "the query for targets has a column \"%s\" that is unknown here, or there twice", stranger);
    inlay_text_put(err->hint, sizeof err->hint,
                   "its columns are schema, conninfo and name: correct this one, or leave it out");
    return err->code;
}

static int give_targets(const PGresult *result, each_target each, void *user,
                        struct inlay_error *err)
{
    int schema = inlay_result_column(result, "schema");
    int conninfo = inlay_result_column(result, "conninfo");
    int name = inlay_result_column(result, "name");
    static const char *const known[] = {"schema", "conninfo", "name"};
    const char *stranger = inlay_result_stranger(result, known, sizeof known / sizeof known[0]);

    if (schema < 0 && conninfo < 0)
        return refuse_columns(err);
    if (stranger != NULL)
        return refuse_stranger(stranger, err);
    for (int row = 0; row < PQntuples(result); row++) {
        const struct inlay_many_target target = {.schema = inlay_result_text(result, row, schema),
                                                 .conninfo =
                                                     inlay_result_text(result, row, conninfo),
                                                 .name = inlay_result_text(result, row, name)};
        each(user, &target);
    }
    return INLAY_OK;
}

static int take_selected(const struct selection *selection, const PGresult *result,
                         struct inlay_error *err)
{
    if (inlay_result_has_state(result, "55P03"))
        return inlay_result_error(result, INLAY_E_LOCKED, err);
    if (inlay_result_failed(result))
        return refuse_query(result, err);
    return give_targets(result, selection->each, selection->user, err);
}

/* As long as it takes, but for locks: stop_fd ends it. */
static int ask_targets(void *context, int64_t lock_ms, struct inlay_error *err)
{
    const struct selection *selection = context;
    struct session *session = selection->session;
    char limit[INLAY_DECIMAL_MAX];
    const char *const limits[] = {limit};
    const struct message queries[SELECT_COUNT] = {
        [SELECT_BEGIN] = {.sql = "BEGIN READ ONLY"},
        [SELECT_LIMIT] = {.sql = "SELECT pg_catalog.set_config('lock_timeout', $1, true)",
                          .parameter_count = 1,
                          .parameters = limits},
        [SELECT_QUERY] = {.sql = selection->query},
    };
    PGresult *results[SELECT_COUNT] = {0};
    int64_t answer_ms = session->answer_ms;

    inlay_text_decimal(lock_ms, limit);
    session->answer_ms = 0;
    int rc = inlay_query_ask(session, queries, SELECT_COUNT, results, err);
    session->answer_ms = answer_ms;
    if (rc == INLAY_E_FAILED)
        rc = err->code = INLAY_E_ARGUMENT; /* a COPY */
    if (rc == INLAY_OK)
        rc = take_selected(selection, results[SELECT_QUERY], err);
    inlay_results_clear(results, SELECT_COUNT);
    inlay_query_rollback(session);
    return rc;
}

static int wait_for_targets(struct selection *selection, const struct inlay_options *options,
                            struct inlay_error *err)
{
    int rc = inlay_held_read(selection->session, options, ask_targets, selection, err);

    if (rc == INLAY_E_LOCKED)
        inlay_text_put(err->message, sizeof err->message,
                       "the query for targets did not get a lock on a table in time");
    return rc;
}

int inlay_many_select(const struct inlay_options *options, const char *query, each_target each,
                      void *user, struct inlay_error *err)
{
    struct inlay_options own_options;
    struct session session = {0};
    struct selection selection = {.session = &session, .query = query, .each = each, .user = user};
    struct inlay_error own;

    inlay_error_clear(&own);
    int rc = inlay_aim_options(options, &own_options, &own);
    if (rc == INLAY_OK)
        rc = inlay_session_open(&session, &own_options, own_options.connect_wait_ms, &own);
    if (rc == INLAY_OK)
        rc = wait_for_targets(&selection, &own_options, &own);
    inlay_session_close(&session);
    return inlay_error_give(rc, &own, err);
}

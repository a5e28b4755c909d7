#include "calls/reset.h"
#include "base/log.h"
#include "calls/holdings.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

/* The drops come between what begins the transaction and what ends it. */
static const char *const before[] = {
    "BEGIN",
    "SELECT pg_catalog.set_config('client_min_messages', 'warning', true)",
    /* The sessions of a service that runs on would wait behind us. The role's own setting wins. */
    ("SELECT pg_catalog.set_config('lock_timeout', '5s', true)"
     " WHERE pg_catalog.current_setting('lock_timeout') OPERATOR(pg_catalog.=) '0'"),
};
enum { BEFORE = sizeof before / sizeof before[0] };

int inlay_reset_check_set(const struct inlay_set *set, struct inlay_error *err)
{
    if ((set->flags & INLAY_SET_NO_RESET) == 0)
        return INLAY_OK;
    return inlay_error_set(err, INLAY_E_REFUSED,
                           "this binary resets no database: its migrations were embedded with "
                           "--no-reset");
}

/* Servers before 14 fail to name what somebody drops at the same moment (XX000). */
int inlay_reset_ask(struct run *run, PGresult **holdings, struct inlay_error *err)
{
    const struct message query = {.sql = inlay_holdings_sql};
    int rc = INLAY_OK;

    for (int turn = 0; turn < 3; turn++) {
        PQclear(*holdings);
        rc = inlay_session_ask(&run->connection.session, &query, 1, holdings, err);
        if (rc != INLAY_OK || !inlay_result_has_state(*holdings, "XX000"))
            break;
    }
    if (rc == INLAY_OK && inlay_result_failed(*holdings))
        rc = inlay_result_error(*holdings, INLAY_E_REFUSED, err);
    return rc;
}

/* ---- what is in the way ---- */

static int refuse_obstacle(const struct run *run, const char *obstacle, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "role \"%s\" may not drop all of database \"%s\": %s",
                    run->known.snapshot.role, run->known.snapshot.database, obstacle);
    inlay_text_put(err->hint, sizeof err->hint,
                   "drop by hand what is in the way, or reset with a role that may");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was dropped");
    return err->code;
}

/* Names as many as the message holds. */
int inlay_reset_verdict(const struct run *run, const PGresult *holdings, struct inlay_error *err)
{
    char list[512] = "";

    for (int row = 0; row < PQntuples(holdings); row++)
        if (!PQgetisnull(holdings, row, HOLDING_OBSTACLE))
            inlay_text_add(list, sizeof list, "%s%s", list[0] != '\0' ? ", " : "",
                           PQgetvalue(holdings, row, HOLDING_OBSTACLE));
    return list[0] != '\0' ? refuse_obstacle(run, list, err) : INLAY_OK;
}

static int look_over(struct run *run, PGresult **holdings, struct inlay_error *err)
{
    int rc = inlay_reset_ask(run, holdings, err);

    return rc == INLAY_OK ? inlay_reset_verdict(run, *holdings, err) : rc;
}

int inlay_reset_gate(struct run *run, struct inlay_error *err)
{
    const char *name = run->request.goal.database;

    if (name != NULL && strcmp(name, run->known.snapshot.database) != 0) {
        inlay_error_set(err, INLAY_E_ARGUMENT, "the database is \"%s\", and \"%s\" was confirmed",
                        run->known.snapshot.database, name);
        inlay_text_put(err->outcome, sizeof err->outcome, "nothing was dropped");
        return err->code;
    }
    if (run->request.options.pooler == INLAY_POOLER_TRANSACTION)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a reset needs the lock, which a pooler in transaction mode cannot "
                               "give: use the direct URL of the server (INLAY_DATABASE_URL)");
    return INLAY_OK;
}

/* ---- the drop ---- */

static const char *advice(const struct inlay_error *err)
{
    if (strcmp(err->sqlstate, "53200") == 0)
        return "one transaction drops everything and locks each object: raise "
               "max_locks_per_transaction and restart the server, or drop a part by hand first";
    if (strcmp(err->sqlstate, "55P03") == 0)
        return "somebody uses these tables: stop the service and run again";
    return "drop by hand what is in the way, and run again";
}

static int explain(const PGresult *result, struct inlay_error *err)
{
    inlay_result_error(result, INLAY_E_FAILED, err);
    inlay_text_put(err->hint, sizeof err->hint, "%s", advice(err));
    return err->code;
}

/* The transaction is an explicit one, so where one statement fails the following fail too. */
static int run_all(struct run *run, const struct message *queries, size_t count,
                   struct inlay_error *err)
{
    PGresult **results = calloc(count, sizeof(*results));

    if (results == NULL)
        return inlay_error_memory(err);
    int rc = inlay_session_ask(&run->connection.session, queries, count, results, err);
    for (size_t i = 0; i < count && rc == INLAY_OK; i++)
        if (inlay_result_failed(results[i]))
            rc = explain(results[i], err);
    inlay_results_clear(results, count);
    free(results);
    return rc;
}

static int drop(struct run *run, const PGresult *holdings, struct inlay_error *err)
{
    size_t count = BEFORE;
    struct message *queries = calloc(BEFORE + (size_t)PQntuples(holdings) + 1, sizeof *queries);

    if (queries == NULL)
        return inlay_error_memory(err);
    for (size_t i = 0; i < BEFORE; i++)
        queries[i].sql = before[i];
    for (int row = 0; row < PQntuples(holdings); row++)
        if (!PQgetisnull(holdings, row, HOLDING_DROP))
            queries[count++].sql = PQgetvalue(holdings, row, HOLDING_DROP);
    queries[count++].sql = "COMMIT";
    int rc = run_all(run, queries, count, err);
    free(queries);
    if (rc == INLAY_OK)
        inlay_log(&run->request.options, INLAY_LOG_INFO, "dropped everything in database %s",
                  run->known.snapshot.database);
    else
        inlay_text_put(err->outcome, sizeof err->outcome,
                       rc == INLAY_E_LOST ? "either everything was dropped or nothing; run again"
                                          : "nothing was dropped");
    return rc;
}

/* No backup where nothing can be dropped, and none of it is older than what is dropped. After the
 * drop there is nothing special about the rest: a lost connection is made again, and nothing is
 * dropped twice. */
static int reset(struct run *run, struct inlay_error *err)
{
    size_t count = run->request.set->migration_count + run->request.set->repeatable_count;
    PGresult *holdings = NULL;
    int rc = look_over(run, &holdings, err);

    if (rc == INLAY_OK)
        rc = inlay_report_announce(&run->report, NULL, count, 1, err);
    if (rc == INLAY_OK)
        rc = look_over(run, &holdings, err);
    if (rc == INLAY_OK)
        rc = drop(run, holdings, err);
    PQclear(holdings);
    if (rc != INLAY_OK)
        return rc;
    run->request.goal.kind = GOAL_UP;
    return inlay_run_look(run, SNAPSHOT_ONLY, err);
}

int inlay_reset_work(struct run *run, struct inlay_error *err)
{
    int rc = run->request.goal.kind == GOAL_RESET ? reset(run, err) : INLAY_OK;

    return rc == INLAY_OK ? inlay_run_goal(run, err) : rc;
}

/* inlay_reset, which drops everything and migrates, and inlay_contents_read, which only says what
 * would be dropped. */
#include "base/log.h"
#include "calls/holdings.h"
#include "calls/migrate.h"
#include "calls/reading.h"
#include "history/sql.h"
#include "run/admission.h"
#include "run/look.h"

#include <inlay-admin.h>

#include <stdlib.h>
#include <string.h>

/* The drops come between what begins the transaction and what ends it. */
static const char *const before[] = {
    "BEGIN",
    "SELECT pg_catalog.set_config('client_min_messages', 'warning', true)",
};
enum { BEFORE = sizeof before / sizeof before[0] };

/* The sessions of a service that runs on would wait for us. The role's own setting wins. */
#define DROP_LOCK_TIMEOUT_MS 5000

static int check_set(const struct inlay_set *set, struct inlay_error *err)
{
    if ((set->flags & INLAY_SET_NO_RESET) == 0)
        return INLAY_OK;
    return inlay_error_set(err, INLAY_E_REFUSED,
                           "this binary resets no database: its migrations were embedded with "
                           "--no-reset");
}

/* Servers before 14 fail to name what another session drops at that moment (XX000). */
static int ask_holdings(struct session *session, PGresult **holdings, struct inlay_error *err)
{
    const struct message query = {.sql = inlay_holdings_sql};
    int rc = INLAY_OK;

    for (int turn = 0; turn < 3; turn++) {
        PQclear(*holdings);
        rc = inlay_query_ask(session, &query, 1, holdings, err);
        if (rc != INLAY_OK || !inlay_result_has_state(*holdings, "XX000"))
            break;
    }
    if (rc == INLAY_OK && inlay_result_failed(*holdings))
        rc = inlay_result_error(*holdings, INLAY_E_REFUSED, err);
    return rc;
}

/* ---- what is in the way ---- */

static int refuse_obstacle(const struct snapshot *now, const char *obstacle,
                           struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "role \"%s\" may not drop all of database \"%s\": %s",
                    now->role, now->database, obstacle);
    inlay_text_put(err->hint, sizeof err->hint,
                   "drop by hand what is in the way, or reset with a role that may");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was dropped");
    return err->code;
}

/* Names as many as the message holds. */
static int check_obstacles(const struct snapshot *now, const PGresult *holdings,
                           struct inlay_error *err)
{
    char list[512] = "";

    for (int row = 0; row < PQntuples(holdings); row++)
        if (!PQgetisnull(holdings, row, HOLDING_OBSTACLE))
            inlay_text_add(list, sizeof list, "%s%s", list[0] != '\0' ? ", " : "",
                           PQgetvalue(holdings, row, HOLDING_OBSTACLE));
    return list[0] != '\0' ? refuse_obstacle(now, list, err) : INLAY_OK;
}

static int look_over(struct session *session, const struct snapshot *now, PGresult **holdings,
                     struct inlay_error *err)
{
    int rc = ask_holdings(session, holdings, err);

    return rc == INLAY_OK ? check_obstacles(now, *holdings, err) : rc;
}

/* ---- the drop ---- */

static const char *drop_advice(const struct inlay_error *err)
{
    if (strcmp(err->sqlstate, "53200") == 0)
        return "one transaction drops everything and locks each object: raise "
               "max_locks_per_transaction and restart the server, or drop a part by hand first";
    if (strcmp(err->sqlstate, "55P03") == 0)
        return "another session uses these tables: stop the service and run again";
    return "drop by hand what is in the way, and run again";
}

static int explain_drop(const PGresult *result, struct inlay_error *err)
{
    inlay_result_error(result, INLAY_E_FAILED, err);
    inlay_text_put(err->hint, sizeof err->hint, "%s", drop_advice(err));
    return inlay_error_settle(err);
}

/* The transaction is an explicit one, so where one statement fails the following fail too. */
static int run_all(struct session *session, const struct message *queries, size_t count,
                   struct inlay_error *err)
{
    PGresult **results = calloc(count, sizeof(*results));

    if (results == NULL)
        return inlay_error_memory(err);
    int rc = inlay_query_ask(session, queries, count, results, err);
    for (size_t i = 0; i < count && rc == INLAY_OK; i++)
        if (inlay_result_failed(results[i]))
            rc = explain_drop(results[i], err);
    inlay_results_clear(results, count);
    free(results);
    return rc;
}

static int drop_all(struct connection *connection, const char *database, const PGresult *holdings,
                    struct inlay_error *err)
{
    struct session *session = &connection->session;
    int64_t own_ms = connection->limits.own.lock_timeout_ms;
    char timeout[64];
    size_t count = BEFORE;
    struct message *queries = calloc(BEFORE + (size_t)PQntuples(holdings) + 2, sizeof *queries);

    inlay_text_put(timeout, sizeof timeout, "SET LOCAL lock_timeout = %lld",
                   (long long)(own_ms != INLAY_UNSET ? own_ms : DROP_LOCK_TIMEOUT_MS));
    if (queries == NULL)
        return inlay_error_memory(err);
    for (size_t i = 0; i < BEFORE; i++)
        queries[i].sql = before[i];
    queries[count++].sql = timeout;
    for (int row = 0; row < PQntuples(holdings); row++)
        if (!PQgetisnull(holdings, row, HOLDING_DROP))
            queries[count++].sql = PQgetvalue(holdings, row, HOLDING_DROP);
    queries[count++].sql = "COMMIT";
    int rc = run_all(session, queries, count, err);
    free(queries);
    if (rc == INLAY_OK)
        inlay_log(session->options, INLAY_LOG_INFO, "dropped everything in database %s", database);
    else
        inlay_text_put(err->outcome, sizeof err->outcome,
                       rc == INLAY_E_LOST ? "either everything was dropped or nothing; run again"
                                          : "nothing was dropped");
    return rc;
}

static bool is_same_object(const PGresult *a, const PGresult *b, int row)
{
    return strcmp(PQgetvalue(a, row, HOLDING_TYPE), PQgetvalue(b, row, HOLDING_TYPE)) == 0 &&
           strcmp(PQgetvalue(a, row, HOLDING_NAME), PQgetvalue(b, row, HOLDING_NAME)) == 0 &&
           strcmp(PQgetvalue(a, row, HOLDING_DROP), PQgetvalue(b, row, HOLDING_DROP)) == 0;
}

/* What came while a backup was made is not in it. */
static int check_unchanged(const struct snapshot *now, const PGresult *first, const PGresult *again,
                           struct inlay_error *err)
{
    bool same = PQntuples(first) == PQntuples(again);

    for (int row = 0; same && row < PQntuples(first); row++)
        same = is_same_object(first, again, row);
    if (same)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_REFUSED,
                    "what is in database \"%s\" changed while the reset was prepared",
                    now->database);
    inlay_text_put(err->hint, sizeof err->hint,
                   "stop what else works on it, so that the backup has all that is dropped, and "
                   "run again");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was dropped");
    return err->code;
}

/* Looks before the backup, because none is made where nothing can be dropped, and after it. */
static int look_twice(struct session *session, const struct snapshot *now, struct report *report,
                      PGresult **holdings, struct inlay_error *err)
{
    size_t count = report->set->migration_count + report->set->repeatable_count;
    PGresult *first = NULL;
    int rc = look_over(session, now, &first, err);

    if (rc == INLAY_OK)
        rc = inlay_report_announce(report, NULL, count, 1, err);
    if (rc == INLAY_OK)
        rc = look_over(session, now, holdings, err);
    if (rc == INLAY_OK)
        rc = check_unchanged(now, first, *holdings, err);
    PQclear(first);
    return rc;
}

static int reset(struct connection *connection, const struct snapshot *now, const char *name,
                 struct report *report, struct inlay_error *err)
{
    PGresult *holdings = NULL;
    int rc = inlay_pursue_confirmed(now, name, "nothing was dropped", err);

    if (rc == INLAY_OK)
        rc = look_twice(&connection->session, now, report, &holdings, err);
    if (rc == INLAY_OK)
        rc = drop_all(connection, now->database, holdings, err);
    PQclear(holdings);
    return rc;
}

/* Under the lock: drops everything in one transaction, then goes up. After the drop there is
 * nothing special about the rest: a lost connection is made again, and nothing is dropped twice.
 * `context` points to the name. */
static int reset_work(struct run *run, void *context, struct inlay_error *err)
{
    const char *const *name = context;
    int rc = INLAY_OK;

    if (run->request.goal.kind == GOAL_RESET) {
        rc = reset(&run->connection, &run->known.snapshot, *name, &run->report, err);
        if (rc == INLAY_OK) {
            run->request.goal.kind = GOAL_UP;
            rc = inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);
        }
    }
    return rc == INLAY_OK ? inlay_migrate_work(run, NULL, err) : rc;
}

int inlay_reset(const struct inlay_set *set, const struct inlay_options *options,
                const char *database, struct inlay_result *result, struct inlay_error *err)
{
    const char *name = database != NULL ? database : "";
    const struct task task = {.work = reset_work, .context = &name};
    struct inlay_error own;

    if (set != NULL && check_set(set, &own) != INLAY_OK)
        return inlay_error_give(own.code, &own, err);
    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_RESET}, &task, result, err);
}

/* ---- what would be dropped ---- */

/* What the public struct points into: the caller gets its first member. */
struct owned_contents {
    struct inlay_contents contents;
    struct run run;
    PGresult *holdings;
    struct inlay_schema_contents *schemas;
    char besides[1024];
};

static const char *value(const struct owned_contents *owned, int row, int column)
{
    return PQgetvalue(owned->holdings, row, column);
}

/* Is this one of those words? */
static bool is_in(const char *words, const char *type)
{
    return strstr(words, type) != NULL;
}

/* Which of a schema's counts this object belongs to. */
static int64_t *count_of(struct inlay_schema_contents *schema, const char *type)
{
    if (is_in("foreign table", type))
        return &schema->tables;
    if (is_in("materialized view", type))
        return &schema->views;
    if (is_in("function procedure aggregate", type))
        return &schema->functions;
    return strcmp(type, "type") == 0 ? &schema->types : &schema->others;
}

static void count_object(struct owned_contents *owned, const char *type, const char *schema_name,
                         const char *rows)
{
    int64_t estimate;

    for (size_t i = 0; i < owned->contents.schema_count; i++) {
        struct inlay_schema_contents *schema = &owned->schemas[i];
        if (schema->name == NULL || strcmp(schema->name, schema_name) != 0)
            continue;
        ++*count_of(schema, type);
        if (inlay_text_number(rows, &estimate))
            schema->rows += estimate;
    }
}

static void count_row(struct owned_contents *owned, int row)
{
    const char *type = value(owned, row, HOLDING_TYPE);
    const char *name = value(owned, row, HOLDING_NAME);

    if (is_in("publication server extension subscription", type))
        inlay_text_add(owned->besides, sizeof owned->besides, "%s%s %s",
                       owned->besides[0] != '\0' ? ", " : "", type, name);
    else if (strcmp(type, "schema") != 0)
        count_object(owned, type, name, value(owned, row, HOLDING_ROWS));
}

static void add_schema(struct owned_contents *owned, int row)
{
    if (strcmp(value(owned, row, HOLDING_TYPE), "schema") == 0)
        owned->schemas[owned->contents.schema_count++] = (struct inlay_schema_contents){
            .name = value(owned, row, HOLDING_NAME),
            .stays = PQgetisnull(owned->holdings, row, HOLDING_DROP)};
}

static int fill(struct owned_contents *owned, struct inlay_error *err)
{
    int count = PQntuples(owned->holdings);

    owned->schemas = calloc((size_t)count + 1, sizeof *owned->schemas);
    if (owned->schemas == NULL)
        return inlay_error_memory(err);
    for (int row = 0; row < count; row++)
        add_schema(owned, row);
    for (int row = 0; row < count; row++)
        count_row(owned, row);
    owned->contents.schemas = owned->schemas;
    owned->contents.database = owned->run.known.snapshot.database;
    owned->contents.role = owned->run.known.snapshot.role;
    owned->contents.besides = owned->besides;
    return INLAY_OK;
}

/* What inlay_reset would refuse with. */
static int judge_reset(struct owned_contents *owned, struct inlay_error *verdict)
{
    inlay_error_clear(verdict);
    int rc = inlay_admission_check(&owned->run.connection.session, &owned->run.request,
                                   &owned->run.known, verdict);
    if (rc == INLAY_OK)
        rc = check_obstacles(&owned->run.known.snapshot, owned->holdings, verdict);
    return rc == INLAY_E_REFUSED ? INLAY_OK : rc;
}

static int take_contents(void *context, struct inlay_error *err)
{
    struct owned_contents *owned = context;

    owned->run.request.goal.kind = GOAL_RESET;
    int rc = ask_holdings(&owned->run.connection.session, &owned->holdings, err);
    if (rc == INLAY_OK)
        rc = fill(owned, err);
    if (rc != INLAY_OK)
        return rc;
    rc = judge_reset(owned, &owned->contents.verdict);
    if (rc != INLAY_OK)
        *err = owned->contents.verdict;
    return rc;
}

int inlay_contents_read(const struct inlay_set *set, const struct inlay_options *options,
                        struct inlay_contents **contents, struct inlay_error *err)
{
    struct inlay_error own;

    if (contents == NULL)
        return inlay_reading_nowhere("contents", err);
    if (set != NULL && check_set(set, &own) != INLAY_OK)
        return inlay_error_give(own.code, &own, err);
    struct owned_contents *owned = calloc(1, sizeof *owned);
    if (owned == NULL)
        return inlay_reading_memory(err);
    int rc = inlay_reading(&owned->run, set, options,
                           &(struct reading){.take = take_contents, .context = owned}, err);
    if (rc == INLAY_OK)
        *contents = &owned->contents;
    else
        inlay_contents_free(&owned->contents);
    return rc;
}

const struct inlay_schema_contents *inlay_contents_at(const struct inlay_contents *contents,
                                                      size_t index)
{
    return contents != NULL && index < contents->schema_count ? &contents->schemas[index] : NULL;
}

void inlay_contents_free(struct inlay_contents *contents)
{
    struct owned_contents *owned = (struct owned_contents *)contents;

    if (owned == NULL)
        return;
    inlay_run_end(&owned->run);
    PQclear(owned->holdings);
    free(owned->schemas);
    free(owned);
}

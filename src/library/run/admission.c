/* Checks, before the first change, that this server, role and database may be migrated, and sets
 * the session up for it. */
#include "run/admission.h"
#include "base/log.h"
#include "history/sql.h"
#include "run/guard.h"
#include "run/limits.h"
#include "run/prepare.h"
#include "run/settings.h"

#include <stdlib.h>
#include <string.h>

static int refuse_read_only(const struct knowledge *known, bool up, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "%s, and there is something to write",
                    known->snapshot.in_recovery ? "the server is a standby: it takes no writes"
                                                : "the session is read-only");
    if (up)
        inlay_text_put(err->detail, sizeof err->detail, "%zu migration%s pending",
                       known->plan.pending, known->plan.pending == 1 ? " is" : "s are");
    inlay_text_put(err->hint, sizeof err->hint, "%s",
                   known->snapshot.in_recovery
                       ? "migrate on the primary (target_session_attrs=read-write finds it among "
                         "several hosts); the standby follows"
                       : "default_transaction_read_only is on for this role, database or server; "
                         "migrate with a role that may write");
    return err->code;
}

static int refuse_pooler(struct inlay_error *err)
{
    inlay_error_set(
        err, INLAY_E_REFUSED,
        "this connection goes through a pooler (such as PgBouncer), which cannot hold the "
        "migration lock for one client");
    inlay_text_put(
        err->hint, sizeof err->hint,
        "use the server's direct URL (INLAY_DATABASE_URL). For a pooler in session mode: "
        "--migrate-pooler=session. To run without the lock: "
        "--migrate-pooler=transaction");
    return err->code;
}

static bool is_anothers(const struct shape *shape)
{
    return shape->exists && !shape->owned;
}

/* The history, or its state table alone. */
static int refuse_owner(const struct history_name *name, const struct snapshot *look,
                        struct inlay_error *err)
{
    bool both = is_anothers(&look->history_shape) && is_anothers(&look->state_shape);
    const struct shape *shape =
        is_anothers(&look->history_shape) ? &look->history_shape : &look->state_shape;
    const char *quoted = shape == &look->history_shape ? name->quoted : name->quoted_state;
    char role[132];

    inlay_text_quote(role, sizeof role, look->role, '"');
    inlay_error_set(
        err, INLAY_E_REFUSED,
        "role %s cannot migrate: %s belongs to role \"%s\", and %s is not a member of it", role,
        quoted, shape->owner, role);
    inlay_text_put(err->hint, sizeof err->hint,
                   "migrate as \"%s\", or GRANT \"%s\" TO %s, or ALTER TABLE %s OWNER TO %s;",
                   shape->owner, shape->owner, role, quoted, role);
    if (both)
        inlay_text_add(err->hint, sizeof err->hint, " ALTER TABLE %s OWNER TO %s;",
                       name->quoted_state, role);
    return err->code;
}

static int refuse_create(const struct history_name *name, const struct snapshot *now,
                         struct inlay_error *err)
{
    char role[132];

    inlay_text_quote(role, sizeof role, now->role, '"');
    if (!now->schema_exists) {
        inlay_error_set(err, INLAY_E_REFUSED,
                        "schema %s does not exist and role %s may not create it in this database",
                        name->quoted_schema, role);
        inlay_text_put(err->hint, sizeof err->hint, "CREATE SCHEMA %s AUTHORIZATION %s;",
                       name->quoted_schema, role);
        return err->code;
    }
    inlay_error_set(err, INLAY_E_REFUSED, "role %s may not create tables in schema %s", role,
                    name->quoted_schema);
    inlay_text_put(
        err->hint, sizeof err->hint,
        "run as its owner or a superuser: GRANT USAGE, CREATE ON SCHEMA %s TO %s; or use "
        "another schema: --migrate-history SCHEMA.TABLE",
        name->quoted_schema, role);
    if (strcmp(name->schema, "public") == 0)
        inlay_text_put(
            err->detail, sizeof err->detail,
            "in a database that PostgreSQL 15 or later created, only its owner may create in "
            "public");
    return err->code;
}

static int check_tables(const struct request *request, const struct knowledge *known,
                        struct inlay_error *err)
{
    const struct snapshot *look = &known->snapshot;

    if (is_anothers(&look->history_shape) || is_anothers(&look->state_shape))
        return refuse_owner(&request->name, look, err);
    if ((!look->history.exists || inlay_prepare_needs_state(request, known) ||
         request->goal.kind == GOAL_RESET) &&
        !look->may_create)
        return refuse_create(&request->name, look, err);
    return INLAY_OK;
}

/* Behind a pooler libpq knows the pooler's process, not the server's. */
static int check_pooler(const struct session *session, const struct request *request,
                        const struct knowledge *known, struct inlay_error *err)
{
    if (request->options.pooler == INLAY_POOLER_TRANSACTION &&
        inlay_goal_leaves_transactions(&request->goal, &known->plan))
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a migration is marked no-transaction, which a pooler in "
                               "transaction mode cannot run: use the direct URL of the server "
                               "(INLAY_DATABASE_URL)");
    if (request->options.pooler == INLAY_POOLER_TRANSACTION && request->goal.kind == GOAL_RESET)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a reset needs the lock, which a pooler in transaction mode cannot "
                               "give: use the direct URL of the server (INLAY_DATABASE_URL)");
    if (request->options.pooler == INLAY_POOLER_TRANSACTION && request->goal.rehearses)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a rehearsal needs the migration lock, which a pooler in "
                               "transaction mode cannot give: use the direct URL of the server "
                               "(INLAY_DATABASE_URL)");
    if (request->options.pooler == INLAY_POOLER_REFUSE &&
        PQbackendPID(session->conn) != known->snapshot.backend_pid)
        return refuse_pooler(err);
    return INLAY_OK;
}

static int check_snapshot(const struct session *session, const struct request *request,
                          const struct knowledge *known, struct inlay_error *err)
{
    if (known->snapshot.in_recovery || known->snapshot.read_only)
        return refuse_read_only(known, request->goal.kind == GOAL_UP, err);
    if (check_pooler(session, request, known, err) != INLAY_OK ||
        check_tables(request, known, err) != INLAY_OK)
        return err->code;
    return INLAY_OK;
}

int inlay_admission_check(struct session *session, const struct request *request,
                          const struct knowledge *known, struct inlay_error *err)
{
    if (check_snapshot(session, request, known, err) != INLAY_OK)
        return err->code;
    return inlay_guard_asks(request, &known->snapshot)
               ? inlay_guard_look(session, request, known, err)
               : INLAY_OK;
}

/* ---- entering ---- */

static void add_query(struct admission *admission, struct message query)
{
    admission->queries[admission->before.count++] = query;
}

/* Whose role and whose settings a look at a caller's session saw is known after the reset. */
static int check_before_reset(const struct session *session, const struct request *request,
                              const struct knowledge *known, struct inlay_error *err)
{
    if (known->snapshot.in_recovery)
        return refuse_read_only(known, request->goal.kind == GOAL_UP, err);
    return check_pooler(session, request, known, err);
}

static void add_resets(const struct session *session, const struct request *request,
                       struct admission *admission)
{
    if (session->owned || request->options.pooler == INLAY_POOLER_TRANSACTION)
        return;
    for (size_t i = 0; i < inlay_reset_count; i++)
        add_query(admission, (struct message){.sql = inlay_reset_statements[i]});
    add_query(admission, (struct message){.sql = "DISCARD PLANS"});
    admission->resets = admission->before.count;
}

/* An owner is not subject to row security, and hosted platforms ask for it on every table. */
static void ask_readers(const struct request *request, const struct snapshot *now,
                        struct admission *admission)
{
    admission->asks_readers =
        now->history.exists && (now->history_shape.secured || now->state_shape.secured);
    admission->tables[0] = request->name.quoted_schema;
    admission->tables[1] = request->name.table;
    admission->tables[2] = request->name.state_table;
    if (admission->asks_readers)
        add_query(admission, (struct message){.sql = inlay_snapshot_readers_sql,
                                              .parameter_count = 3,
                                              .parameters = admission->tables});
}

static void warn_readers(const struct request *request, const PGresult *readers)
{
    for (int row = 0; row < PQntuples(readers); row++) {
        bool history = strcmp(PQgetvalue(readers, row, 0), request->name.table) == 0;
        const char *reader = inlay_result_text(readers, row, 1);
        if (reader != NULL)
            inlay_log(&request->options, INLAY_LOG_WARNING,
                      "%s has row security, which hides rows from role %s, although that may read "
                      "it: what starts as that role is refused",
                      history ? request->name.quoted : request->name.quoted_state, reader);
    }
}

bool inlay_admission_is_settled(const struct connection *connection)
{
    return connection->kept != NULL && connection->kept->limits != NULL;
}

static void add_settings(const struct limits *limits, struct admission *admission)
{
    admission->settled = inlay_admission_is_settled(admission->connection);
    if (admission->settled)
        return;
    add_query(admission, (struct message){.sql = inlay_limits_sql});
    for (size_t i = INLAY_MEANINGS; i < limits->settings; i++)
        add_query(admission, (struct message){.sql = inlay_own_settings[i].statement});
}

/* Three quarters of what the server does for a small migration would be to ask its catalogs whether
 * our tables are fit. The look that follows does; a seal that was prepared before it knows whether
 * anything has changed since (history/sql_fit.c). */
static void add_seal(const struct request *request, struct admission *admission)
{
    const struct goal *goal = &request->goal;

    if (!admission->connection->session.owned || goal->rehearses ||
        request->options.pooler == INLAY_POOLER_TRANSACTION ||
        (goal->kind != GOAL_UP && goal->kind != GOAL_TO))
        return;
    admission->seal_sql = inlay_sql_prepare_seal_ahead(&request->name);
    if (admission->seal_sql == NULL)
        return;
    add_query(admission, (struct message){.sql = admission->seal_sql});
    admission->seal = admission->before.count;
}

static bool has_both_tables(const struct snapshot *now)
{
    return now->history.exists && now->state_shape.exists;
}

int inlay_admission_take(struct admission *admission, struct inlay_error *err)
{
    PGresult *const *results = admission->results;
    size_t seal = admission->seal;
    int rc = INLAY_OK;

    if (seal > 0) {
        const PGresult *answer = results[seal - 1];
        admission->connection->seal_ready = answer != NULL && !inlay_result_failed(answer);
        rc = inlay_results_check(results, seal - 1, INLAY_E_REFUSED, err);
    }
    return rc == INLAY_OK ? inlay_results_check(results + seal, admission->before.count - seal,
                                                INLAY_E_REFUSED, err)
                          : rc;
}

void inlay_admission_go_ahead(struct connection *connection, const struct request *request,
                              struct admission *admission)
{
    *admission = (struct admission){.connection = connection, .request = request};
    admission->before = (struct questions_before){
        .queries = admission->queries, .results = admission->results, .joined = true};
    add_query(admission, (struct message){.sql = "DISCARD PLANS", .joined = true});
    add_query(admission, (struct message){.sql = "DEALLOCATE ALL", .joined = true});
    add_seal(request, admission);
}

/* What other tools left is asked last, and nothing else comes of it. */
int inlay_admission_enter(struct connection *connection, const struct request *request,
                          const struct knowledge *known, struct admission *admission,
                          struct inlay_error *err)
{
    bool bare = request->options.pooler == INLAY_POOLER_TRANSACTION;
    int version = PQserverVersion(connection->session.conn);
    int rc;

    *admission = (struct admission){.connection = connection,
                                    .request = request,
                                    .known = known,
                                    .asks_foreign = inlay_guard_asks(request, &known->snapshot)};
    admission->before =
        (struct questions_before){.queries = admission->queries, .results = admission->results};
    add_resets(&connection->session, request, admission);
    rc = admission->resets > 0 ? check_before_reset(&connection->session, request, known, err)
                               : check_snapshot(&connection->session, request, known, err);
    if (rc != INLAY_OK)
        return rc;
    connection->limits.settings = bare ? 0 : inlay_setting_count(version, known->snapshot.on_linux);
    connection->session.touched = connection->session.touched || !bare;
    add_settings(&connection->limits, admission);
    if (!admission->settled && has_both_tables(&known->snapshot))
        add_seal(request, admission);
    if (admission->asks_foreign)
        admission->queries[admission->before.count++] =
            inlay_guard_message(request, known, &admission->detect);
    ask_readers(request, &known->snapshot, admission);
    return INLAY_OK;
}

/* A round trip of its own, where role, database or client have made one of them otherwise. */
static int set_meanings(struct connection *connection, struct inlay_error *err)
{
    const struct limits *limits = &connection->limits;
    struct message queries[INLAY_MEANINGS] = {{0}};
    PGresult *results[INLAY_MEANINGS] = {0};
    size_t count = 0;

    for (size_t i = 0; i < limits->again_count && limits->again[i] < INLAY_MEANINGS; i++)
        queries[count++].sql = inlay_own_settings[limits->again[i]].statement;
    if (count == 0)
        return INLAY_OK;
    int rc =
        inlay_query_demand(&connection->session, queries, count, results, INLAY_E_REFUSED, err);
    inlay_results_clear(results, count);
    return rc;
}

int inlay_admission_entered(struct admission *admission, struct inlay_error *err)
{
    struct connection *connection = admission->connection;
    const struct request *request = admission->request;
    const struct knowledge *known = admission->known;
    size_t count = admission->before.count;
    const PGresult *limits =
        admission->settled ? connection->kept->limits : admission->results[admission->resets];
    int rc = inlay_admission_take(admission, err);

    if (rc == INLAY_OK)
        inlay_limits_read(&connection->limits, limits);
    if (rc == INLAY_OK && admission->resets > 0 &&
        !inlay_goal_reached(&known->plan, &request->goal))
        rc = check_snapshot(&connection->session, request, known, err);
    if (rc == INLAY_OK && request->goal.kind != GOAL_NONE)
        rc = inlay_limits_refuse_brought(limits, known->snapshot.database, err);
    if (rc == INLAY_OK && admission->asks_foreign)
        rc = inlay_guard_check(&connection->session, request, known, admission->results[count - 1],
                               err);
    if (rc == INLAY_OK && admission->asks_readers)
        warn_readers(request, admission->results[count - 1]);
    if (rc == INLAY_OK && !admission->settled)
        rc = set_meanings(connection, err);
    if (rc == INLAY_OK && !admission->settled && connection->kept != NULL) {
        connection->kept->limits = admission->results[admission->resets];
        admission->results[admission->resets] = NULL;
    }
    return rc;
}

int inlay_admission_ask(struct admission *admission, struct inlay_error *err)
{
    int rc = inlay_query_ask(&admission->connection->session, admission->queries,
                             admission->before.count, admission->results, err);

    return rc == INLAY_OK ? inlay_admission_entered(admission, err) : rc;
}

void inlay_admission_finish(struct admission *admission)
{
    inlay_results_clear(admission->results, admission->before.count);
    free(admission->seal_sql);
    admission->seal_sql = NULL;
}

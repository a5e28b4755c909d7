#include "run/admission.h"
#include "base/log.h"
#include "foreign/detect.h"
#include "history/sql.h"
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

static int refuse_owner(const char *current_role, const struct shape *shape, const char *quoted,
                        struct inlay_error *err)
{
    char role[132];

    inlay_text_quote(role, sizeof role, current_role, '"');
    inlay_error_set(
        err, INLAY_E_REFUSED,
        "role %s cannot migrate: %s belongs to role \"%s\", and %s is not a member of it", role,
        quoted, shape->owner, role);
    inlay_text_put(err->hint, sizeof err->hint,
                   "migrate as \"%s\", or GRANT \"%s\" TO %s, or ALTER TABLE %s OWNER TO %s;",
                   shape->owner, shape->owner, role, quoted, role);
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
    inlay_text_put(err->hint, sizeof err->hint,
                   "run as its owner or a superuser: GRANT CREATE ON SCHEMA %s TO %s; or use "
                   "another schema: --migrate-history SCHEMA.TABLE",
                   name->quoted_schema, role);
    if (strcmp(name->schema, "public") == 0)
        inlay_text_put(
            err->detail, sizeof err->detail,
            "in a database that PostgreSQL 15 or later created, only its owner may create in "
            "public");
    return err->code;
}

static int check_tables(const struct run *run, struct inlay_error *err)
{
    const struct snapshot *look = &run->known.snapshot;

    if (look->history_shape.exists && !look->history_shape.owned)
        return refuse_owner(look->role, &look->history_shape, run->request.name.quoted, err);
    if (look->state_shape.exists && !look->state_shape.owned)
        return refuse_owner(look->role, &look->state_shape, run->request.name.quoted_state, err);
    if ((!look->history.exists || inlay_prepare_needs_state(run) ||
         run->request.goal.kind == GOAL_RESET) &&
        !look->may_create)
        return refuse_create(&run->request.name, look, err);
    return INLAY_OK;
}

/* Behind a pooler libpq knows the pooler's process, not the server's. */
static int check_pooler(const struct run *run, struct inlay_error *err)
{
    if (run->request.options.pooler == INLAY_POOLER_TRANSACTION &&
        inlay_goal_leaves_transactions(&run->request.goal, &run->known.plan))
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a migration is marked no-transaction, which a pooler in "
                               "transaction mode cannot run: use the direct URL of the server "
                               "(INLAY_DATABASE_URL)");
    if (run->request.options.pooler == INLAY_POOLER_TRANSACTION &&
        run->request.goal.kind == GOAL_RESET)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a reset needs the lock, which a pooler in transaction mode cannot "
                               "give: use the direct URL of the server (INLAY_DATABASE_URL)");
    if (run->request.options.pooler == INLAY_POOLER_TRANSACTION && run->request.goal.rehearses)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "a rehearsal needs the migration lock, which a pooler in "
                               "transaction mode cannot give: use the direct URL of the server "
                               "(INLAY_DATABASE_URL)");
    if (run->request.options.pooler == INLAY_POOLER_REFUSE &&
        PQbackendPID(run->connection.session.conn) != run->known.snapshot.backend_pid)
        return refuse_pooler(err);
    return INLAY_OK;
}

/* Running 001 on a filled database is the worst that we could do. Recording what another tool has
 * done is not running it again. */
static bool foreign_matters(const struct request *request, const struct snapshot *now)
{
    return !now->history.exists && !request->options.fresh && request->goal.kind != GOAL_NONE;
}

static int check_detected(struct run *run, const PGresult *found, struct inlay_error *err)
{
    const struct plan_entry *first = inlay_plan_first(&run->known.plan, INLAY_STATE_PENDING);
    const struct detection detection = {.session = &run->connection.session,
                                        .name = &run->request.name,
                                        .now = &run->known.snapshot,
                                        .first_pending = first != NULL ? first->version : -1};

    return inlay_detect_check(&detection, found, err);
}

int inlay_admission_foreign(struct run *run, struct inlay_error *err)
{
    const char *const parameters[] = {run->request.name.schema};
    struct message query = {
        .sql = inlay_detect_sql, .parameter_count = 1, .parameters = parameters};
    PGresult *found = NULL;

    if (!foreign_matters(&run->request, &run->known.snapshot))
        return INLAY_OK;
    int rc = inlay_query_demand(&run->connection.session, &query, 1, &found, INLAY_E_REFUSED, err);
    if (rc == INLAY_OK)
        rc = check_detected(run, found, err);
    PQclear(found);
    return rc;
}

/* Does this run begin with what the build says to adopt? */
bool inlay_admission_adopts(const struct run *run)
{
    return run->request.set->adopt != NULL && run->known.snapshot.history.row_count == 0 &&
           !run->request.options.fresh &&
           (run->request.goal.kind == GOAL_UP || run->request.goal.kind == GOAL_TO) &&
           !run->request.goal.rehearses &&
           strcmp(run->request.name.text, run->request.set->history) == 0;
}

/* What the build says to adopt is looked for under the lock; a reset drops it. */
static bool asks_foreign(const struct run *run)
{
    return foreign_matters(&run->request, &run->known.snapshot) &&
           run->request.goal.kind != GOAL_RESET && !inlay_admission_adopts(run);
}

static int check_snapshot(struct run *run, struct inlay_error *err)
{
    if (run->known.snapshot.in_recovery || run->known.snapshot.read_only)
        return refuse_read_only(&run->known, run->request.goal.kind == GOAL_UP, err);
    if (check_pooler(run, err) != INLAY_OK || check_tables(run, err) != INLAY_OK)
        return err->code;
    return INLAY_OK;
}

int inlay_admission_check(struct run *run, struct inlay_error *err)
{
    if (check_snapshot(run, err) != INLAY_OK)
        return err->code;
    return asks_foreign(run) ? inlay_admission_foreign(run, err) : INLAY_OK;
}

/* ---- entering ---- */

static void add_query(struct admission *admission, struct message query)
{
    admission->queries[admission->before.count++] = query;
}

/* What other tools left is asked last, and nothing else comes of it. */
int inlay_admission_enter(struct run *run, struct admission *admission, struct inlay_error *err)
{
    bool bare = run->request.options.pooler == INLAY_POOLER_TRANSACTION;
    int version = PQserverVersion(run->connection.session.conn);

    *admission = (struct admission){.parameters = {run->request.name.schema},
                                    .asks_foreign = asks_foreign(run)};
    admission->before =
        (struct questions_before){.queries = admission->queries, .results = admission->results};
    if (check_snapshot(run, err) != INLAY_OK)
        return err->code;
    run->connection.limits.settings =
        bare ? 0 : inlay_setting_count(version, run->known.snapshot.on_linux);
    run->connection.session.touched = run->connection.session.touched || !bare;
    add_query(admission, (struct message){.sql = inlay_limits_sql});
    for (size_t i = 0; i < run->connection.limits.settings; i++)
        add_query(admission, (struct message){.sql = inlay_own_settings[i].statement});
    if (admission->asks_foreign)
        add_query(admission, (struct message){.sql = inlay_detect_sql,
                                              .parameter_count = 1,
                                              .parameters = admission->parameters});
    return INLAY_OK;
}

int inlay_admission_entered(struct run *run, struct admission *admission, struct inlay_error *err)
{
    size_t count = admission->before.count;
    int rc = inlay_results_check(admission->results, count, INLAY_E_REFUSED, err);

    if (rc == INLAY_OK)
        inlay_limits_read(&run->connection.limits, admission->results[0]);
    if (rc == INLAY_OK && admission->asks_foreign)
        rc = check_detected(run, admission->results[count - 1], err);
    return rc;
}

int inlay_admission_ask(struct run *run, struct admission *admission, struct inlay_error *err)
{
    int rc = inlay_query_ask(&run->connection.session, admission->queries, admission->before.count,
                             admission->results, err);

    return rc == INLAY_OK ? inlay_admission_entered(run, admission, err) : rc;
}

void inlay_admission_finish(struct admission *admission)
{
    inlay_results_clear(admission->results, admission->before.count);
}

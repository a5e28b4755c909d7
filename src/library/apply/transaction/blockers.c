/* Asks the server which sessions hold the locks that a migration waited for in vain, and puts
 * that into words. */
#include "apply/transaction/blockers.h"
#include "history/sql.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* The columns of blockers_sql; texts, empty where unknown. */
enum {
    BLOCKER_PID,
    BLOCKER_APPLICATION,
    BLOCKER_AGE,
    BLOCKER_LOCK,
    BLOCKER_MORE,
    BLOCKER_AUTOVACUUM
};

/* Transactions of others that hold locks on tables: those that the statement names before others,
 * old ones before young ones, the first kind that there is. $1 statement, $2 milliseconds: old.
 *
 * Not every role may see the age of other roles' transactions, which then count as old, or what
 * kind of process it is; but only an autovacuum has tables and no role. A prepared transaction has
 * no process. */
static const char blockers_sql[] =
    "WITH held AS (SELECT l.pid, COALESCE(p.gid, a.application_name) AS who,"
    " a.pid IS NOT NULL AND a.usesysid IS NULL AS vacuums,"
    " pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)"
    " COALESCE(a.xact_start, p.prepared)) AS age,"
    " CASE WHEN pg_catalog.strpos($1, c.relname::pg_catalog.text) OPERATOR(pg_catalog.>) 0"
    " THEN 2 ELSE 0 END AS named, pg_catalog.concat(l.mode, ' on ',"
    " pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)) AS lock"
    " FROM pg_catalog.pg_locks AS l"
    " JOIN pg_catalog.pg_class AS c ON c.oid" EQ "l.relation AND c.relkind"
    " OPERATOR(pg_catalog.<>) 'i' JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ
    "c.relnamespace AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'"
    " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid" EQ "l.pid"
    " LEFT JOIN (SELECT x.virtualtransaction, q.gid, q.prepared FROM pg_catalog.pg_locks AS x"
    " JOIN pg_catalog.pg_prepared_xacts AS q ON q.transaction" EQ
    "x.transactionid WHERE x.pid IS NULL) AS p ON l.pid IS NULL AND p.virtualtransaction" EQ
    "l.virtualtransaction WHERE l.granted AND l.database" EQ
    "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname" EQ
    "pg_catalog.current_database()) AND (l.pid IS NULL OR l.pid OPERATOR(pg_catalog.<>)"
    " pg_catalog.pg_backend_pid())),"
    " ranked AS (SELECT h.*, h.named OPERATOR(pg_catalog.+) CASE WHEN h.age OPERATOR(pg_catalog.*)"
    " 1000 OPERATOR(pg_catalog.<) $2::double precision THEN 0 ELSE 1 END AS rank FROM held AS h)"
    " SELECT r.pid, r.who, pg_catalog.floor(r.age), pg_catalog.min(r.lock),"
    " pg_catalog.count(*) OPERATOR(pg_catalog.-) 1, r.vacuums FROM ranked AS r WHERE r.rank" EQ
    "(SELECT pg_catalog.max(o.rank) FROM ranked AS o) GROUP BY r.pid, r.who, r.age,"
    " r.vacuums ORDER BY r.vacuums DESC, r.age DESC LIMIT 4";

/* What a statement names is found in its beginning or not at all. */
#define STATEMENT_MOST 100000

static const char *text_at(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? "" : PQgetvalue(result, row, column);
}

static bool is_autovacuum(const PGresult *result, int row)
{
    return text_at(result, row, BLOCKER_AUTOVACUUM)[0] == 't';
}

/* "pid 4711 (psql, in its transaction for 42 s) holds AccessShareLock on public.plans" */
static void describe_blocker(const PGresult *result, int row, char *buffer, size_t size)
{
    const char *pid = text_at(result, row, BLOCKER_PID);
    const char *application = text_at(result, row, BLOCKER_APPLICATION);
    const char *age = text_at(result, row, BLOCKER_AGE);
    const char *more = text_at(result, row, BLOCKER_MORE);

    inlay_text_add(buffer, size, "%s", row > 0 ? "; " : "");
    if (pid[0] != '\0')
        inlay_text_add(buffer, size, "pid %s (%s%s", pid, application,
                       application[0] != '\0' ? ", " : "");
    else
        inlay_text_add(buffer, size, "the prepared transaction \"%s\" (", application);
    if (is_autovacuum(result, row))
        inlay_text_add(buffer, size, "autovacuum)");
    else if (age[0] != '\0')
        inlay_text_add(buffer, size, "in its transaction for %s s)", age);
    else
        inlay_text_add(buffer, size, "of another role)");
    inlay_text_add(buffer, size, " holds %s", text_at(result, row, BLOCKER_LOCK));
    if (more[0] != '0')
        inlay_text_add(buffer, size, " and %s more", more);
}

/* A copy, for the bytes of a statement do not end with a NUL. */
static char *text_of(const struct step *step, const struct inlay_statement *statement)
{
    const char *text = step->script->text;

    if (statement == NULL)
        return inlay_text_new("%s", "");
    size_t most = statement->length < STATEMENT_MOST ? statement->length : STATEMENT_MOST;
    text += statement->offset;
    return inlay_text_new("%.*s", (int)inlay_text_fitting(text, most), text);
}

bool inlay_blockers_find(struct connection *connection, const struct step *step,
                         const struct inlay_statement *statement, char *buffer, size_t size)
{
    char waited[24];
    char *text = text_of(step, statement);
    const char *const parameters[] = {text, waited};
    const struct message query = {
        .sql = blockers_sql, .parameter_count = 2, .parameters = parameters};
    struct inlay_error ignored;
    PGresult *result = NULL;
    bool autovacuum = false;

    snprintf(waited, sizeof waited, "%lld",
             (long long)inlay_limit_lock(&connection->limits, step->script).ms);
    int rc = text == NULL ? INLAY_E_MEMORY
                          : inlay_query_ask(&connection->session, &query, 1, &result, &ignored);
    if (rc == INLAY_OK && !inlay_result_failed(result) && PQntuples(result) > 0) {
        buffer[0] = '\0';
        for (int row = 0; row < PQntuples(result); row++)
            describe_blocker(result, row, buffer, size);
        autovacuum = is_autovacuum(result, 0);
    }
    PQclear(result);
    free(text);
    return autovacuum;
}

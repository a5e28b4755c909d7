/* Asks pg_locks which sessions keep us from the tables of the history, or from reading others, and
 * puts that into words. */
#include "history/holders.h"
#include "history/sql.h"

/* The columns of holders_sql; all but the first two may be NULL. */
enum { HOLDER_DOES, HOLDER_MODE, HOLDER_TABLE, HOLDER_PID, HOLDER_WHO, HOLDER_AGE };

/* Those that hold a lock, and those that wait for one which keeps us out: the lock that they wait
 * for is given before ours. A prepared transaction has no process, and not every role may see how
 * old the transactions of others are. $1 $2 the tables, qualified and quoted; NULL: any, and what
 * keeps readers away */
static const char holders_sql[] =
    "SELECT CASE WHEN h.granted THEN 'holds' ELSE 'waits for' END, h.mode, " QUOTED_NAME
    ", h.pid, COALESCE(p.gid, a.application_name), pg_catalog.floor("
    "pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)"
    " COALESCE(a.xact_start, p.prepared)))"
    " FROM (SELECT DISTINCT ON (l.pid, l.virtualtransaction) l.*, pg_catalog.array_position("
    "'{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,"
    "ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'::pg_catalog.text[], l.mode)"
    " AS strength FROM pg_catalog.pg_locks AS l WHERE CASE WHEN"
    " $1::pg_catalog.text IS NULL THEN l.mode" EQ "'AccessExclusiveLock' ELSE l.relation" EQ
    "ANY (ARRAY[pg_catalog.to_regclass($1)::pg_catalog.oid, pg_catalog.to_regclass($2)"
    "::pg_catalog.oid]) END AND l.database" EQ
    "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname" EQ
    "pg_catalog.current_database()) AND (l.pid IS NULL OR l.pid OPERATOR(pg_catalog.<>)"
    " pg_catalog.pg_backend_pid()) ORDER BY l.pid, l.virtualtransaction, strength DESC) AS h"
    " JOIN pg_catalog.pg_class AS c ON c.oid" EQ "h.relation"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid" EQ "h.pid"
    " LEFT JOIN (SELECT x.virtualtransaction, q.gid, q.prepared FROM pg_catalog.pg_locks AS x"
    " JOIN pg_catalog.pg_prepared_xacts AS q ON q.transaction" EQ
    "x.transactionid WHERE x.pid IS NULL) AS p ON h.pid IS NULL AND p.virtualtransaction" EQ
    "h.virtualtransaction WHERE h.granted OR h.strength OPERATOR(pg_catalog.>) 4"
    " ORDER BY h.strength DESC, h.granted DESC, 6 DESC NULLS LAST LIMIT 3";

static void describe_holder(const PGresult *result, int row, char *buffer, size_t size)
{
    const char *pid = inlay_result_text(result, row, HOLDER_PID);
    const char *who = inlay_result_text(result, row, HOLDER_WHO);
    const char *age = inlay_result_text(result, row, HOLDER_AGE);

    who = who != NULL ? who : "";
    inlay_text_add(buffer, size, "%s", row > 0 ? "; " : "");
    if (pid != NULL)
        inlay_text_add(buffer, size, "pid %s (%s%s", pid, who, who[0] != '\0' ? ", " : "");
    else
        inlay_text_add(buffer, size, "the prepared transaction \"%s\" (", who);
    if (age != NULL)
        inlay_text_add(buffer, size, "in its transaction for %s s)", age);
    else
        inlay_text_add(buffer, size, "of another role)");
    inlay_text_add(buffer, size, " %s %s on %s", PQgetvalue(result, row, HOLDER_DOES),
                   PQgetvalue(result, row, HOLDER_MODE), PQgetvalue(result, row, HOLDER_TABLE));
}

const char inlay_holders_hint[] =
    "let it finish and run again; to end a hanging session: SELECT pg_terminate_backend(PID);";

int inlay_holders_refuse(const char *what, const char *holders, struct inlay_error *err)
{
    char said[sizeof err->message];

    inlay_text_put(said, sizeof said, "%s", err->message);
    inlay_error_set(err, INLAY_E_LOCKED, "a lock on %s was not obtained in time", what);
    inlay_text_put(err->detail, sizeof err->detail, "%s", holders[0] != '\0' ? holders : said);
    inlay_text_put(err->hint, sizeof err->hint, "%s", inlay_holders_hint);
    return err->code;
}

/* A cancel that was meant for what waited may come late and hit this: it is asked once more. */
int inlay_holders_ask(struct session *session, const struct history_name *name, char *buffer,
                      size_t size, struct inlay_error *err)
{
    const char *const tables[] = {name != NULL ? name->quoted : NULL,
                                  name != NULL ? name->quoted_state : NULL};
    const struct message query = {.sql = holders_sql, .parameter_count = 2, .parameters = tables};
    PGresult *result = NULL;
    int rc = inlay_query_ask(session, &query, 1, &result, err);

    if (rc == INLAY_E_LOCKED || (rc == INLAY_OK && inlay_result_has_state(result, "57014"))) {
        PQclear(result);
        rc = inlay_query_ask(session, &query, 1, &result, err);
    }
    buffer[0] = '\0';
    for (int row = 0; rc == INLAY_OK && !inlay_result_failed(result) && row < PQntuples(result);
         row++)
        describe_holder(result, row, buffer, size);
    PQclear(result);
    return rc == INLAY_E_LOCKED ? INLAY_OK : rc;
}

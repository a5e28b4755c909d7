/* The statements that take and release the migration lock, and the check that it is still held.
 * Waiting for it is in run/turn.c. */
#include "history/lock.h"
#include "base/log.h"
#include "history/sql.h"
#include "wire/query.h"

#include <stdio.h>

const char inlay_lock_try_sql[] = "SELECT pg_catalog.pg_try_advisory_lock($1::bigint)";

const char inlay_lock_release_sql[] = "SELECT pg_catalog.pg_advisory_unlock($1::bigint)";

/* pg_locks shows a 64-bit key as two halves. */
#define LOCK_IS_OURS                                                                               \
    "l.locktype" EQ "'advisory'::pg_catalog.text AND l.granted AND l.objsubid" EQ                  \
    "1 AND l.database" EQ "(SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname" EQ      \
    "pg_catalog.current_database()) AND l.classid" EQ                                              \
    "(($1::bigint OPERATOR(pg_catalog.>>) 32) OPERATOR(pg_catalog.&) 4294967295)"                  \
    "::pg_catalog.oid AND l.objid" EQ                                                              \
    "($1::bigint OPERATOR(pg_catalog.&) 4294967295)::pg_catalog.oid"

const char inlay_lock_holder_sql[] =
    "SELECT l.pid, a.application_name, pg_catalog.host(a.client_addr),"
    " pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)"
    " a.backend_start)::bigint,"
    " pg_catalog.jsonb_array_element_text(pg_catalog.jsonb_build_array(a.backend_start), 0),"
    " CASE WHEN NOT a.query OPERATOR(pg_catalog.~~) '<insufficient privilege>' THEN pg_catalog."
    "\"left\"(pg_catalog.split_part(pg_catalog.ltrim(a.query, E' \\t\\r\\n'), E'\\n', 1), 200) END"
    " FROM pg_catalog.pg_locks AS l"
    " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid" EQ "l.pid WHERE " LOCK_IS_OURS;

/* One row where this session holds it. */
static const char holding_sql[] = "SELECT 1 FROM pg_catalog.pg_locks AS l WHERE l.pid" EQ
                                  "pg_catalog.pg_backend_pid() AND " LOCK_IS_OURS;

struct message inlay_lock_message(const struct history_name *name, const char *sql,
                                  struct lock_key *key)
{
    snprintf(key->text, sizeof key->text, "%lld", (long long)name->lock_key);
    key->parameters[0] = key->text;
    return (struct message){.sql = sql, .parameter_count = 1, .parameters = key->parameters};
}

/* Cancelled in our stead, it is said once more at the end. */
void inlay_lock_released(struct lock *lock, const PGresult *result)
{
    if (inlay_result_has_state(result, "57014"))
        return;
    lock->held = false;
    if (inlay_result_failed(result))
        inlay_log(lock->session->options, INLAY_LOG_WARNING,
                  "the migration lock of %s is held until this connection ends: %s",
                  lock->name->text, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    else if (PQgetvalue(result, 0, 0)[0] != 't')
        inlay_log(lock->session->options, INLAY_LOG_WARNING,
                  "a migration released the migration lock of %s before the end of the run",
                  lock->name->text);
}

void inlay_lock_release(struct lock *lock)
{
    struct lock_key key;
    struct message query = inlay_lock_message(lock->name, inlay_lock_release_sql, &key);
    struct inlay_error ignored;
    PGresult *result = NULL;

    lock->held = false;
    if (lock->session->conn == NULL)
        return;
    if (inlay_query_insist(lock->session, &query, &result, &ignored) == INLAY_OK)
        inlay_lock_released(lock, result);
    PQclear(result);
}

int inlay_lock_verify(struct lock *lock, struct inlay_error *err)
{
    struct lock_key key;
    struct message query = inlay_lock_message(lock->name, holding_sql, &key);
    PGresult *result = NULL;
    int rc = inlay_query_persist(lock->session, &query, 1, &result, err);

    if (rc == INLAY_OK && PQntuples(result) == 0) {
        rc = inlay_error_set(err, INLAY_E_LOCKED,
                             "a migration of this run released the migration lock of %s "
                             "(pg_advisory_unlock_all?)",
                             lock->name->text);
        lock->held = false;
    }
    if (rc == INLAY_E_FAILED)
        inlay_text_add(err->context, sizeof err->context,
                       "while looking whether the migration lock of %s is still held",
                       lock->name->text);
    PQclear(result);
    return rc;
}

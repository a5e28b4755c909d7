/* Looks at an index that is built or dropped CONCURRENTLY, and drops one that an earlier attempt
 * left INVALID. */
#include "apply/stepwise/index.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "history/sql.h"

#include <stdlib.h>

/* The columns of inlay_index_sql. */
enum {
    INDEX_NAME,     /* qualified and quoted */
    INDEX_IS_VALID, /* NULL: there is no such index */
    INDEX_DEFINITION,
    INDEX_BUILDER /* pid of another session that builds an index on its table, or NULL */
};

/* An index has no schema of its own: it is made in its table's. Names as written are taken apart by
 * the server, which also cuts them as it cut them then. Whose progress is hidden from us still
 * shows its pid, and holds a lock on the table from the first transaction of the build to the last.
 *
 * $1 table as written, $2 index as written: a row where the table exists. $1 NULL, $2 qualified as
 * it should be: a row where that exists. */
const char inlay_index_sql[] =
    "SELECT pg_catalog.format('%I.%I', n.nspname, w.name),"
    " i.indisvalid AND i.indisready AND i.indislive, pg_catalog.pg_get_indexdef(i.indexrelid),"
    " (SELECT l.pid FROM pg_catalog.pg_locks AS l"
    " JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid" EQ
    "l.pid WHERE l.granted AND l.relation" EQ "COALESCE(w.rel, i.indrelid) AND p.datname" EQ
    "pg_catalog.current_database() AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
    " LIMIT 1)"
    " FROM (SELECT t.oid AS rel, t.relnamespace AS ns,"
    " p.parts[pg_catalog.cardinality(p.parts)]::pg_catalog.name AS name"
    " FROM pg_catalog.pg_class AS t, pg_catalog.parse_ident($2) AS p (parts)"
    " WHERE t.oid" EQ "pg_catalog.to_regclass($1)"
    " UNION ALL SELECT NULL, x.relnamespace, x.relname FROM pg_catalog.pg_class AS x"
    " WHERE $1 IS NULL AND x.oid" EQ "pg_catalog.to_regclass($2)) AS w"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "w.ns"
    " LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_index AS i ON i.indexrelid" EQ
    "c.oid AND c.relkind" EQ "'i') ON c.relnamespace" EQ "w.ns AND c.relname" EQ "w.name"
    " AND (w.rel IS NULL OR i.indrelid" EQ "w.rel)";

/* Those of a TOAST table are in a schema that only a superuser may look into; the server names them
 * itself when it goes over the table again. */
/* Names of what a broken REINDEX CONCURRENTLY left: $1 table, $2 index, as written, one of them
 * NULL. */
static const char leftovers_sql[] =
    "SELECT " QUOTED_NAME " FROM pg_catalog.pg_index AS i"
    " JOIN pg_catalog.pg_class AS c ON c.oid" EQ
    "i.indexrelid AND c.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " WHERE NOT i.indisvalid AND i.indrelid" EQ
    "COALESCE(pg_catalog.to_regclass($1)::pg_catalog.oid,"
    " (SELECT x.indrelid FROM pg_catalog.pg_index AS x WHERE x.indexrelid" EQ
    "pg_catalog.to_regclass($2)))";

/* In schemas: from the dependencies that DROP SCHEMA follows too, less what belongs to an extension
 * ('e'), is a part of something else ('i') or goes with a column ('a'). The owner of a schema may
 * drop all that is in it; an object without an entry is owned by a role that cannot be dropped, the
 * first superuser (10).
 *
 * Besides: what this very role owns, because a superuser is in every role and did not make
 * everything. Extensions without CASCADE, which would take along what is not ours, and in one
 * statement, because they may need each other. Schemas without it too: nothing is left in them. */

#define BUILDER_POLL_MS 200

static int ask_index(struct session *session, const struct message *query, PGresult **result,
                     struct inlay_error *err)
{
    return inlay_query_persist(session, query, 1, result, err);
}

static void read_look(const PGresult *result, struct index_look *look)
{
    *look = (struct index_look){.state = INDEX_ABSENT};
    if (PQntuples(result) == 0)
        return;
    if (!PQgetisnull(result, 0, INDEX_IS_VALID))
        look->state = PQgetvalue(result, 0, INDEX_IS_VALID)[0] == 't' ? INDEX_VALID : INDEX_INVALID;
    inlay_text_put(look->name, sizeof look->name, "%s", PQgetvalue(result, 0, INDEX_NAME));
    inlay_text_put(look->definition, sizeof look->definition, "%s",
                   PQgetvalue(result, 0, INDEX_DEFINITION));
    inlay_text_put(look->builder, sizeof look->builder, "%s", PQgetvalue(result, 0, INDEX_BUILDER));
}

int inlay_index_look(struct session *session, const char *table, const char *index,
                     struct index_look *look, struct inlay_error *err)
{
    const char *const names[] = {table, index};
    const struct message query = {
        .sql = inlay_index_sql, .parameter_count = 2, .parameters = names};
    PGresult *result = NULL;
    int rc = ask_index(session, &query, &result, err);

    if (rc == INLAY_OK)
        read_look(result, look);
    PQclear(result);
    return rc;
}

static int refuse_builder(const struct index_look *look, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_LOCKED, "pid %s builds an index on the table of %s", look->builder,
                    look->name);
    inlay_text_put(err->hint, sizeof err->hint,
                   "let it finish and run again, or end it: SELECT pg_terminate_backend(%s);",
                   look->builder);
    return err->code;
}

static int look_when_quiet(struct session *session, const char *table, const char *index,
                           struct index_look *look, struct inlay_error *err)
{
    int64_t deadline = inlay_clock_after(inlay_patience_for_lock(session->options));
    int rc = inlay_index_look(session, table, index, look, err);

    if (rc == INLAY_OK && look->builder[0] != '\0')
        inlay_log(session->options, INLAY_LOG_INFO,
                  "waiting for pid %s, which builds an index on the table of %s", look->builder,
                  look->name);
    while (rc == INLAY_OK && look->builder[0] != '\0') {
        if (inlay_clock_ms() >= deadline)
            return refuse_builder(look, err);
        rc = inlay_wire_sleep(session, BUILDER_POLL_MS, err);
        if (rc == INLAY_OK)
            rc = inlay_index_look(session, table, index, look, err);
    }
    return rc;
}

static int drop_index(struct session *session, const char *name, struct inlay_error *err)
{
    char *sql = inlay_text_new("DROP INDEX CONCURRENTLY IF EXISTS %s", name);
    const struct message query = {.sql = sql};
    PGresult *result = NULL;

    if (sql == NULL)
        return inlay_error_memory(err);
    inlay_log(session->options, INLAY_LOG_INFO,
              "%s: dropping the INVALID index %s, which an earlier try left", session->label, name);
    /* It waits for the transactions of others by its nature. */
    int rc = inlay_query_execute(session, &query, 1, &result, err);
    if (rc == INLAY_OK)
        rc = inlay_results_check(&result, 1, INLAY_E_FAILED, err);
    PQclear(result);
    free(sql);
    return rc;
}

int inlay_index_make_room(struct session *session, const char *table, const char *index,
                          struct index_look *look, struct inlay_error *err)
{
    int rc = look_when_quiet(session, table, index, look, err);

    if (rc == INLAY_OK && look->state == INDEX_INVALID) {
        rc = drop_index(session, look->name, err);
        look->state = INDEX_ABSENT;
    }
    return rc;
}

int inlay_index_drop_leftovers(struct session *session, const struct inlay_statement *statement,
                               struct inlay_error *err)
{
    const char *const names[] = {statement->table, statement->index};
    const struct message query = {.sql = leftovers_sql, .parameter_count = 2, .parameters = names};
    struct index_look look;
    PGresult *found = NULL;
    int rc = ask_index(session, &query, &found, err);

    for (int row = 0; rc == INLAY_OK && row < PQntuples(found); row++)
        rc = inlay_index_make_room(session, NULL, PQgetvalue(found, row, 0), &look, err);
    PQclear(found);
    return rc;
}

#include "apply/stepwise/index.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "history/sql.h"
#include "run/turn.h"

#include <stdlib.h>

#define POLL_MS 200

static int ask(struct run *run, const struct message *query, PGresult **result,
               struct inlay_error *err)
{
    return inlay_session_demand(&run->session, query, 1, result, INLAY_E_FAILED, err);
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

int inlay_index_look(struct run *run, const char *table, const char *index, struct index_look *look,
                     struct inlay_error *err)
{
    const char *const names[] = {table, index};
    const struct message query = {
        .sql = inlay_sql_index, .parameter_count = 2, .parameters = names};
    PGresult *result = NULL;
    int rc = ask(run, &query, &result, err);

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

static int look_when_quiet(struct run *run, const char *table, const char *index,
                           struct index_look *look, struct inlay_error *err)
{
    int64_t deadline = inlay_clock_ms() + inlay_patience_for_lock(&run->options);
    int rc = inlay_index_look(run, table, index, look, err);

    if (rc == INLAY_OK && look->builder[0] != '\0')
        inlay_log(&run->options, INLAY_LOG_INFO,
                  "waiting for pid %s, which builds an index on the table of %s", look->builder,
                  look->name);
    while (rc == INLAY_OK && look->builder[0] != '\0') {
        if (inlay_clock_ms() >= deadline)
            return refuse_builder(look, err);
        rc = inlay_wire_sleep(&run->session, POLL_MS, err);
        if (rc == INLAY_OK)
            rc = inlay_index_look(run, table, index, look, err);
    }
    return rc;
}

static int drop(struct run *run, const char *name, struct inlay_error *err)
{
    char *sql = inlay_text_new("DROP INDEX CONCURRENTLY IF EXISTS %s", name);
    const struct message query = {.sql = sql};
    PGresult *result = NULL;

    if (sql == NULL)
        return inlay_error_memory(err);
    inlay_log(&run->options, INLAY_LOG_INFO,
              "%s: dropping the INVALID index %s, which an earlier try left", run->session.label,
              name);
    int rc = ask(run, &query, &result, err);
    PQclear(result);
    free(sql);
    return rc;
}

int inlay_index_make_room(struct run *run, const char *table, const char *index,
                          struct index_look *look, struct inlay_error *err)
{
    int rc = look_when_quiet(run, table, index, look, err);

    if (rc == INLAY_OK && look->state == INDEX_INVALID) {
        rc = drop(run, look->name, err);
        look->state = INDEX_ABSENT;
    }
    return rc;
}

int inlay_index_drop_leftovers(struct run *run, const struct inlay_statement *statement,
                               struct inlay_error *err)
{
    const char *const names[] = {statement->table, statement->index};
    const struct message query = {
        .sql = inlay_sql_leftovers, .parameter_count = 2, .parameters = names};
    struct index_look look;
    PGresult *found = NULL;
    int rc = ask(run, &query, &found, err);

    for (int row = 0; rc == INLAY_OK && row < PQntuples(found); row++)
        rc = inlay_index_make_room(run, NULL, PQgetvalue(found, row, 0), &look, err);
    PQclear(found);
    return rc;
}

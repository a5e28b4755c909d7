#include "tables.h"
#include "gate.h"
#include "log.h"
#include "sql.h"

#include <stdlib.h>
#include <string.h>

/* What a history of another hand may lack. applied_at is not filled for the rows that are there:
 * nobody knows when they were applied. */
static const struct {
    size_t type; /* index in shape.types */
    const char *definition;
} optional_columns[] = {
    {2, "applied_at pg_catalog.timestamptz"},
    {3, "checksum pg_catalog.text"},
    {4, "batch bigint"},
    {5, "elapsed_ms bigint"},
};

enum { STATEMENTS_MAX = 8, RACES_MAX = 3 };

struct statements {
    char *texts[STATEMENTS_MAX];
    size_t count;
};

static void add(struct statements *statements, char *text)
{
    statements->texts[statements->count++] = text;
}

static struct statements list_missing(const struct run *run)
{
    const struct look *look = &run->look;
    struct statements list = {0};

    if (!look->schema_exists)
        add(&list, inlay_text_new("CREATE SCHEMA %s", run->name.quoted_schema));
    if (!look->history.exists)
        add(&list, inlay_sql_create_history(&run->name));
    for (size_t i = 0; look->history.exists && i < 4; i++)
        if (look->history_shape.types[optional_columns[i].type] == 0)
            add(&list, inlay_sql_add_column(&run->name, optional_columns[i].definition));
    if (inlay_gate_needs_state(run))
        add(&list, inlay_sql_create_state(&run->name));
    return list;
}

/* Every message is asked for with a Sync of its own, so the transaction is an explicit one: where
 * one statement fails the following fail too, and COMMIT rolls back. */
static int run_statements(struct run *run, const struct statements *list, bool begun,
                          struct inlay_error *err)
{
    struct message queries[STATEMENTS_MAX + 2] = {{.sql = "BEGIN"}};
    PGresult *results[STATEMENTS_MAX + 2] = {0};
    size_t count = begun ? list->count : list->count + 2;

    for (size_t i = 0; i < list->count; i++) {
        if (list->texts[i] == NULL)
            return inlay_error_memory(err);
        queries[i + 1].sql = list->texts[i];
    }
    queries[list->count + 1].sql = "COMMIT";
    int rc =
        inlay_session_demand(&run->session, queries + begun, count, results, INLAY_E_REFUSED, err);
    if (rc == INLAY_E_REFUSED)
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "the history %s could not be prepared; nothing was changed", run->name.text);
    inlay_session_clear(results, count);
    return rc;
}

static int ensure(struct run *run, bool begun, struct inlay_error *err)
{
    struct statements list = list_missing(run);
    int rc = INLAY_OK;

    if (list.count > 0) {
        inlay_log(&run->options, INLAY_LOG_INFO, "%s the history %s",
                  run->look.history.exists ? "completing" : "creating", run->name.text);
        rc = run_statements(run, &list, begun, err);
        run->unmade += rc != INLAY_OK;
    }
    for (size_t i = 0; i < list.count; i++)
        free(list.texts[i]);
    return rc;
}

int inlay_tables_ensure(struct run *run, struct inlay_error *err)
{
    return ensure(run, false, err);
}

int inlay_tables_ensure_inside(struct run *run, struct inlay_error *err)
{
    return ensure(run, true, err);
}

/* Without the lock somebody else may make the tables at the same moment; theirs will do. 23505
 * comes from the catalogs themselves, 42710 from the type that a table brings: or from a type that
 * has nothing to do with us, and stays where it is. */
bool inlay_tables_lost_race(const struct run *run, const struct inlay_error *err)
{
    static const char *const states[] = {"23505", "42701", "42710", "42P06", "42P07"};

    if (run->unmade > RACES_MAX)
        return false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return run->options.pooler == INLAY_POOLER_TRANSACTION;
    return false;
}

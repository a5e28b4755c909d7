#include "history/tables.h"
#include "base/log.h"
#include "history/sql.h"
#include "run/admission.h"

#include <stdlib.h>
#include <string.h>

enum { RACES_MAX = 3 };

static void add(struct tables *tables, char *text)
{
    tables->texts[tables->count++] = text;
}

int inlay_tables_list(const struct run *run, struct tables *tables, struct inlay_error *err)
{
    const struct snapshot *look = &run->known.snapshot;

    *tables = (struct tables){.count = 0};
    if (!look->schema_exists)
        add(tables, inlay_text_new("CREATE SCHEMA %s", run->request.name.quoted_schema));
    if (!look->history.exists)
        add(tables, inlay_sql_create_history(&run->request.name));
    for (size_t i = 0; look->history.exists && i < COLUMNS_COUNT; i++)
        if (!inlay_history_columns[i].required && look->history_shape.types[i] == 0)
            add(tables, inlay_sql_add_column(&run->request.name, &inlay_history_columns[i]));
    if (inlay_gate_needs_state(run))
        add(tables, inlay_sql_create_state(&run->request.name));
    for (size_t i = 0; i < tables->count; i++)
        if (tables->texts[i] == NULL)
            return inlay_error_memory(err);
    return INLAY_OK;
}

void inlay_tables_free(struct tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        free(tables->texts[i]);
    tables->count = 0;
}

size_t inlay_tables_messages(const struct tables *tables)
{
    return tables->count > 0 ? tables->count + 2 : 0;
}

const char *inlay_tables_message(const struct tables *tables, size_t index)
{
    if (index == 0)
        return "BEGIN";
    return index <= tables->count ? tables->texts[index - 1] : "COMMIT";
}

void inlay_tables_announce(const struct run *run, const struct tables *tables)
{
    if (tables->count > 0)
        inlay_log(&run->request.options, INLAY_LOG_INFO, "%s the history %s",
                  run->known.snapshot.history.exists ? "completing" : "creating",
                  run->request.name.text);
}

int inlay_tables_refuse(struct run *run, struct inlay_error *err)
{
    run->unmade++;
    inlay_text_put(err->outcome, sizeof err->outcome,
                   "the history %s could not be prepared; nothing was changed",
                   run->request.name.text);
    return err->code;
}

/* Every message is asked for with a Sync of its own, so the transaction is an explicit one: where
 * one statement fails the following fail too, and COMMIT rolls back. */
static int run_statements(struct run *run, const struct tables *tables, bool begun,
                          struct inlay_error *err)
{
    struct message queries[TABLES_MOST + 2] = {{.sql = NULL}};
    PGresult *results[TABLES_MOST + 2] = {0};
    size_t count = begun ? tables->count : inlay_tables_messages(tables);

    for (size_t i = 0; i < count; i++)
        queries[i].sql = inlay_tables_message(tables, i + begun);
    int rc = inlay_session_demand(&run->connection.session, queries, count, results,
                                  INLAY_E_REFUSED, err);
    inlay_results_clear(results, count);
    return rc;
}

static int ensure(struct run *run, bool begun, struct inlay_error *err)
{
    struct tables tables;
    int rc = inlay_tables_list(run, &tables, err);

    if (rc == INLAY_OK && tables.count > 0) {
        inlay_tables_announce(run, &tables);
        rc = run_statements(run, &tables, begun, err);
        if (rc == INLAY_E_REFUSED)
            rc = inlay_tables_refuse(run, err);
    }
    inlay_tables_free(&tables);
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
            return run->request.options.pooler == INLAY_POOLER_TRANSACTION;
    return false;
}

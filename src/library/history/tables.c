/* Lists what is missing of our tables, and makes it in one transaction. */
#include "history/tables.h"
#include "history/sql.h"
#include "wire/query.h"

#include <stdlib.h>

static void add_text(struct tables *tables, char *text)
{
    tables->texts[tables->count++] = text;
}

int inlay_tables_list(const struct history_name *name, const struct snapshot *now, bool state,
                      struct tables *tables, struct inlay_error *err)
{
    *tables = (struct tables){.name = name};
    if (!now->schema_exists)
        add_text(tables, inlay_text_new("CREATE SCHEMA %s", name->quoted_schema));
    if (!now->history.exists)
        add_text(tables, inlay_sql_create_history(name));
    for (size_t i = 0; now->history.exists && i < HISTORY_COLUMNS; i++)
        if (!inlay_history_columns[i].required && now->history_shape.types[i] == 0)
            add_text(tables, inlay_sql_add_column(name, &inlay_history_columns[i]));
    if (state)
        add_text(tables, inlay_sql_create_state(name));
    if (tables->count > 0)
        add_text(tables, inlay_sql_demand_fit(name, state || now->state_shape.exists));
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

int inlay_tables_refuse(const struct tables *tables, const PGresult *result,
                        struct inlay_error *err)
{
    struct unfit unfit;

    if (!inlay_shape_unfit(result, tables->name, &unfit))
        return inlay_result_error(result, INLAY_E_REFUSED, err);
    inlay_error_set(err, INLAY_E_REFUSED, "%s %s, from the moment it is made", unfit.quoted,
                    unfit.what);
    inlay_text_put(err->hint, sizeof err->hint,
                   "an event trigger changes new tables (\\dy in psql lists them): let it leave "
                   "this one alone");
    return err->code;
}

/* Every message is asked for with a Sync of its own, so the transaction is an explicit one: where
 * one statement fails the following fail too, and COMMIT rolls back. */
int inlay_tables_make(struct session *session, const struct tables *tables, bool begun,
                      struct inlay_error *err)
{
    struct message queries[TABLES_MOST + 2] = {{.sql = NULL}};
    PGresult *results[TABLES_MOST + 2] = {0};
    size_t count = begun ? tables->count : inlay_tables_messages(tables);

    if (count == 0)
        return INLAY_OK;
    for (size_t i = 0; i < count; i++)
        queries[i].sql = inlay_tables_message(tables, i + begun);
    int rc = inlay_query_ask(session, queries, count, results, err);
    for (size_t i = 0; i < count && rc == INLAY_OK; i++)
        if (inlay_result_failed(results[i]))
            rc = inlay_tables_refuse(tables, results[i], err);
    inlay_results_clear(results, count);
    return rc;
}

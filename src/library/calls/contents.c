/* inlay_contents_read: what a reset would drop, asked for. */
#include "calls/holdings.h"
#include "calls/reset.h"
#include "history/sql.h"
#include "run/admission.h"

#include <stdlib.h>
#include <string.h>

/* What the public struct points into: the caller gets its first member. */
struct owned_contents {
    struct inlay_contents contents;
    struct run run;
    PGresult *holdings;
    struct inlay_schema_contents *schemas;
    char besides[1024];
};

static const char *value(const struct owned_contents *owned, int row, int column)
{
    return PQgetvalue(owned->holdings, row, column);
}

/* Is this one of those words? */
static bool is_in(const char *words, const char *type)
{
    return strstr(words, type) != NULL;
}

/* Which of a schema's counts this object belongs to. */
static int64_t *count_of(struct inlay_schema_contents *schema, const char *type)
{
    if (is_in("foreign table", type))
        return &schema->tables;
    if (is_in("materialized view", type))
        return &schema->views;
    if (is_in("function procedure aggregate", type))
        return &schema->functions;
    return strcmp(type, "type") == 0 ? &schema->types : &schema->others;
}

static void count_object(struct owned_contents *owned, const char *type, const char *schema_name,
                         const char *rows)
{
    int64_t estimate;

    for (size_t i = 0; i < owned->contents.schema_count; i++) {
        struct inlay_schema_contents *schema = &owned->schemas[i];
        if (schema->name == NULL || strcmp(schema->name, schema_name) != 0)
            continue;
        ++*count_of(schema, type);
        if (inlay_text_number(rows, &estimate))
            schema->rows += estimate;
    }
}

static void count_row(struct owned_contents *owned, int row)
{
    const char *type = value(owned, row, HOLDING_TYPE);
    const char *name = value(owned, row, HOLDING_NAME);

    if (is_in("publication server extension subscription", type))
        inlay_text_add(owned->besides, sizeof owned->besides, "%s%s %s",
                       owned->besides[0] != '\0' ? ", " : "", type, name);
    else if (strcmp(type, "schema") != 0)
        count_object(owned, type, name, value(owned, row, HOLDING_ROWS));
}

static void add_schema(struct owned_contents *owned, int row)
{
    if (strcmp(value(owned, row, HOLDING_TYPE), "schema") == 0)
        owned->schemas[owned->contents.schema_count++] = (struct inlay_schema_contents){
            .name = value(owned, row, HOLDING_NAME),
            .stays = PQgetisnull(owned->holdings, row, HOLDING_DROP)};
}

static int fill(struct owned_contents *owned, struct inlay_error *err)
{
    int count = PQntuples(owned->holdings);

    owned->schemas = calloc((size_t)count + 1, sizeof *owned->schemas);
    if (owned->schemas == NULL)
        return inlay_error_memory(err);
    for (int row = 0; row < count; row++)
        add_schema(owned, row);
    for (int row = 0; row < count; row++)
        count_row(owned, row);
    owned->contents.schemas = owned->schemas;
    owned->contents.database = owned->run.known.snapshot.database;
    owned->contents.role = owned->run.known.snapshot.role;
    owned->contents.besides = owned->besides;
    return INLAY_OK;
}

/* What inlay_reset would refuse with. */
static int judge(struct owned_contents *owned, struct inlay_error *verdict)
{
    inlay_error_clear(verdict);
    int rc = inlay_gate(&owned->run, verdict);
    if (rc == INLAY_OK)
        rc = inlay_reset_verdict(&owned->run, owned->holdings, verdict);
    return rc == INLAY_E_REFUSED ? INLAY_OK : rc;
}

static int read_contents(struct owned_contents *owned, struct inlay_error *err)
{
    struct run *run = &owned->run;
    int rc = inlay_run_connect(run, run->request.options.connect_wait_ms, err);

    if (rc == INLAY_OK)
        rc = inlay_run_look(run, SNAPSHOT_ONLY, err);
    if (rc == INLAY_OK)
        rc = inlay_reset_ask(run, &owned->holdings, err);
    if (rc == INLAY_OK)
        rc = fill(owned, err);
    if (rc == INLAY_OK) {
        rc = judge(owned, &owned->contents.verdict);
        if (rc != INLAY_OK)
            *err = owned->contents.verdict;
    }
    return inlay_run_disconnect(run, rc, err);
}

int inlay_contents_read(const struct inlay_set *set, const struct inlay_options *options,
                        struct inlay_contents **contents, struct inlay_error *err)
{
    struct owned_contents *owned = calloc(1, sizeof *owned);
    struct inlay_error own;

    inlay_error_clear(&own);
    if (owned == NULL)
        return inlay_error_give(inlay_error_memory(&own), &own, err);
    int rc = inlay_run_begin(&owned->run, set, options, &own);
    owned->run.request.goal.kind = GOAL_RESET;
    if (rc == INLAY_OK)
        rc = inlay_reset_check_set(set, &own);
    if (rc == INLAY_OK)
        rc = read_contents(owned, &own);
    if (rc == INLAY_OK)
        *contents = &owned->contents;
    else
        inlay_contents_free(&owned->contents);
    return inlay_error_give(rc, &own, err);
}

void inlay_contents_free(struct inlay_contents *contents)
{
    struct owned_contents *owned = (struct owned_contents *)contents;

    if (owned == NULL)
        return;
    inlay_run_end(&owned->run);
    PQclear(owned->holdings);
    free(owned->schemas);
    free(owned);
}

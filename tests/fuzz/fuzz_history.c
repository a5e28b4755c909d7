/* What both tables hold, as far as their columns let it: on a line with a version in front a row of
 * the history, its values with a tab between them; on any other a row of the state table. \N is
 * SQL's NULL. Read, planned and judged beside a set. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "apply/stepwise/progress.h"
#include "history/snapshot.h"
#include "history/sql.h"
#include "plan/merge.h"
#include "plan/plan.h"
#include "plan/verdict.h"

enum { ROWS_MOST = 32, COLUMNS = 6, FIELDS_MOST = 16 };

struct row {
    char *line;
    const char *values[COLUMNS];
};

static struct row history_rows[ROWS_MOST];
static struct row state_rows[ROWS_MOST];
static int history_count;
static int state_count;

/* ---- the server's part ---- */

struct field {
    char *name;
    Oid type;
};

static PGresult *make_result(const struct field *columns, int count)
{
    PGresAttDesc described[FIELDS_MOST] = {{.name = NULL}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char name[] = "column";

    for (int i = 0; i < count; i++)
        described[i] = (PGresAttDesc){.name = columns != NULL ? columns[i].name : name,
                                      .columnid = i + 1,
                                      .typid = columns != NULL ? columns[i].type : 0};
    fuzz_require(PQsetResultAttrs(result, count, described) != 0, "there is memory");
    return result;
}

static void put_row(PGresult *result, int row, const char *const *values, int count)
{
    for (int i = 0; i < count; i++) {
        char *value = values[i] != NULL ? fuzz_join(values[i], NULL) : NULL;
        int length = value != NULL ? (int)strlen(value) : -1;
        fuzz_require(PQsetvalue(result, row, i, value, length) != 0, "there is memory");
        free(value);
    }
}

static PGresult *make_rows(const struct field *columns, const struct row *rows, int count)
{
    PGresult *result = make_result(columns, COLUMNS);

    for (int i = 0; i < count; i++)
        put_row(result, i, rows[i].values, COLUMNS);
    return result;
}

static PGresult *make_facts(void)
{
    /* The backend's PID, is it in recovery, read-only, database, role, is the schema there, may we
     * create, what the server is. */
    static const char *const facts[] = {"7", "f", "off", "app", "me", "t", "t", "on linux"};
    int count = sizeof facts / sizeof facts[0];
    PGresult *result = make_result(NULL, count);

    put_row(result, 0, facts, count);
    return result;
}

static PGresult *make_shapes(void)
{
    static const char *const history[] = {"h", "r", "p", "f", "f", "f", "f", "f", "t", "me", "{1}"};
    static const char *const state[] = {"h_state", "r", "p", "f",  "f",        "f",
                                        "f",       "f", "t", "me", "{\"1 2\"}"};
    int count = sizeof history / sizeof history[0];
    PGresult *result = make_result(NULL, count);

    put_row(result, 0, history, count);
    put_row(result, 1, state, count);
    return result;
}

static char texts[][12] = {"version", "name", "applied_at", "checksum", "batch", "elapsed_ms",
                           "kind",    "key",  "done",       "body",     "at"};
static const struct field history_columns[COLUMNS] = {{texts[0], 20},   {texts[1], 25},
                                                      {texts[2], 1184}, {texts[3], 25},
                                                      {texts[4], 20},   {texts[5], 20}};
static const struct field state_columns[COLUMNS] = {{texts[6], 25}, {texts[7], 25},
                                                    {texts[3], 25}, {texts[8], 20},
                                                    {texts[9], 25}, {texts[10], 1184}};

int __wrap_inlay_query_ask(struct session *session, const struct message *queries, size_t count,
                           PGresult **results, struct inlay_error *err);

/* The linker puts this in the place of the library's: inlay_snapshot_read asks these four, in this
 * order. */
int __wrap_inlay_query_ask(struct session *session, const struct message *queries, size_t count,
                           PGresult **results, struct inlay_error *err)
{
    (void)session;
    (void)queries;
    (void)err;
    fuzz_require(count == 4, "a look without a lock asks four questions");
    results[0] = make_facts();
    results[1] = make_shapes();
    results[2] = make_rows(history_columns, history_rows, history_count);
    results[3] = make_rows(state_columns, state_rows, state_count);
    return INLAY_OK;
}

/* ---- rows as the tables can have them ---- */

static void split(char *line, struct row *row)
{
    row->line = line;
    for (size_t i = 0; i < COLUMNS; i++) {
        char *tab = line != NULL ? strchr(line, '\t') : NULL;
        if (tab != NULL)
            *tab = '\0';
        row->values[i] = line == NULL || strcmp(line, "\\N") == 0 ? NULL : line;
        line = tab != NULL ? tab + 1 : NULL;
    }
}

static bool is_number(const char *text)
{
    int64_t number;

    return inlay_text_number(text, &number);
}

/* A key that ascends, no NULL where the table allows none, and numbers where it has them. */
static bool fits_history(const struct row *row)
{
    return row->values[1] != NULL && (row->values[4] == NULL || is_number(row->values[4])) &&
           (row->values[5] == NULL || is_number(row->values[5])) &&
           (history_count == 0 ||
            atoll(history_rows[history_count - 1].values[0]) < atoll(row->values[0]));
}

static bool fits_state(const struct row *row)
{
    static const char *const kinds[] = {"progress", "replaces", "repeatable", "down"};
    const char *key = row->values[STATE_KEY];
    bool known = false;

    for (size_t i = 0; row->values[STATE_KIND] != NULL && i < 4; i++)
        known = known || strcmp(row->values[STATE_KIND], kinds[i]) == 0;
    return known && key != NULL &&
           (row->values[STATE_DONE] == NULL || is_number(row->values[STATE_DONE])) &&
           (state_count == 0 || strcmp(state_rows[state_count - 1].values[STATE_KEY], key) < 0);
}

static void take_row(char *line)
{
    struct row row;

    split(line, &row);
    if (is_number(row.values[0]) && history_count < ROWS_MOST && fits_history(&row))
        history_rows[history_count++] = row;
    else if (!is_number(row.values[0]) && state_count < ROWS_MOST && fits_state(&row))
        state_rows[state_count++] = row;
    else
        free(line);
}

/* ---- what the library makes of them ---- */

static const int64_t replaced[] = {1, 2};
static const struct inlay_range range = {1, 2, replaced, 2};
static const struct inlay_range unknown = {4, 9, NULL, 0};
static const struct inlay_statement statement = {.length = 8, .line = 1};

#define SCRIPT(file)                                                                               \
    {                                                                                              \
        .text = "SELECT 1", .length = 8, .path = file, .statements = &statement,                   \
        .statement_count = 1, .statement_size = sizeof(struct inlay_statement)                     \
    }
#define MIGRATION(number, called, range)                                                           \
    {                                                                                              \
        .version = number, .name = called, .sha256 = "sum-of-" called, .body = "SELECT 1",         \
        .up = SCRIPT(called ".sql"), .replaces = range                                             \
    }

static const struct inlay_migration migrations[] = {
    MIGRATION(2, "base", &range), MIGRATION(3, "users", NULL), MIGRATION(9, "nine", &unknown),
    MIGRATION(20, "mails", NULL)};
static const struct inlay_migration repeatables[] = {MIGRATION(INLAY_REPEATABLE, "report", NULL),
                                                     MIGRATION(INLAY_REPEATABLE, "view", NULL)};
static const struct inlay_set set = {.abi = INLAY_SET_ABI,
                                     .directory = "migrations",
                                     .history = "public.h",
                                     .digest = "",
                                     .migrations = migrations,
                                     .migration_count = 4,
                                     .repeatables = repeatables,
                                     .repeatable_count = 2};

static void require_intents(const struct history *history)
{
    for (size_t i = 0; i < history->progress_count; i++) {
        const struct history_progress *row = &history->progress[i];
        struct intent intent = inlay_partial_intent(row);
        fuzz_require(strlen(intent.index) <= (row->body != NULL ? strlen(row->body) : 0),
                     "the index of an intent is in its text");
        inlay_partial_unchanged(&migrations[0].up, false, 0, &intent);
    }
}

static void judge(const struct history_name *name, const struct plan *plan, bool strict)
{
    struct inlay_error err = {.code = INLAY_OK};
    char versions[64];
    int rc = inlay_verdict(&set, plan, name, strict, INT64_MAX, &err);

    if (rc != INLAY_OK)
        fuzz_require_error(&err, rc);
    rc = inlay_verdict_late(&set, plan, INT64_MAX, &err);
    if (rc != INLAY_OK)
        fuzz_require_error(&err, rc);
    inlay_plan_versions(plan, INLAY_STATE_UNKNOWN, versions, sizeof versions);
    fuzz_require(strlen(versions) < sizeof versions, "a list of versions fits");
}

static void make_plan(const struct history_name *name, const struct history *history)
{
    struct plan plan;
    struct inlay_error err = {.code = INLAY_OK};

    fuzz_require(inlay_merge(&set, history, &plan, &err) == INLAY_OK, "there is memory");
    for (size_t i = 1; i < plan.count; i++)
        fuzz_require(plan.entries[i - 1].version < plan.entries[i].version, "versions ascend");
    judge(name, &plan, false);
    judge(name, &plan, true);
    inlay_plan_free(&plan);
}

static void look_and_plan(void)
{
    struct history_name name;
    struct snapshot look;
    struct session session = {.conn = NULL};
    struct inlay_error err = {.code = INLAY_OK};

    fuzz_require(inlay_name_parse("public.h", &name, &err) == INLAY_OK, "a name is a name");
    int rc = inlay_snapshot_read(&session, &name, NULL, SNAPSHOT_ONLY, &look, &err);
    fuzz_require(rc == INLAY_OK, "what the tables can have can be read");
    require_intents(&look.history);
    make_plan(&name, &look.history);
    inlay_snapshot_free(&look);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};

    history_count = 0;
    state_count = 0;
    while (input.left > 0)
        take_row(fuzz_line(&input));
    look_and_plan();
    while (history_count > 0)
        free(history_rows[--history_count].line);
    while (state_count > 0)
        free(state_rows[--state_count].line);
    return 0;
}

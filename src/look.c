#include "look.h"
#include "sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The questions of one look, in the order in which the server answers them: the lock first, so
 * that all the rest is read after it was taken. */
enum { ASK_LOCK, ASK_FACTS, ASK_SHAPES, ASK_ROWS, ASK_STATE, ASK_HOLDER, ASK_COUNT };

static const char *text_at(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

static bool true_at(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static int64_t number_at(const PGresult *result, int row, int column, int64_t otherwise)
{
    int64_t number;

    return inlay_text_number(text_at(result, row, column), &number) ? number : otherwise;
}

static int read_facts(const PGresult *result, struct look *look, struct inlay_error *err)
{
    if (inlay_result_failed(result))
        return inlay_result_error(result, INLAY_E_REFUSED, err);
    look->backend_pid = number_at(result, 0, FACT_PID, 0);
    look->in_recovery = true_at(result, 0, FACT_IN_RECOVERY);
    look->on_linux = true_at(result, 0, FACT_ON_LINUX);
    look->read_only = strcmp(PQgetvalue(result, 0, FACT_READ_ONLY), "on") == 0;
    look->schema_exists = true_at(result, 0, FACT_SCHEMA_EXISTS);
    look->may_create = true_at(result, 0, FACT_MAY_CREATE);
    inlay_text_put(look->database, sizeof look->database, "%s",
                   PQgetvalue(result, 0, FACT_DATABASE));
    inlay_text_put(look->role, sizeof look->role, "%s", PQgetvalue(result, 0, FACT_ROLE));
    return INLAY_OK;
}

static void read_shape(const PGresult *result, int row, struct shape *shape)
{
    shape->exists = true;
    shape->kind = PQgetvalue(result, row, SHAPE_KIND)[0];
    shape->persistence = PQgetvalue(result, row, SHAPE_PERSISTENCE)[0];
    shape->row_security = true_at(result, row, SHAPE_ROW_SECURITY);
    shape->rules = true_at(result, row, SHAPE_RULES);
    shape->triggers = true_at(result, row, SHAPE_TRIGGERS);
    shape->owned = true_at(result, row, SHAPE_OWNED);
    shape->key = true_at(result, row, SHAPE_KEY);
    inlay_text_put(shape->owner, sizeof shape->owner, "%s", PQgetvalue(result, row, SHAPE_OWNER));
    for (int i = 0; i < 6; i++)
        shape->types[i] = number_at(result, row, SHAPE_FIRST_TYPE + i, 0);
}

static int read_shapes(const PGresult *result, const struct history_name *name, struct look *look,
                       struct inlay_error *err)
{
    if (inlay_result_failed(result))
        return inlay_result_error(result, INLAY_E_REFUSED, err);
    for (int row = 0; row < PQntuples(result); row++) {
        bool is_history = strcmp(PQgetvalue(result, row, SHAPE_NAME), name->table) == 0;
        read_shape(result, row, is_history ? &look->history_shape : &look->state_shape);
    }
    if (inlay_shape_check_history(&look->history_shape, name, err) != INLAY_OK)
        return err->code;
    return inlay_shape_check_state(&look->state_shape, name, err);
}

static void hint_grant(const struct look *look, const struct history_name *name, const char *quoted,
                       char role[132], struct inlay_error *err)
{
    inlay_text_quote(role, 132, look->role, '"');
    inlay_text_put(err->hint, sizeof err->hint,
                   "GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s;", name->quoted_schema,
                   role, quoted, role);
}

/* The history cannot be read although the catalogs know it. */
static int refuse_read(const PGresult *result, const struct look *look,
                       const struct history_name *name, struct inlay_error *err)
{
    char role[132];

    inlay_result_error(result, INLAY_E_REFUSED, err);
    if (!inlay_result_has_state(result, "42501"))
        return err->code;
    hint_grant(look, name, name->quoted, role, err);
    inlay_text_put(err->message, sizeof err->message, "role %s may not read the history %s", role,
                   name->quoted);
    return err->code;
}

int inlay_look_refuse_state(const struct look *look, const struct history_name *name,
                            struct inlay_error *err)
{
    char role[132];

    inlay_text_quote(role, sizeof role, look->role, '"');
    inlay_error_set(err, INLAY_E_REFUSED,
                    "role %s may not read the state table %s, which tells what ran of the "
                    "repeatable migrations",
                    role, name->quoted_state);
    inlay_text_put(err->sqlstate, sizeof err->sqlstate, "42501");
    hint_grant(look, name, name->quoted_state, role, err);
    return err->code;
}

static int read_row(const PGresult *result, int row, struct history_row *to,
                    const struct history_name *name, struct inlay_error *err)
{
    const char *text = text_at(result, row, 1);

    if (!inlay_text_number(text_at(result, row, 0), &to->version) || text == NULL)
        return inlay_error_set(err, INLAY_E_REFUSED,
                               "%s has a row without a version or a name: repair it by hand",
                               name->quoted);
    to->batch = number_at(result, row, 4, -1);
    to->elapsed_ms = number_at(result, row, 5, -1);
    if (!inlay_text_copy(text, &to->name) ||
        !inlay_text_copy(text_at(result, row, 2), &to->applied_at) ||
        !inlay_text_copy(text_at(result, row, 3), &to->checksum))
        return inlay_error_memory(err);
    return INLAY_OK;
}

static int read_rows(const PGresult *result, const struct history_name *name, struct look *look,
                     struct inlay_error *err)
{
    struct history *history = &look->history;
    size_t count = (size_t)PQntuples(result);

    history->exists = look->history_shape.exists;
    if (!history->exists)
        return INLAY_OK;
    if (inlay_result_failed(result))
        return refuse_read(result, look, name, err);
    history->rows = calloc(count + 1, sizeof *history->rows);
    if (history->rows == NULL)
        return inlay_error_memory(err);
    for (size_t i = 0; i < count; i++) {
        history->row_count++;
        if (read_row(result, (int)i, &history->rows[i], name, err) != INLAY_OK)
            return err->code;
    }
    return INLAY_OK;
}

static bool read_progress(const PGresult *result, int row, struct history *history)
{
    struct history_progress *to = &history->progress[history->progress_count];

    if (!inlay_text_number(text_at(result, row, STATE_KEY), &to->version))
        return true;
    to->done = number_at(result, row, STATE_DONE, 0);
    history->progress_count++;
    return inlay_text_copy(text_at(result, row, STATE_CHECKSUM), &to->checksum) &&
           inlay_text_copy(text_at(result, row, STATE_BODY), &to->body);
}

static bool read_repeatable(const PGresult *result, int row, struct history *history)
{
    struct history_repeatable *to = &history->repeatables[history->repeatable_count++];

    to->batch = number_at(result, row, STATE_DONE, -1);
    return inlay_text_copy(PQgetvalue(result, row, STATE_KEY), &to->name) &&
           inlay_text_copy(text_at(result, row, STATE_CHECKSUM), &to->checksum) &&
           inlay_text_copy(text_at(result, row, STATE_AT), &to->applied_at);
}

static void read_cover(const PGresult *result, int row, struct history *history)
{
    struct history_cover *to = &history->covers[history->cover_count];
    const char *body = text_at(result, row, STATE_BODY);

    if (inlay_text_number(text_at(result, row, STATE_KEY), &to->version) && body != NULL &&
        sscanf(body, "%" SCNd64 "..%" SCNd64, &to->first, &to->last) == 2) {
        to->count = number_at(result, row, STATE_DONE, 0);
        history->cover_count++;
    }
}

static void read_down(const PGresult *result, int row, struct history *history)
{
    if (inlay_text_number(text_at(result, row, STATE_KEY), &history->downs[history->down_count]))
        history->down_count++;
}

/* False without memory. What is in no form of ours is none of ours. */
static bool read_state_row(const PGresult *result, int row, struct history *history)
{
    const char *kind = PQgetvalue(result, row, STATE_KIND);

    if (strcmp(kind, "progress") == 0)
        return read_progress(result, row, history);
    if (strcmp(kind, "repeatable") == 0)
        return read_repeatable(result, row, history);
    if (strcmp(kind, "down") == 0)
        read_down(result, row, history);
    else
        read_cover(result, row, history);
    return true;
}

static int compare_versions(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int read_state(const PGresult *result, struct look *look, struct inlay_error *err)
{
    struct history *history = &look->history;
    size_t count = (size_t)PQntuples(result);

    if (!look->state_shape.exists)
        return INLAY_OK;
    /* Only an owner runs what the progress is of: for readers the history may be enough. */
    history->state_denied = inlay_result_has_state(result, "42501");
    if (history->state_denied)
        return INLAY_OK;
    if (inlay_result_failed(result))
        return inlay_result_error(result, INLAY_E_REFUSED, err);
    history->progress = calloc(count + 1, sizeof *history->progress);
    history->covers = calloc(count + 1, sizeof *history->covers);
    history->repeatables = calloc(count + 1, sizeof *history->repeatables);
    history->downs = calloc(count + 1, sizeof *history->downs);
    bool read = history->progress != NULL && history->covers != NULL &&
                history->repeatables != NULL && history->downs != NULL;
    for (int i = 0; read && i < (int)count; i++)
        read = read_state_row(result, i, history);
    if (read)
        qsort(history->downs, history->down_count, sizeof *history->downs, compare_versions);
    return read ? INLAY_OK : inlay_error_memory(err);
}

static void read_holder(const PGresult *result, struct look *look)
{
    if (inlay_result_failed(result) || PQntuples(result) == 0)
        return;
    const char *application = text_at(result, 0, 1);
    const char *address = text_at(result, 0, 2);
    inlay_text_put(look->holder, sizeof look->holder, "pid %s%s%s%s%s%s, connected for %s s",
                   PQgetvalue(result, 0, 0), application != NULL ? " (" : "",
                   application != NULL ? application : "", application != NULL ? ")" : "",
                   address != NULL ? " from " : "", address != NULL ? address : "",
                   text_at(result, 0, 3) != NULL ? PQgetvalue(result, 0, 3) : "?");
}

static int read_all(PGresult *const *results, enum look_lock lock, const struct history_name *name,
                    struct look *look, struct inlay_error *err)
{
    if (lock != LOOK_ONLY && inlay_result_failed(results[ASK_LOCK]))
        return inlay_result_error(results[ASK_LOCK], INLAY_E_REFUSED, err);
    if (lock == LOOK_ASK_HOLDER && !look->locked)
        read_holder(results[ASK_HOLDER], look);
    if (read_facts(results[ASK_FACTS], look, err) != INLAY_OK ||
        read_shapes(results[ASK_SHAPES], name, look, err) != INLAY_OK ||
        read_rows(results[ASK_ROWS], name, look, err) != INLAY_OK)
        return err->code;
    return read_state(results[ASK_STATE], look, err);
}

static int ask_all(struct session *session, const struct history_name *name, enum look_lock lock,
                   PGresult **results, struct inlay_error *err)
{
    char key[24];
    const char *const lock_parameters[] = {key};
    const char *const tables[] = {name->schema, name->table, name->state_table};
    char *rows = inlay_sql_rows(name);
    char *state = inlay_sql_state(name);
    const struct message queries[ASK_COUNT] = {
        [ASK_LOCK] = {.sql = inlay_sql_lock, .parameter_count = 1, .parameters = lock_parameters},
        [ASK_FACTS] = {.sql = inlay_sql_facts, .parameter_count = 1, .parameters = tables},
        [ASK_SHAPES] = {.sql = inlay_sql_shapes, .parameter_count = 3, .parameters = tables},
        [ASK_ROWS] = {.sql = rows},
        [ASK_STATE] = {.sql = state},
        [ASK_HOLDER] = {.sql = inlay_sql_holder,
                        .parameter_count = 1,
                        .parameters = lock_parameters},
    };
    size_t first = lock == LOOK_ONLY ? ASK_FACTS : ASK_LOCK;
    size_t end = lock == LOOK_ASK_HOLDER ? ASK_COUNT : ASK_HOLDER;
    int rc = INLAY_E_MEMORY;

    snprintf(key, sizeof key, "%lld", (long long)name->lock_key);
    if (rows != NULL && state != NULL)
        rc = inlay_session_ask(session, queries + first, end - first, results + first, err);
    else
        inlay_error_memory(err);
    free(rows);
    free(state);
    return rc;
}

int inlay_look(struct session *session, const struct history_name *name, enum look_lock lock,
               struct look *look, struct inlay_error *err)
{
    PGresult *results[ASK_COUNT] = {0};

    memset(look, 0, sizeof *look);
    int rc = ask_all(session, name, lock, results, err);
    /* Told to stop, we may have been given the lock all the same. */
    look->locked = results[ASK_LOCK] != NULL && !inlay_result_failed(results[ASK_LOCK]) &&
                   true_at(results[ASK_LOCK], 0, 0);
    if (rc == INLAY_OK)
        rc = read_all(results, lock, name, look, err);
    inlay_session_clear(results, ASK_COUNT);
    return rc;
}

void inlay_look_free(struct look *look)
{
    inlay_history_free(&look->history);
}

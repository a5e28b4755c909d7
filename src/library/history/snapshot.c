/* Reads all that a plan needs from the database in one round trip, without a lock and without a
 * write. */
#include "history/snapshot.h"
#include "history/rows.h"
#include "history/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked ---- */

/* The columns of facts_sql. */
enum {
    FACT_PID,
    FACT_IN_RECOVERY,
    FACT_READ_ONLY,
    FACT_DATABASE,
    FACT_ROLE,
    FACT_SCHEMA_EXISTS,
    FACT_MAY_CREATE,
    FACT_SERVER /* version and platform, in words */
};

/* The columns of shapes_sql. */
enum {
    SHAPE_NAME,
    SHAPE_KIND,
    SHAPE_PERSISTENCE,
    SHAPE_SECURED,
    SHAPE_HIDDEN,   /* by row security, from our role */
    SHAPE_RULES,    /* there may be some: the server remembers those that are gone */
    SHAPE_TRIGGERS, /* the same, and those of foreign keys */
    SHAPE_CHILDREN, /* the same */
    SHAPE_OWNED,
    SHAPE_OWNER,
    SHAPE_KEYS, /* numbers of the columns of each unique index: {1,NULL,"2 3"} */
    SHAPE_COLUMNS
};

/* The columns of attached_sql: what there is of rules, of triggers that are not the server's, and
 * of tables that inherit. */
enum { ATTACHED_NAME, ATTACHED_RULES, ATTACHED_TRIGGERS, ATTACHED_CHILDREN };

/* For facts_sql no table is read: to plan a query over one costs a server process that has just
 * begun ten times what these functions do. */
#define NAMESPACE "pg_catalog.to_regnamespace($1::pg_catalog.text)::pg_catalog.oid"

/* $1 schema of the history, quoted */
static const char facts_sql[] =
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.current_setting('transaction_read_only')," /* on, off */
    " pg_catalog.current_database(), current_user, " NAMESPACE " IS NOT NULL,"
    " COALESCE(pg_catalog.has_schema_privilege(" NAMESPACE ", 'CREATE')"
    " AND pg_catalog.has_schema_privilege(" NAMESPACE ", 'USAGE'),"
    " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')),"
    " pg_catalog.version()";

#define OUR_TABLES                                                                                 \
    " FROM pg_catalog.pg_class AS c WHERE c.relnamespace" EQ NAMESPACE " AND c.relname" EQ         \
    "ANY (ARRAY[$2, $3]::pg_catalog.name[])"

/* $1 schema, quoted, $2 history, $3 state table: a row for each that exists */
static const char shapes_sql[] =
    "SELECT c.relname, c.relkind, c.relpersistence, c.relrowsecurity,"
    " pg_catalog.row_security_active(c.oid), c.relhasrules, c.relhastriggers, c.relhassubclass,"
    " pg_catalog.pg_has_role(c.relowner, 'USAGE'),"
    " pg_catalog.pg_get_userbyid(c.relowner),"
    " ARRAY(SELECT CASE WHEN i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred"
    " IS NULL AND i.indexprs IS NULL THEN i.indkey END"
    " FROM pg_catalog.pg_index AS i WHERE i.indrelid" EQ "c.oid)" OUR_TABLES;

static const char attached_sql[] =
    "SELECT c.relname, EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class" EQ
    "c.oid), EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid" EQ
    "c.oid AND NOT t.tgisinternal), EXISTS (SELECT FROM pg_catalog.pg_inherits AS i"
    " WHERE i.inhparent" EQ "c.oid)" OUR_TABLES;

/* A role that row security keeps out although it may read. */
#define READER                                                                                     \
    "(SELECT COALESCE(pg_catalog.quote_ident(r.rolname), 'PUBLIC')"                                \
    " FROM pg_catalog.aclexplode(c.relacl) AS a"                                                   \
    " LEFT JOIN pg_catalog.pg_roles AS r ON r.oid" EQ "a.grantee WHERE a.privilege_type" EQ        \
    "'SELECT'::pg_catalog.text AND a.grantee OPERATOR(pg_catalog.<>) c.relowner"                   \
    " AND NOT COALESCE(r.rolsuper OR r.rolbypassrls"                                               \
    " OR pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE'), false) LIMIT 1)"

const char inlay_snapshot_readers_sql[] =
    "SELECT c.relname, " READER OUR_TABLES " AND c.relrowsecurity";

/* The questions of one look, in the order in which the server answers them: the lock first, so
 * that all the rest is read after it was taken. */
enum { ASK_LOCK, ASK_FACTS, ASK_SHAPES, ASK_ROWS, ASK_STATE, ASK_HOLDER, ASK_COUNT };

static bool true_at(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static int read_facts(const PGresult *result, struct snapshot *look, struct inlay_error *err)
{
    if (inlay_result_failed(result))
        return inlay_result_error(result, INLAY_E_REFUSED, err);
    inlay_text_number(PQgetvalue(result, 0, FACT_PID), &look->backend_pid);
    look->in_recovery = true_at(result, 0, FACT_IN_RECOVERY);
    look->read_only = strcmp(PQgetvalue(result, 0, FACT_READ_ONLY), "on") == 0;
    look->schema_exists = true_at(result, 0, FACT_SCHEMA_EXISTS);
    look->may_create = true_at(result, 0, FACT_MAY_CREATE);
    look->on_linux = strstr(PQgetvalue(result, 0, FACT_SERVER), "linux") != NULL;
    inlay_text_put(look->database, sizeof look->database, "%s",
                   PQgetvalue(result, 0, FACT_DATABASE));
    inlay_text_put(look->role, sizeof look->role, "%s", PQgetvalue(result, 0, FACT_ROLE));
    return INLAY_OK;
}

/* ---- the shapes of both tables ---- */

static void read_shape(const PGresult *result, int row, struct shape *shape)
{
    shape->exists = true;
    shape->kind = PQgetvalue(result, row, SHAPE_KIND)[0];
    shape->persistence = PQgetvalue(result, row, SHAPE_PERSISTENCE)[0];
    shape->secured = true_at(result, row, SHAPE_SECURED);
    shape->hidden = true_at(result, row, SHAPE_HIDDEN);
    shape->rules = true_at(result, row, SHAPE_RULES);
    shape->triggers = true_at(result, row, SHAPE_TRIGGERS);
    shape->children = true_at(result, row, SHAPE_CHILDREN);
    shape->owned = true_at(result, row, SHAPE_OWNED);
    inlay_text_put(shape->owner, sizeof shape->owner, "%s", PQgetvalue(result, row, SHAPE_OWNER));
}

/* The shape that a row about one of our tables is of. */
static struct shape *shape_of(const PGresult *result, int row, const struct history_name *name,
                              struct snapshot *look)
{
    bool is_history = strcmp(PQgetvalue(result, row, SHAPE_NAME), name->table) == 0;

    return is_history ? &look->history_shape : &look->state_shape;
}

/* `state`: the rows of the state table, or its columns alone. */
static void read_shapes(const PGresult *result, const struct history_name *name,
                        const PGresult *rows, const PGresult *state, struct snapshot *look)
{
    for (int row = 0; row < PQntuples(result); row++) {
        const char *keys = PQgetvalue(result, row, SHAPE_KEYS);
        struct shape *shape = shape_of(result, row, name, look);
        read_shape(result, row, shape);
        if (shape == &look->history_shape && !inlay_result_failed(rows))
            inlay_shape_describe_history(shape, rows, keys);
        if (shape == &look->state_shape && !inlay_result_failed(state))
            inlay_shape_describe_state(shape, state, keys);
    }
}

static void read_attached(const PGresult *result, const struct history_name *name,
                          struct snapshot *look)
{
    for (int row = 0; row < PQntuples(result); row++) {
        struct shape *shape = shape_of(result, row, name, look);
        shape->rules = true_at(result, row, ATTACHED_RULES);
        shape->triggers = true_at(result, row, ATTACHED_TRIGGERS);
        shape->children = true_at(result, row, ATTACHED_CHILDREN);
    }
}

/* Is there a table that one look is not enough for? The server only remembers that there were
 * rules, triggers or children, and a state table of another hand may lack what was asked for. */
static bool stands_out(const struct snapshot *look, const PGresult *state)
{
    const struct shape *shapes[] = {&look->history_shape, &look->state_shape};

    for (size_t i = 0; i < 2; i++)
        if (shapes[i]->rules || shapes[i]->triggers || shapes[i]->children)
            return true;
    return look->state_shape.exists && inlay_result_failed(state) &&
           !inlay_result_has_state(state, "42501");
}

/* A second round trip, for such tables alone. */
static int look_closer(struct session *session, const struct history_name *name,
                       PGresult *const *results, struct snapshot *look, struct inlay_error *err)
{
    const char *const tables[] = {name->quoted_schema, name->table, name->state_table};
    char *columns = inlay_sql_state_columns(name);
    const struct message queries[] = {
        {.sql = attached_sql, .parameter_count = 3, .parameters = tables},
        {.sql = columns},
    };
    PGresult *closer[2] = {0};

    if (columns == NULL)
        return inlay_error_memory(err);
    int rc = inlay_query_ask(session, queries, 2, closer, err);
    if (rc == INLAY_OK)
        rc = inlay_results_check(closer, 1, INLAY_E_REFUSED, err);
    if (rc == INLAY_OK) {
        read_shapes(results[ASK_SHAPES], name, results[ASK_ROWS], closer[1], look);
        read_attached(closer[0], name, look);
    }
    inlay_results_clear(closer, 2);
    free(columns);
    return rc;
}

static int check_shapes(struct session *session, const struct history_name *name,
                        PGresult *const *results, struct snapshot *look, struct inlay_error *err)
{
    const PGresult *state = results[ASK_STATE];

    if (inlay_result_failed(results[ASK_SHAPES]))
        return inlay_result_error(results[ASK_SHAPES], INLAY_E_REFUSED, err);
    read_shapes(results[ASK_SHAPES], name, results[ASK_ROWS], state, look);
    if (stands_out(look, state) && look_closer(session, name, results, look, err) != INLAY_OK)
        return err->code;
    if (inlay_shape_check_history(&look->history_shape, name, err) != INLAY_OK)
        return err->code;
    return inlay_shape_check_state(&look->state_shape, name, err);
}

/* ---- their rows ---- */

static void hint_grant(const struct snapshot *look, const struct history_name *name,
                       const char *quoted, char role[132], struct inlay_error *err)
{
    inlay_text_quote(role, 132, look->role, '"');
    inlay_text_put(err->hint, sizeof err->hint,
                   "GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s;", name->quoted_schema,
                   role, quoted, role);
}

/* The history cannot be read although the catalogs know it. */
static int refuse_read(const PGresult *result, const struct snapshot *look,
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

int inlay_snapshot_refuse_state(const struct snapshot *look, const struct history_name *name,
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

static int read_history_rows(const PGresult *result, const struct history_name *name,
                             struct snapshot *look, struct inlay_error *err)
{
    look->history.exists = look->history_shape.exists;
    if (!look->history.exists)
        return INLAY_OK;
    if (inlay_result_failed(result))
        return refuse_read(result, look, name, err);
    return inlay_rows_read(result, name, &look->history, err);
}

static int read_state(const PGresult *result, struct snapshot *look, struct inlay_error *err)
{
    if (!look->state_shape.exists)
        return INLAY_OK;
    /* Only an owner runs what the progress is of: for readers the history may be enough. */
    look->history.state_denied = inlay_result_has_state(result, "42501");
    if (look->history.state_denied)
        return INLAY_OK;
    if (inlay_result_failed(result))
        return inlay_result_error(result, INLAY_E_REFUSED, err);
    return inlay_rows_read_state(result, &look->history, err);
}

/* ---- the whole ---- */

static void read_holder(const PGresult *result, struct snapshot *look)
{
    if (inlay_result_failed(result) || PQntuples(result) == 0)
        return;
    const char *application = inlay_result_text(result, 0, LOCK_HOLDER_APPLICATION);
    const char *address = inlay_result_text(result, 0, LOCK_HOLDER_ADDRESS);
    const char *seconds = inlay_result_text(result, 0, LOCK_HOLDER_SECONDS);
    inlay_text_put(look->holder_pid, sizeof look->holder_pid, "%s", PQgetvalue(result, 0, 0));
    inlay_text_put(look->holder, sizeof look->holder, "pid %s%s%s%s%s%s, connected for %s s",
                   PQgetvalue(result, 0, 0), application != NULL ? " (" : "",
                   application != NULL ? application : "", application != NULL ? ")" : "",
                   address != NULL ? " from " : "", address != NULL ? address : "",
                   seconds != NULL ? seconds : "?");
}

static int read_all(struct session *session, PGresult *const *results, enum snapshot_lock lock,
                    const struct history_name *name, struct snapshot *look, struct inlay_error *err)
{
    if (lock != SNAPSHOT_ONLY && inlay_result_failed(results[ASK_LOCK]))
        return inlay_result_error(results[ASK_LOCK], INLAY_E_REFUSED, err);
    if (lock == SNAPSHOT_ASK_HOLDER && !look->locked)
        read_holder(results[ASK_HOLDER], look);
    if (read_facts(results[ASK_FACTS], look, err) != INLAY_OK ||
        check_shapes(session, name, results, look, err) != INLAY_OK ||
        read_history_rows(results[ASK_ROWS], name, look, err) != INLAY_OK)
        return err->code;
    return read_state(results[ASK_STATE], look, err);
}

static bool writes_iso(const struct session *session)
{
    const char *style = PQparameterStatus(session->conn, "DateStyle");

    return style != NULL && strncmp(style, "ISO", 3) == 0;
}

/* Asks what comes before and `count` questions of the look. */
static int ask_both(struct session *session, const struct questions_before *before,
                    const struct message *queries, size_t count, PGresult **results,
                    struct inlay_error *err)
{
    struct message all[SNAPSHOT_BEFORE_MOST + ASK_COUNT];
    PGresult *answers[SNAPSHOT_BEFORE_MOST + ASK_COUNT] = {0};
    size_t first = before != NULL ? before->count : 0;

    for (size_t i = 0; i < first + count; i++)
        all[i] = i < first ? before->queries[i] : queries[i - first];
    int rc = inlay_query_ask(session, all, first + count, answers, err);
    for (size_t i = 0; i < first + count; i++)
        *(i < first ? &before->results[i] : &results[i - first]) = answers[i];
    return rc;
}

static int ask_all(struct session *session, const struct history_name *name,
                   const struct questions_before *before, enum snapshot_lock lock,
                   PGresult **results, struct inlay_error *err)
{
    struct lock_key key;
    const char *const tables[] = {name->quoted_schema, name->table, name->state_table};
    bool joined = before != NULL && before->joined;
    bool iso = writes_iso(session);
    char *rows = inlay_sql_rows(name, iso);
    char *state = inlay_sql_state(name, iso);
    const struct message queries[ASK_COUNT] = {
        [ASK_LOCK] = inlay_lock_message(name, inlay_lock_try_sql, &key),
        [ASK_FACTS] = {.sql = facts_sql,
                       .parameter_count = 1,
                       .parameters = tables,
                       .joined = joined},
        [ASK_SHAPES] = {.sql = shapes_sql,
                        .parameter_count = 3,
                        .parameters = tables,
                        .joined = joined},
        [ASK_ROWS] = {.sql = rows, .joined = joined},
        [ASK_STATE] = {.sql = state},
        [ASK_HOLDER] = inlay_lock_message(name, inlay_lock_holder_sql, &key),
    };
    size_t first = lock == SNAPSHOT_ONLY ? ASK_FACTS : ASK_LOCK;
    size_t end = lock == SNAPSHOT_ASK_HOLDER ? ASK_COUNT : ASK_HOLDER;
    int rc = INLAY_E_MEMORY;

    if (rows != NULL && state != NULL)
        rc = ask_both(session, before, queries + first, end - first, results + first, err);
    else
        inlay_error_memory(err);
    free(rows);
    free(state);
    return rc;
}

/* One of them that fails takes along those that it is joined with. */
static int ask_apart(struct session *session, const struct history_name *name, PGresult **results,
                     struct inlay_error *err)
{
    struct inlay_error ignored;
    size_t count = ASK_HOLDER - ASK_FACTS;

    if (inlay_results_check(results + ASK_FACTS, count, INLAY_E_REFUSED, &ignored) == INLAY_OK)
        return INLAY_OK;
    inlay_results_clear(results + ASK_FACTS, count);
    return ask_all(session, name, NULL, SNAPSHOT_ONLY, results, err);
}

int inlay_snapshot_read(struct session *session, const struct history_name *name,
                        const struct questions_before *before, enum snapshot_lock lock,
                        struct snapshot *look, struct inlay_error *err)
{
    PGresult *results[ASK_COUNT] = {0};

    memset(look, 0, sizeof *look);
    int rc = ask_all(session, name, before, lock, results, err);
    /* Told to stop, we may have been given the lock all the same. */
    look->locked = results[ASK_LOCK] != NULL && !inlay_result_failed(results[ASK_LOCK]) &&
                   true_at(results[ASK_LOCK], 0, 0);
    if (rc == INLAY_OK && before != NULL && before->joined)
        rc = ask_apart(session, name, results, err);
    if (rc == INLAY_OK)
        rc = read_all(session, results, lock, name, look, err);
    inlay_results_clear(results, ASK_COUNT);
    return rc;
}

void inlay_snapshot_free(struct snapshot *look)
{
    inlay_history_free(&look->history);
}

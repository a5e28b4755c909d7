/* Asks the server for another tool's table and reads it, with the tool's own lock taken
 * meanwhile. */
#include "foreign/record.h"
#include "base/log.h"
#include "history/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked ---- */

enum {
    FOREIGN_TABLE_SCHEMA,
    FOREIGN_TABLE_QUOTED,
    FOREIGN_TABLE_KIND,
    FOREIGN_TABLE_ROW_SECURITY,
    FOREIGN_TABLE_MAY_LOCK,
    FOREIGN_TABLE_ATTRIBUTE,
    FOREIGN_TABLE_TYPE
};

/* A row for each column of such a table. $1 its schema, or NULL: wherever detect_sql looks;
 * $2 table, $3 schema of the history */
static const char table_sql[] =
    "SELECT n.nspname, " QUOTED_NAME ", c.relkind, c.relrowsecurity,"
    " pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), a.attname, a.atttypid"
    " FROM pg_catalog.pg_class AS c"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ "c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid" EQ
    "c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
    " WHERE c.relname" EQ "$2::pg_catalog.name AND c.relkind" EQ
    "ANY ('{r,p,v,m,f}'::pg_catalog.\"char\"[]) AND CASE WHEN $1::pg_catalog.name IS NULL"
    " THEN n.nspname" EQ "$3::pg_catalog.name OR n.nspname" EQ
    "ANY (pg_catalog.current_schemas(false)) ELSE n.nspname" EQ "$1::pg_catalog.name END"
    " ORDER BY n.nspname, a.attnum";

/* $1 key: until the end of the transaction */
static const char lock_sql[] = "SELECT pg_catalog.pg_try_advisory_xact_lock($1::bigint)";

/* Keeps writers out, and another process that adopts; never waits inside the transaction. */
static char *block_text(const char *quoted)
{
    return inlay_text_new("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE NOWAIT", quoted);
}

/* $1 ... names of its columns, of which the last is a number and gives the order. */
#define FOREIGN_FIELD(number) "pg_catalog.jsonb_object_field_text(r.j, $" #number ")"

static char *rows_text(const char *quoted)
{
    return inlay_text_new(
        "SELECT " FOREIGN_FIELD(1) ", " FOREIGN_FIELD(2) ", " FOREIGN_FIELD(3) ", " FOREIGN_FIELD(
            4) ", " FOREIGN_FIELD(5) ", " FOREIGN_FIELD(6) " FROM (SELECT pg_catalog.to_jsonb(h.*)"
                                                           " AS j FROM %s AS h) AS r ORDER BY"
                                                           " " FOREIGN_FIELD(6) "::bigint",
        quoted);
}

/* ---- the table ---- */

static int refuse_two(const struct record *record, const char *other, struct inlay_error *err)
{
    const char *tool = inlay_foreign_name(&record->source);

    inlay_error_set(err, INLAY_E_REFUSED, "there are two tables of %s: %s and %s", tool,
                    record->quoted, other);
    inlay_text_put(err->hint, sizeof err->hint, "say which one: --migrate-adopt %s=SCHEMA.TABLE",
                   tool);
    return err->code;
}

/* The columns of the table that was found; refuses where they are those of two tables. */
static int read_attributes(struct record *record, struct foreign_attribute *attributes,
                           struct inlay_error *err)
{
    const PGresult *found = record->catalog[1];

    for (int row = 0; row < PQntuples(found); row++) {
        attributes[row].name = PQgetvalue(found, row, FOREIGN_TABLE_ATTRIBUTE);
        inlay_text_number(PQgetvalue(found, row, FOREIGN_TABLE_TYPE), &attributes[row].type);
        if (strcmp(PQgetvalue(found, row, FOREIGN_TABLE_SCHEMA), record->schema) != 0)
            return refuse_two(record, PQgetvalue(found, row, FOREIGN_TABLE_QUOTED), err);
    }
    return INLAY_OK;
}

static int check_attributes(struct record *record, struct foreign_attribute *attributes,
                            struct inlay_error *err)
{
    const PGresult *found = record->catalog[1];
    const struct foreign_table table = {
        .quoted = record->quoted,
        .kind = PQgetvalue(found, 0, FOREIGN_TABLE_KIND)[0],
        .row_security = PQgetvalue(found, 0, FOREIGN_TABLE_ROW_SECURITY)[0] == 't',
        .attributes = attributes,
        .attribute_count = (size_t)PQntuples(found),
    };

    if (read_attributes(record, attributes, err) != INLAY_OK)
        return err->code;
    return inlay_foreign_check(&record->source, &table, record->columns, &record->choices, err);
}

static int check_table(struct record *record, struct inlay_error *err)
{
    size_t count = (size_t)PQntuples(record->catalog[1]);
    struct foreign_attribute *attributes = calloc(count, sizeof *attributes);

    record->columns = calloc(count, sizeof *record->columns);
    int rc = attributes != NULL && record->columns != NULL
                 ? check_attributes(record, attributes, err)
                 : inlay_error_memory(err);
    free(attributes);
    return rc;
}

/* In a transaction that it begins, or in none. */
static int find_table(struct record *record, const char *begin, struct inlay_error *err)
{
    const struct foreign_source *source = &record->source;
    const char *const values[] = {source->schema[0] != '\0' ? source->schema : NULL, source->table,
                                  record->name->schema};
    const struct message messages[] = {
        {.sql = begin}, {.sql = table_sql, .parameter_count = 3, .parameters = values}};
    int rc =
        inlay_query_demand(record->session, messages, 2, record->catalog, INLAY_E_REFUSED, err);

    if (rc != INLAY_OK || PQntuples(record->catalog[1]) == 0)
        return rc;
    record->schema = PQgetvalue(record->catalog[1], 0, FOREIGN_TABLE_SCHEMA);
    record->quoted = PQgetvalue(record->catalog[1], 0, FOREIGN_TABLE_QUOTED);
    return check_table(record, err);
}

/* ---- its rows, and keeping the tool out meanwhile ---- */

static int refuse_busy(const struct record *record, struct inlay_error *err)
{
    const char *tool = inlay_foreign_name(&record->source);

    inlay_error_set(err, INLAY_E_LOCKED, "%s is at work on %s", tool, record->quoted);
    inlay_text_put(err->hint, sizeof err->hint,
                   "let it finish and run again, or wait longer (--migrate-lock-wait); from now on "
                   "nothing may migrate with %s any more",
                   tool);
    return err->code;
}

static int refuse_rights(const struct record *record, const PGresult *result,
                         struct inlay_error *err)
{
    char role[132], schema[132];

    inlay_result_error(result, INLAY_E_REFUSED, err);
    if (!inlay_result_has_state(result, "42501"))
        return err->code;
    inlay_text_quote(role, sizeof role, record->now->role, '"');
    inlay_text_quote(schema, sizeof schema, record->schema, '"');
    inlay_text_put(err->message, sizeof err->message, "role %s may not read %s", role,
                   record->quoted);
    inlay_text_put(err->hint, sizeof err->hint,
                   "GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT, UPDATE ON %s TO %s;", schema,
                   role, record->quoted, role);
    return err->code;
}

static int keep_rows(struct record *record, const PGresult *answer, struct inlay_error *err)
{
    record->row_count = (size_t)PQntuples(answer);
    record->rows = calloc(record->row_count + 1, sizeof *record->rows);
    if (record->rows == NULL)
        return inlay_error_memory(err);
    for (int row = 0; row < PQntuples(answer); row++)
        for (int i = 0; i < FOREIGN_COLUMNS; i++)
            record->rows[row].values[i] = inlay_result_text(answer, row, i);
    return inlay_foreign_read(&record->source, record->quoted, record->rows, record->row_count,
                              &record->foreign, err);
}

static bool has_file_names(const struct record *record, const PGresult *answer)
{
    for (int row = 0; row < PQntuples(answer); row++)
        if (!inlay_foreign_is_name(&record->source,
                                   inlay_result_text(answer, row, FOREIGN_VERSION)))
            return false;
    return true;
}

/* Of several columns, the one that holds file names; without rows none has to be chosen. */
static int choose_column(struct record *record, PGresult *const *answers, size_t *chosen,
                         struct inlay_error *err)
{
    size_t named = 0;

    *chosen = 0;
    if (record->choices == 1 || PQntuples(answers[0]) == 0)
        return INLAY_OK;
    for (size_t i = 0; i < record->choices; i++) {
        if (!has_file_names(record, answers[i]))
            continue;
        *chosen = named == 0 ? i : *chosen;
        record->columns[named++] = record->columns[i];
    }
    return named == 1 ? INLAY_OK
                      : inlay_foreign_refuse_choice(&record->source, record->quoted,
                                                    record->columns, named, err);
}

/* The rows, once for each column that may hold the version. */
static int take_rows(struct record *record, PGresult *const *answers, struct inlay_error *err)
{
    size_t chosen;

    for (size_t i = 0; i < record->choices; i++)
        if (inlay_result_failed(answers[i]))
            return refuse_rights(record, answers[i], err);
    if (choose_column(record, answers, &chosen, err) != INLAY_OK)
        return err->code;
    return keep_rows(record, answers[chosen], err);
}

/* The tool's locks, the lock on the table, the rows: in this order, in one round trip. */
static int take_answers(struct record *record, size_t locks, struct inlay_error *err)
{
    PGresult *const *answer = record->answers;

    for (size_t i = 0; i < locks; i++, answer++)
        if (!inlay_result_failed(*answer) && PQgetvalue(*answer, 0, 0)[0] != 't')
            return refuse_busy(record, err);
    if (inlay_result_has_state(answer[0], "55P03"))
        return refuse_busy(record, err);
    for (size_t i = 0; i <= locks; i++)
        if (inlay_result_failed(record->answers[i]))
            return refuse_rights(record, record->answers[i], err);
    return take_rows(record, answer + 1, err);
}

/* ---- asking for them ---- */

static void add_rows(const struct record *record, const char *sql, struct message *messages)
{
    for (size_t i = 0; i < record->choices; i++)
        messages[i] = (struct message){
            .sql = sql, .parameter_count = FOREIGN_COLUMNS, .parameters = record->columns[i].names};
}

static int ask(struct record *record, const struct message *messages, size_t count,
               struct inlay_error *err)
{
    record->answer_count = count;
    return inlay_query_ask(record->session, messages, count, record->answers, err);
}

static int ask_unlocked(struct record *record, struct message *messages, const char *rows,
                        struct inlay_error *err)
{
    add_rows(record, rows, messages);
    int rc = ask(record, messages, record->choices, err);
    return rc == INLAY_OK ? take_rows(record, record->answers, err) : rc;
}

static int ask_behind(struct record *record, struct message *messages, const char *block,
                      const char *rows, struct inlay_error *err)
{
    int64_t keys[FOREIGN_LOCKS];
    char texts[FOREIGN_LOCKS][24];
    const char *values[FOREIGN_LOCKS];
    size_t locks =
        inlay_foreign_locks(&record->source, record->schema, record->now->database, keys);

    for (size_t i = 0; i < locks; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)keys[i]);
        values[i] = texts[i];
        messages[i] =
            (struct message){.sql = lock_sql, .parameter_count = 1, .parameters = &values[i]};
    }
    messages[locks].sql = block;
    add_rows(record, rows, messages + locks + 1);
    int rc = ask(record, messages, locks + 1 + record->choices, err);
    return rc == INLAY_OK ? take_answers(record, locks, err) : rc;
}

static int ask_locked(struct record *record, struct message *messages, const char *rows,
                      struct inlay_error *err)
{
    bool may_lock = PQgetvalue(record->catalog[1], 0, FOREIGN_TABLE_MAY_LOCK)[0] == 't';
    char *block = may_lock ? block_text(record->quoted) : inlay_text_new("%s", "");

    if (!may_lock)
        inlay_log(record->session->options, INLAY_LOG_WARNING,
                  "%s is read without a lock on it, which takes the right to UPDATE: nothing may "
                  "migrate with %s meanwhile",
                  record->quoted, inlay_foreign_name(&record->source));
    int rc =
        block != NULL ? ask_behind(record, messages, block, rows, err) : inlay_error_memory(err);
    free(block);
    return rc;
}

static int read_rows(struct record *record,
                     int (*ask_all)(struct record *, struct message *, const char *,
                                    struct inlay_error *),
                     struct inlay_error *err)
{
    size_t most = FOREIGN_LOCKS + 1 + record->choices;
    struct message *messages = calloc(most, sizeof *messages);
    char *rows = rows_text(record->quoted);

    record->answers = calloc(most, sizeof *record->answers);
    int rc = messages != NULL && rows != NULL && record->answers != NULL
                 ? ask_all(record, messages, rows, err)
                 : inlay_error_memory(err);
    free(messages);
    free(rows);
    return rc;
}

int inlay_record_read(struct record *record, struct inlay_error *err)
{
    int rc = find_table(record, "BEGIN ISOLATION LEVEL READ COMMITTED", err);

    return rc == INLAY_OK && record->quoted != NULL ? read_rows(record, ask_locked, err) : rc;
}

int inlay_record_look(struct record *record, struct inlay_error *err)
{
    int rc = find_table(record, "", err);

    return rc == INLAY_OK && record->quoted != NULL ? read_rows(record, ask_unlocked, err) : rc;
}

void inlay_record_free(struct record *record)
{
    free(record->foreign.versions);
    free(record->rows);
    free(record->columns);
    inlay_results_clear(record->answers, record->answer_count);
    free(record->answers);
    inlay_results_clear(record->catalog, 2);
}

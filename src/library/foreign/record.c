/* Asks the server what another tool's table says, with the tool's own lock taken meanwhile; or what
 * a query says. */
#include "foreign/record.h"
#include "base/log.h"
#include "foreign/source.h"
#include "history/holders.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

/* ---- the question ---- */

/* In one round trip. Of a table: the tool's locks, what keeps writers out and another process that
 * adopts, and never waits, the tool's lock row; of a query: what keeps it from writing, and its
 * columns. Empty: nothing. */
enum { ASKED_LOCKS, ASKED_BLOCK = FOREIGN_LOCKS, ASKED_LOCK_ROW, ASKED_ROWS, ASKED_END };
enum { ASKED_SHAPE = ASKED_BLOCK };

/* The fields, all as text: times as ISO 8601 has them, whatever the session's style is. */
#define FOREIGN_FIELD_OF "pg_catalog.jsonb_object_field_text(r.j, "
static const char fields_sql[] =
    "SELECT " FOREIGN_FIELD_OF "'version'), " FOREIGN_FIELD_OF "'name'), " FOREIGN_FIELD_OF
    "'through'), " FOREIGN_FIELD_OF "'baseline'), " FOREIGN_FIELD_OF "'half'), " FOREIGN_FIELD_OF
    "'applied_at'), " FOREIGN_FIELD_OF "'batch'), " FOREIGN_FIELD_OF "'checksum')"
    " FROM (SELECT pg_catalog.to_jsonb(q.*) AS j FROM (%s) AS q) AS r";

static bool add_locks(const struct record *record, char **texts)
{
    int64_t keys[FOREIGN_LOCKS];
    size_t locks =
        inlay_foreign_locks(&record->source, record->table.schema, record->now->database, keys);

    for (size_t i = 0; i < locks; i++)
        texts[ASKED_LOCKS + i] =
            inlay_text_new("SELECT pg_catalog.pg_try_advisory_xact_lock(%lld)", (long long)keys[i]);
    return locks == 0 || texts[ASKED_LOCKS + locks - 1] != NULL;
}

static bool add_lock_row(const struct record *record, char **texts)
{
    const struct foreign_table *table = &record->table;

    if (table->lock_table[0] == '\0')
        return true;
    texts[ASKED_LOCK_ROW] = inlay_text_new(
        "SELECT FROM %s AS l WHERE l.%s::pg_catalog.text" NOT_EQUAL "ALL ('{0,f,false}') LIMIT 1",
        table->lock_table, strchr(record->source.tool->lock_row, '.') + 1);
    return texts[ASKED_LOCK_ROW] != NULL;
}

static bool add_rows(const struct record *record, char **texts)
{
    char *body = inlay_text_new("WITH h AS (SELECT %s FROM %s AS t) %s", record->table.columns,
                                record->table.quoted, record->source.tool->query);

    texts[ASKED_ROWS] = body != NULL ? inlay_text_new(fields_sql, body) : NULL;
    free(body);
    return texts[ASKED_ROWS] != NULL;
}

/* One statement, for it stands within another, and one that only reads. A comment at its end ends
 * with the line. */
static bool add_given_query(const struct record *record, char **texts)
{
    const char *query = record->source.query;
    size_t length = strlen(query);

    while (strchr(" \t\r\n;", query[length - 1]) != NULL)
        length--;
    char *body = inlay_text_new("%.*s\n", (int)length, query);
    if (body != NULL) {
        texts[ASKED_LOCKS] = inlay_text_new("SAVEPOINT inlay_query");
        texts[ASKED_LOCKS + 1] = inlay_text_new("SET LOCAL transaction_read_only = on");
        texts[ASKED_SHAPE] = inlay_text_new("SELECT q.* FROM (%s) AS q LIMIT 0", body);
        texts[ASKED_ROWS] = inlay_text_new(fields_sql, body);
    }
    free(body);
    return body != NULL && texts[ASKED_LOCKS] != NULL && texts[ASKED_LOCKS + 1] != NULL &&
           texts[ASKED_SHAPE] != NULL && texts[ASKED_ROWS] != NULL;
}

/* ---- the answer ---- */

static int refuse_busy(const struct record *record, bool by_row, struct inlay_error *err)
{
    const char *tool = inlay_foreign_name(&record->source);

    inlay_error_set(err, INLAY_E_LOCKED, "%s is at work on %s", tool, record->quoted);
    if (by_row)
        inlay_text_put(err->detail, sizeof err->detail,
                       "a row of %s says so; if that is left over, release it as %s does",
                       record->table.lock_table, tool);
    inlay_text_put(err->hint, sizeof err->hint,
                   "let it finish and run again, or wait longer (--migrate-lock-wait); from now on "
                   "nothing may migrate with %s any more",
                   tool);
    return err->code;
}

int inlay_record_refuse_held(struct session *session, const char *what, const PGresult *result,
                             struct inlay_error *err)
{
    char holders[sizeof err->detail];

    inlay_query_rollback(session);
    if (inlay_holders_ask(session, NULL, holders, sizeof holders, err) != INLAY_OK)
        return err->code;
    inlay_result_error(result, INLAY_E_LOCKED, err);
    return inlay_holders_refuse(what, holders, err);
}

/* PostgreSQL's message alone does not tell whose statement it is about. */
static int refuse_failed_query(const PGresult *result, struct inlay_error *err)
{
    char said[sizeof err->message];

    inlay_text_put(said, sizeof said, "%s", err->message);
    inlay_text_put(err->message, sizeof err->message, "the query failed: %s", said);
    if (err->hint[0] == '\0' && inlay_result_has_state(result, "42601"))
        inlay_text_put(err->hint, sizeof err->hint,
                       "a query is one SELECT, WITH or VALUES: it runs as a part of another");
    return err->code;
}

static int refuse_rights(const struct record *record, const PGresult *result,
                         struct inlay_error *err)
{
    const char *quoted = record->quoted;
    char role[132], schema[132];

    inlay_result_error(result, INLAY_E_REFUSED, err);
    if (record->source.query != NULL)
        return refuse_failed_query(result, err);
    if (!inlay_result_has_state(result, "42501"))
        return err->code;
    if (result == record->answers[ASKED_LOCK_ROW])
        quoted = record->table.lock_table;
    inlay_text_quote(role, sizeof role, record->now->role, '"');
    inlay_text_quote(schema, sizeof schema, record->table.schema, '"');
    inlay_text_put(err->message, sizeof err->message, "role %s may not read %s", role, quoted);
    inlay_text_put(err->hint, sizeof err->hint,
                   "GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT, UPDATE ON %s TO %s;", schema,
                   role, quoted, role);
    return err->code;
}

/* The OID of boolean. */
static int check_half(const PGresult *shape, struct inlay_error *err)
{
    int column = inlay_result_column(shape, inlay_foreign_fields[FOREIGN_HALF]);

    if (column < 0 || PQftype(shape, column) != 16)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_REFUSED, "the query has a column \"half\" that is true or false");
    inlay_text_put(err->hint, sizeof err->hint,
                   "half takes the version or the name of what is half done, and NULL for the "
                   "others: CASE WHEN NOT success THEN version END AS half");
    return err->code;
}

/* What is of another type is no version and no time. */
static int check_shape(const PGresult *shape, struct inlay_error *err)
{
    const char *stranger = inlay_result_stranger(shape, inlay_foreign_fields, FOREIGN_FIELDS);

    if (stranger == NULL)
        return check_half(shape, err);
    inlay_error_set(err, INLAY_E_REFUSED,
                    "the query has a column \"%s\" that is unknown here, or there twice", stranger);
    inlay_text_put(
        err->hint, sizeof err->hint,
        "name its columns: version or name, in a row for each migration; or through (all "
        "up to it), in one row; besides, applied_at, batch and checksum");
    return err->code;
}

/* 2.10 as a number has become 2.1; as text it is a version with points. The OIDs of numeric and of
 * both floats. */
static int check_fractions(const struct record *record, struct inlay_error *err)
{
    for (int i = 0; i <= FOREIGN_BASELINE; i++) {
        int column = inlay_result_column(record->answers[ASKED_SHAPE], inlay_foreign_fields[i]);
        Oid type = column >= 0 ? PQftype(record->answers[ASKED_SHAPE], column) : 0;
        if (type != 1700 && type != 700 && type != 701)
            continue;
        for (size_t row = 0; row < record->row_count; row++) {
            const char *text = record->rows[row].values[i];
            const char *point = text != NULL ? strchr(text, '.') : NULL;
            if (point == NULL || point[1 + strspn(point + 1, "0")] == '\0')
                continue;
            inlay_error_set(err, INLAY_E_REFUSED, "the query has a number with a fraction: %.*s",
                            (int)inlay_text_fitting(text, 100), text);
            inlay_text_put(err->hint, sizeof err->hint,
                           "a version with points (2.10) is text: a number loses zeros");
            return err->code;
        }
    }
    return INLAY_OK;
}

/* max() of no rows is one that says nothing. */
static bool says_nothing(const struct record *record)
{
    const PGresult *shape = record->answers[ASKED_SHAPE];

    for (size_t i = 0; i < FOREIGN_AT; i++)
        if (record->rows[0].values[i] != NULL)
            return false;
    return record->row_count == 1 && (inlay_result_column(shape, "through") >= 0 ||
                                      inlay_result_column(shape, "baseline") >= 0);
}

static int keep_rows(struct record *record, const PGresult *answer, struct inlay_error *err)
{
    record->row_count = (size_t)PQntuples(answer);
    record->rows = calloc(record->row_count + 1, sizeof *record->rows);
    if (record->rows == NULL)
        return inlay_error_memory(err);
    for (int row = 0; row < PQntuples(answer); row++)
        for (int i = 0; i < FOREIGN_FIELDS; i++)
            record->rows[row].values[i] = inlay_result_text(answer, row, i);
    if (record->source.query != NULL && check_fractions(record, err) != INLAY_OK)
        return err->code;
    if (record->source.query != NULL && says_nothing(record))
        record->row_count = 0;
    return inlay_foreign_read(&record->source, record->set, record->quoted, record->rows,
                              record->row_count, &record->foreign, err);
}

static int take_answers(struct record *record, struct inlay_error *err)
{
    PGresult *const *answers = record->answers;

    for (int i = 0; i < FOREIGN_LOCKS; i++)
        if (PQntuples(answers[i]) > 0 && PQgetvalue(answers[i], 0, 0)[0] != 't')
            return refuse_busy(record, false, err);
    if (record->table.block != NULL && inlay_result_has_state(answers[ASKED_BLOCK], "55P03"))
        return refuse_busy(record, false, err);
    for (int i = 0; i <= ASKED_ROWS; i++) {
        if (inlay_result_has_state(answers[i], "55P03"))
            return inlay_record_refuse_held(record->session,
                                            record->source.query != NULL ? "a table of the query"
                                                                         : record->quoted,
                                            answers[i], err);
        if (inlay_result_failed(answers[i]))
            return refuse_rights(record, answers[i], err);
        if (i == ASKED_LOCK_ROW && PQntuples(answers[i]) > 0)
            return refuse_busy(record, true, err);
        if (i == ASKED_SHAPE && check_shape(answers[i], err) != INLAY_OK)
            return err->code;
    }
    return keep_rows(record, answers[ASKED_ROWS], err);
}

static int ask(struct record *record, char **texts, bool memory, struct inlay_error *err)
{
    struct message messages[ASKED_END + 1] = {{0}};
    size_t count = ASKED_END;

    for (size_t i = 0; i < ASKED_END; i++)
        messages[i].sql = texts[i] != NULL ? texts[i] : "";
    if (record->table.block != NULL)
        messages[ASKED_BLOCK].sql = record->table.block;
    if (record->source.query != NULL)
        messages[count++].sql = "ROLLBACK TO SAVEPOINT inlay_query";
    int rc = memory ? inlay_query_ask(record->session, messages, count, record->answers, err)
                    : inlay_error_memory(err);
    for (size_t i = 0; i < ASKED_END; i++)
        free(texts[i]);
    return rc == INLAY_OK ? take_answers(record, err) : rc;
}

static int read_table(struct record *record, const char *begin, bool locked,
                      struct inlay_error *err)
{
    char *texts[ASKED_END] = {NULL};
    int rc = inlay_foreign_table_find(record->session, record->name, begin, &record->source,
                                      &record->table, err);

    record->quoted = record->table.quoted;
    if (rc != INLAY_OK || record->quoted == NULL)
        return rc;
    bool memory = add_rows(record, texts);
    if (!locked)
        record->table.block = NULL;
    else if (record->table.block == NULL)
        inlay_log(record->session->options, INLAY_LOG_WARNING,
                  "%s is read without a lock on it, which takes the right to UPDATE: nothing may "
                  "migrate with %s meanwhile",
                  record->quoted, inlay_foreign_name(&record->source));
    if (locked)
        memory = memory && add_locks(record, texts) && add_lock_row(record, texts);
    return ask(record, texts, memory, err);
}

int inlay_record_read(struct record *record, struct inlay_error *err)
{
    static const char begin[] = "BEGIN ISOLATION LEVEL READ COMMITTED";
    char *texts[ASKED_END] = {NULL};
    const struct message message = {.sql = begin};

    if (record->source.query == NULL)
        return read_table(record, begin, true, err);
    record->quoted = "the query";
    int rc = inlay_query_demand(record->session, &message, 1, record->table.catalog,
                                INLAY_E_REFUSED, err);
    return rc == INLAY_OK ? ask(record, texts, add_given_query(record, texts), err) : rc;
}

int inlay_record_look(struct record *record, struct inlay_error *err)
{
    return read_table(record, "", false, err);
}

void inlay_record_free(struct record *record)
{
    free(record->foreign.versions);
    free(record->rows);
    inlay_results_clear(record->answers, RECORD_ANSWERS);
    inlay_foreign_table_free(&record->table);
}

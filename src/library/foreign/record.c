#include "foreign/record.h"
#include "base/log.h"
#include "history/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int check_table(struct record *record, struct inlay_error *err)
{
    const PGresult *found = record->catalog[1];
    size_t count = (size_t)PQntuples(found);
    struct foreign_attribute *attributes = calloc(count, sizeof *attributes);

    if (attributes == NULL)
        return inlay_error_memory(err);

    struct foreign_table table = {
        .quoted = record->quoted,
        .kind = PQgetvalue(found, 0, FOREIGN_TABLE_KIND)[0],
        .row_security = PQgetvalue(found, 0, FOREIGN_TABLE_ROW_SECURITY)[0] == 't',
        .attributes = attributes,
        .attribute_count = count,
    };
    int rc = read_attributes(record, attributes, err);

    if (rc == INLAY_OK)
        rc = inlay_foreign_check(&record->source, &table, record->columns, err);
    free(attributes);
    return rc;
}

static int find_table(struct record *record, struct inlay_error *err)
{
    const struct foreign_source *source = &record->source;
    const char *const values[] = {source->schema[0] != '\0' ? source->schema : NULL, source->table,
                                  record->run->request.name.schema};
    const struct message messages[] = {
        {.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
        {.sql = inlay_sql_foreign_table, .parameter_count = 3, .parameters = values}};
    int rc = inlay_session_demand(&record->run->connection.session, messages, 2, record->catalog,
                                  INLAY_E_REFUSED, err);

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
    inlay_text_quote(role, sizeof role, record->run->known.snapshot.role, '"');
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
    size_t count = (size_t)PQntuples(answer);

    record->rows = calloc(count + 1, sizeof *record->rows);
    if (record->rows == NULL)
        return inlay_error_memory(err);
    for (int row = 0; row < (int)count; row++)
        for (int i = 0; i < FOREIGN_COLUMNS; i++)
            if (!PQgetisnull(answer, row, i))
                record->rows[row].values[i] = PQgetvalue(answer, row, i);
    return inlay_foreign_read(&record->source, record->quoted, record->rows, count,
                              &record->foreign, err);
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
    for (size_t i = 0; i < locks + 2; i++)
        if (inlay_result_failed(record->answers[i]))
            return refuse_rights(record, record->answers[i], err);
    return keep_rows(record, answer[1], err);
}

static int ask_answers(struct record *record, char *block, char *rows, struct inlay_error *err)
{
    struct message messages[FOREIGN_LOCKS + 2] = {{0}};
    int64_t keys[FOREIGN_LOCKS];
    char texts[FOREIGN_LOCKS][24];
    const char *values[FOREIGN_LOCKS];
    size_t locks = inlay_foreign_locks(&record->source, record->schema,
                                       record->run->known.snapshot.database, keys);

    for (size_t i = 0; i < locks; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)keys[i]);
        values[i] = texts[i];
        messages[i] = (struct message){
            .sql = inlay_sql_foreign_lock, .parameter_count = 1, .parameters = &values[i]};
    }
    messages[locks].sql = block;
    messages[locks + 1] = (struct message){
        .sql = rows, .parameter_count = FOREIGN_COLUMNS, .parameters = record->columns};
    int rc = inlay_session_ask(&record->run->connection.session, messages, locks + 2,
                               record->answers, err);
    return rc == INLAY_OK ? take_answers(record, locks, err) : rc;
}

static int read_rows(struct record *record, struct inlay_error *err)
{
    bool may_lock = PQgetvalue(record->catalog[1], 0, FOREIGN_TABLE_MAY_LOCK)[0] == 't';
    char *block = may_lock ? inlay_sql_foreign_block(record->quoted) : inlay_text_new("%s", "");
    char *rows = inlay_sql_foreign_rows(record->quoted);

    if (!may_lock)
        inlay_log(&record->run->request.options, INLAY_LOG_WARNING,
                  "%s is read without a lock on it, which takes the right to UPDATE: nothing may "
                  "migrate with %s meanwhile",
                  record->quoted, inlay_foreign_name(&record->source));
    int rc = block != NULL && rows != NULL ? ask_answers(record, block, rows, err)
                                           : inlay_error_memory(err);
    free(block);
    free(rows);
    return rc;
}

int inlay_record_read(struct record *record, struct inlay_error *err)
{
    int rc = find_table(record, err);

    return rc == INLAY_OK && record->quoted != NULL ? read_rows(record, err) : rc;
}

void inlay_record_free(struct record *record)
{
    free(record->foreign.versions);
    free(record->rows);
    inlay_results_clear(record->answers, FOREIGN_LOCKS + 2);
    inlay_results_clear(record->catalog, 2);
}

/* Calls the function of a migration in C and runs the statements that it gives. One that ends the
 * transaction fails. */
#include "apply/transaction/in_c.h"

#include <inlay-tx.h>

#include <string.h>

struct inlay_tx {
    struct session *session;
    int rc;                 /* the first failure: no further statement is sent */
    struct inlay_error err; /* its error */
};

/* A call of the migration's own. */
struct source_place {
    const char *file; /* NULL: it was built with a header that does not say */
    int line;
};

/* As the compiler has it; of a longer path the end. */
static void put_place(struct source_place place, struct inlay_error *err)
{
    size_t length = place.file != NULL ? strlen(place.file) : 0;
    size_t most = sizeof err->path - 1;

    if (length == 0 || place.line <= 0)
        return;
    const char *shown = place.file + (length > most ? length - most : 0);
    while (((unsigned char)*shown & 0xC0u) == 0x80u) /* the rest of a character */
        shown++;
    inlay_text_put(err->path, sizeof err->path, "%s", shown);
    err->line = (uint32_t)place.line;
}

static int remember(struct inlay_tx *tx, int rc, struct source_place place, const char *sql)
{
    enum { SHOWN = 200 };

    tx->rc = rc;
    if (rc != INLAY_E_FAILED)
        return rc;
    put_place(place, &tx->err);
    if (sql != NULL)
        inlay_text_add(tx->err.context, sizeof tx->err.context, "%sthe statement was: %.*s%s",
                       tx->err.context[0] != '\0' ? "\n" : "", (int)inlay_text_fitting(sql, SHOWN),
                       sql, strlen(sql) > SHOWN ? "..." : "");
    return rc;
}

/* What the Sync after the statement says of the transaction that the statement ran in. */
static int check_transaction(struct inlay_tx *tx)
{
    if (PQtransactionStatus(tx->session->conn) == PQTRANS_INTRANS)
        return INLAY_OK;
    inlay_error_set(&tx->err, INLAY_E_FAILED, "a statement of the migration ended its transaction");
    inlay_text_put(tx->err.hint, sizeof tx->err.hint, "leave COMMIT and ROLLBACK to inlay");
    return INLAY_E_FAILED;
}

static int check_arguments(const char *sql, size_t count, const char *const *parameters,
                           struct inlay_error *err)
{
    if (sql == NULL)
        return inlay_error_set(err, INLAY_E_FAILED, "the migration gave a statement that is NULL");
    if (parameters == NULL && count > 0)
        return inlay_error_set(err, INLAY_E_FAILED,
                               "the migration gave parameters in an array that is NULL");
    return INLAY_OK;
}

static int ask_tx(struct inlay_tx *tx, struct source_place place, const char *sql, size_t count,
                  const char *const *parameters, PGresult **result, struct inlay_error *err)
{
    struct message query = {.sql = sql, .parameter_count = (int)count, .parameters = parameters};

    if (tx->rc != INLAY_OK)
        return inlay_error_give(tx->rc, &tx->err, err);
    int rc = check_arguments(sql, count, parameters, &tx->err);
    if (rc == INLAY_OK)
        rc = inlay_query_demand(tx->session, &query, 1, result, INLAY_E_FAILED, &tx->err);
    if (rc == INLAY_OK)
        rc = check_transaction(tx);
    if (rc == INLAY_OK)
        return INLAY_OK;
    remember(tx, rc, place, sql);
    return inlay_error_give(rc, &tx->err, err);
}

int inlay_tx_execute_at(const char *file, int line, struct inlay_tx *tx, const char *sql,
                        size_t parameter_count, const char *const *parameters, int64_t *affected,
                        struct inlay_error *err)
{
    const struct source_place place = {file, line};
    PGresult *result = NULL;
    int rc = ask_tx(tx, place, sql, parameter_count, parameters, &result, err);

    if (rc == INLAY_OK && affected != NULL && !inlay_text_number(PQcmdTuples(result), affected))
        *affected = 0; /* a statement that counts nothing */
    PQclear(result);
    return rc;
}

int inlay_tx_query_at(const char *file, int line, struct inlay_tx *tx, const char *sql,
                      size_t parameter_count, const char *const *parameters,
                      struct inlay_rows **rows, struct inlay_error *err)
{
    const struct source_place place = {file, line};
    PGresult *result = NULL;
    int rc = ask_tx(tx, place, sql, parameter_count, parameters, &result, err);

    if (rc == INLAY_OK && rows != NULL)
        *rows = (struct inlay_rows *)result;
    else
        PQclear(result);
    return rc;
}

int inlay_tx_fail_at(const char *file, int line, struct inlay_error *err, const char *message)
{
    const struct source_place place = {file, line};
    struct inlay_error own;

    inlay_error_set(&own, INLAY_E_FAILED, "%s",
                    message != NULL ? message : "the migration failed, and did not say why");
    put_place(place, &own);
    return inlay_error_give(INLAY_E_FAILED, &own, err);
}

/* ---- without a place, for programs that were built with the first header of this ABI ---- */

#undef inlay_tx_execute
#undef inlay_tx_query
#undef inlay_tx_fail

int inlay_tx_execute(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                     const char *const *parameters, int64_t *affected, struct inlay_error *err)
{
    return inlay_tx_execute_at(NULL, 0, tx, sql, parameter_count, parameters, affected, err);
}

int inlay_tx_query(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                   const char *const *parameters, struct inlay_rows **rows, struct inlay_error *err)
{
    return inlay_tx_query_at(NULL, 0, tx, sql, parameter_count, parameters, rows, err);
}

int inlay_tx_fail(struct inlay_error *err, const char *message)
{
    return inlay_tx_fail_at(NULL, 0, err, message);
}

/* ---- rows ---- */

size_t inlay_rows_count(const struct inlay_rows *rows)
{
    return (size_t)PQntuples((const PGresult *)rows);
}

const char *inlay_rows_value(const struct inlay_rows *rows, size_t row, size_t column)
{
    const PGresult *result = (const PGresult *)rows;

    if (row >= (size_t)PQntuples(result) || column >= (size_t)PQnfields(result) ||
        PQgetisnull(result, (int)row, (int)column))
        return NULL;
    return PQgetvalue(result, (int)row, (int)column);
}

void inlay_rows_free(struct inlay_rows *rows)
{
    PQclear((PGresult *)rows);
}

/* ---- the migration ---- */

/* Is this the file of the migration, wherever the compiler found it? */
static bool is_file_of(const struct inlay_script *script, const char *path)
{
    size_t length = strlen(path);
    size_t own = strlen(script->path);

    return length >= own && strcmp(path + length - own, script->path) == 0 &&
           (length == own || path[length - own - 1] == '/');
}

/* The first character of a line that is not blank. False: the text has not so many lines. */
static bool find_line(const struct inlay_script *script, uint32_t line, size_t *offset)
{
    const char *at = script->text;

    for (; line > 1 && at != NULL; line--) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || line == 0)
        return false;
    *offset = (size_t)(at - script->text) + strspn(at, " \t");
    return true;
}

/* The migration's own file is named as everywhere else, with the line as it is embedded. A call in
 * another file stays where it was. */
static void settle_place(const struct inlay_set *set, const struct inlay_script *script,
                         struct inlay_error *err)
{
    size_t offset;

    if (err->path[0] == '\0')
        inlay_error_file(err, set, script);
    else if (is_file_of(script, err->path) && find_line(script, err->line, &offset))
        inlay_error_place(err, set, script, offset);
}

static int call(struct session *session, inlay_migration_function function, struct inlay_error *err)
{
    struct inlay_tx tx = {.session = session};
    struct inlay_error own;
    int64_t answer_ms = session->answer_ms;

    inlay_error_clear(&own);
    session->answer_ms = 0; /* what a body asks takes as long as it takes */
    int returned = function(&tx, &own);
    session->answer_ms = answer_ms;
    if (tx.rc != INLAY_OK) /* it may have gone on, but the transaction cannot */
        return inlay_error_give(tx.rc, &tx.err, err);
    if (returned == INLAY_OK)
        return INLAY_OK;
    if (own.message[0] == '\0')
        inlay_error_set(&own, INLAY_E_FAILED, "the migration returned %d", returned);
    own.code = INLAY_E_FAILED;
    return inlay_error_give(INLAY_E_FAILED, &own, err);
}

int inlay_in_c_run(struct session *session, const struct inlay_set *set,
                   const struct inlay_script *script, struct inlay_error *err)
{
    int rc = call(session, script->function, err);

    if (rc == INLAY_E_FAILED)
        settle_place(set, script, err);
    return rc;
}

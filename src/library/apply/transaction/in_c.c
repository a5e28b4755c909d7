#include "apply/transaction/in_c.h"

#include <inlay-tx.h>

#include <string.h>

struct inlay_tx {
    struct session *session;
    int rc;                 /* the first failure: no further statement is sent */
    struct inlay_error err; /* its error */
};

static int remember(struct inlay_tx *tx, int rc, const char *sql)
{
    enum { SHOWN = 200 };

    tx->rc = rc;
    if (rc == INLAY_E_FAILED)
        inlay_text_add(tx->err.context, sizeof tx->err.context, "%sin: %.*s%s",
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

static int ask_tx(struct inlay_tx *tx, const char *sql, size_t count, const char *const *parameters,
                  PGresult **result, struct inlay_error *err)
{
    struct message query = {.sql = sql, .parameter_count = (int)count, .parameters = parameters};

    if (tx->rc != INLAY_OK)
        return inlay_error_give(tx->rc, &tx->err, err);
    int rc = inlay_query_demand(tx->session, &query, 1, result, INLAY_E_FAILED, &tx->err);
    if (rc == INLAY_OK)
        rc = check_transaction(tx);
    if (rc == INLAY_OK)
        return INLAY_OK;
    remember(tx, rc, sql);
    return inlay_error_give(rc, &tx->err, err);
}

int inlay_tx_execute(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                     const char *const *parameters, int64_t *affected, struct inlay_error *err)
{
    PGresult *result = NULL;
    int rc = ask_tx(tx, sql, parameter_count, parameters, &result, err);

    if (rc == INLAY_OK && affected != NULL && !inlay_text_number(PQcmdTuples(result), affected))
        *affected = 0; /* a statement that counts nothing */
    PQclear(result);
    return rc;
}

int inlay_tx_query(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                   const char *const *parameters, struct inlay_rows **rows, struct inlay_error *err)
{
    PGresult *result = NULL;
    int rc = ask_tx(tx, sql, parameter_count, parameters, &result, err);

    if (rc == INLAY_OK)
        *rows = (struct inlay_rows *)result;
    else
        PQclear(result);
    return rc;
}

int inlay_tx_fail(struct inlay_error *err, const char *message)
{
    struct inlay_error own;

    inlay_error_set(&own, INLAY_E_FAILED, "%s", message);
    return inlay_error_give(INLAY_E_FAILED, &own, err);
}

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

int inlay_in_c_run(struct session *session, inlay_migration_function function,
                   struct inlay_error *err)
{
    struct inlay_tx tx = {.session = session};
    struct inlay_error own;

    inlay_error_clear(&own);
    int returned = function(&tx, &own);
    if (tx.rc != INLAY_OK) /* it may have gone on, but the transaction cannot */
        return inlay_error_give(tx.rc, &tx.err, err);
    if (returned == INLAY_OK)
        return INLAY_OK;
    if (own.message[0] == '\0')
        inlay_error_set(&own, INLAY_E_FAILED, "the migration returned %d", returned);
    own.code = INLAY_E_FAILED;
    return inlay_error_give(INLAY_E_FAILED, &own, err);
}

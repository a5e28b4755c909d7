/* Reads a server's answer: did it fail, how, and the error that follows. */
#include "wire/result.h"

#include <string.h>

bool inlay_result_failed(const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_EMPTY_QUERY:
        return false;
    default:
        return true;
    }
}

bool inlay_result_has_state(const PGresult *result, const char *sqlstate)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state != NULL && strcmp(state, sqlstate) == 0;
}

bool inlay_result_quotes(const PGresult *result, const char *text)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    return message != NULL && strstr(message, text) != NULL;
}

const char *inlay_result_text(const PGresult *result, int row, int column)
{
    if (column < 0 || PQgetisnull(result, row, column))
        return NULL;
    return PQgetvalue(result, row, column);
}

/* PQfnumber takes memory for the name, and says that there is no such column where it gets none. */
int inlay_result_column(const PGresult *result, const char *name)
{
    int number = PQnfields(result) - 1;

    while (number >= 0 && strcmp(PQfname(result, number), name) != 0)
        number--;
    return number;
}

const char *inlay_result_stranger(const PGresult *result, const char *const *names, size_t count)
{
    for (int column = 0; column < PQnfields(result); column++) {
        size_t i = 0;
        while (i < count && inlay_result_column(result, names[i]) != column)
            i++;
        if (i == count)
            return PQfname(result, column);
    }
    return NULL;
}

static void copy_field(const PGresult *result, int field, const char *label, char *buffer,
                       size_t size)
{
    const char *text = PQresultErrorField(result, field);

    if (text != NULL)
        inlay_text_add(buffer, size, "%s%s%s", buffer[0] != '\0' ? "\n" : "", label, text);
}

/* Its unique keys are ours to violate only where another session made the same at the same time. */
static void name_catalog(const PGresult *result, struct inlay_error *err)
{
    const char *schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);

    if (schema != NULL && strcmp(schema, "pg_catalog") == 0)
        copy_field(result, PG_DIAG_TABLE_NAME, inlay_error_in_catalog, err->context,
                   sizeof err->context);
}

int inlay_result_error(const PGresult *result, enum inlay_code code, struct inlay_error *err)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    /* libpq's own failures (no memory, a COPY in a pipeline) have no fields. */
    if (message == NULL)
        message = PQresultErrorMessage(result);
    if (message == NULL || message[0] == '\0')
        message = "the server's answer could not be read";
    inlay_error_set(err, code, "%s", message);
    copy_field(result, PG_DIAG_SQLSTATE, "", err->sqlstate, sizeof err->sqlstate);
    copy_field(result, PG_DIAG_MESSAGE_DETAIL, "", err->detail, sizeof err->detail);
    copy_field(result, PG_DIAG_MESSAGE_HINT, "", err->hint, sizeof err->hint);
    name_catalog(result, err);
    copy_field(result, PG_DIAG_CONTEXT, "", err->context, sizeof err->context);
    copy_field(result, PG_DIAG_INTERNAL_QUERY, "in: ", err->context, sizeof err->context);
    return code;
}

int inlay_results_check(PGresult *const *results, size_t count, enum inlay_code code,
                        struct inlay_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (inlay_result_failed(results[i]))
            return inlay_result_error(results[i], code, err);
    return INLAY_OK;
}

void inlay_results_clear(PGresult **results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        PQclear(results[i]);
        results[i] = NULL;
    }
}

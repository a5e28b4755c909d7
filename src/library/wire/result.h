/* Reading what the server answered. */
#ifndef INLAY_RESULT_H
#define INLAY_RESULT_H

#include "base/error.h"

#include <libpq-fe.h>

/* Did this result fail, and with which state? */
bool inlay_result_failed(const PGresult *result);
bool inlay_result_has_state(const PGresult *result, const char *sqlstate);

/* Does its message quote this text? A server says all else in its own language. */
bool inlay_result_quotes(const PGresult *result, const char *text);

/* The number of the column with this name; -1: there is none. */
int inlay_result_column(const PGresult *result, const char *name);

/* The first column that has none of these names, or is there twice; NULL: there is none. */
const char *inlay_result_stranger(const PGresult *result, const char *const *names, size_t count);

/* A value; NULL where it is SQL's, or there is no such column (-1). */
const char *inlay_result_text(const PGresult *result, int row, int column);

/* INLAY_OK, or the error of the first that failed, with this code. */
int inlay_results_check(PGresult *const *results, size_t count, enum inlay_code code,
                        struct inlay_error *err);

/* Fills the error from a failed result: message, SQLSTATE, detail, hint, context. */
int inlay_result_error(const PGresult *result, enum inlay_code code, struct inlay_error *err);

/* Clears results and makes them NULL. */
void inlay_results_clear(PGresult **results, size_t count);

#endif

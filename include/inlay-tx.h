/*
 * Migrations in C: the calls that an inlay_migration_function makes.
 *
 * For use inside an inlay_migration_function only. The transaction is inlay's: it begins it,
 * records the migration and commits; a statement that ends it fails the migration.
 */
#ifndef INLAY_TX_H
#define INLAY_TX_H

#include <inlay.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The rows of a query, as text. */
struct inlay_rows;

/* The first three are macros of the same names below: an error then has the file and the line of
 * the call. */

/* Runs one statement with parameters $1, $2 ... in text form (NULL is SQL's NULL). `affected`,
 * which may be NULL, receives the number of rows that it touched. Returns INLAY_OK; INLAY_E_FAILED:
 * the statement failed, and so does every further one; INLAY_E_LOST, _STOPPED, _MEMORY: return it.
 * Since 0.1. */
INLAY_API int inlay_tx_execute(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                               const char *const *parameters, int64_t *affected,
                               struct inlay_error *err);

/* The same for a statement that returns rows; all of them are kept in memory, so read a large
 * table in parts. The caller frees `*rows` with inlay_rows_free. Since 0.1. */
INLAY_API int inlay_tx_query(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                             const char *const *parameters, struct inlay_rows **rows,
                             struct inlay_error *err);

/* Says why the migration cannot continue, in one sentence. Returns INLAY_E_FAILED. Since 0.1. */
INLAY_API int inlay_tx_fail(struct inlay_error *err, const char *message);

/* The same three for a call at this place of a source: `file` is as __FILE__ has it, and stays
 * where it is. For a function of your own around them, which hands on where it was called. Since
 * 0.1. */
INLAY_API int inlay_tx_execute_at(const char *file, int line, struct inlay_tx *tx, const char *sql,
                                  size_t parameter_count, const char *const *parameters,
                                  int64_t *affected, struct inlay_error *err);
INLAY_API int inlay_tx_query_at(const char *file, int line, struct inlay_tx *tx, const char *sql,
                                size_t parameter_count, const char *const *parameters,
                                struct inlay_rows **rows, struct inlay_error *err);
INLAY_API int inlay_tx_fail_at(const char *file, int line, struct inlay_error *err,
                               const char *message);

#define inlay_tx_execute(...) inlay_tx_execute_at(__FILE__, __LINE__, __VA_ARGS__)
#define inlay_tx_query(...) inlay_tx_query_at(__FILE__, __LINE__, __VA_ARGS__)
#define inlay_tx_fail(...) inlay_tx_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* Number of rows. Since 0.1. */
INLAY_API size_t inlay_rows_count(const struct inlay_rows *rows);

/* A value in text form; NULL where it is SQL's NULL or out of range. Lives as long as the rows.
 * Since 0.1. */
INLAY_API const char *inlay_rows_value(const struct inlay_rows *rows, size_t row, size_t column);

/* Frees rows; NULL is allowed. Since 0.1. */
INLAY_API void inlay_rows_free(struct inlay_rows *rows);

#ifdef __cplusplus
}
#endif

#endif

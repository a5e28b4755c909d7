/* The schema of a database as text, as it stands in a file. Only the catalogs are asked; nothing is
 * parsed. Rows and the values of sequences are not part of it, nor is what an extension brought,
 * nor the tables of the history.
 *
 *     -- inlay schema 1, PostgreSQL 15
 *
 *     table public.orders
 *         id bigint NOT NULL
 *         total numeric(10,2)
 *       |     DEFAULT 0
 *
 *     table public.orders constraint orders_pkey
 *         PRIMARY KEY (id)
 *
 * A block for each object, sorted by its first line, which is the object's identity. A line that
 * begins with a bar is the server's print of an expression, which other major versions may write
 * otherwise. */
#ifndef INLAY_SCHEMA_READ_H
#define INLAY_SCHEMA_READ_H

#include "history/name.h"
#include "wire/query.h"

/* The first line, less the number of the major version. */
#define INLAY_SCHEMA_HEAD "-- inlay schema 1, PostgreSQL "

/* Reads it, of one moment. The caller frees `*text`, also after a failure. INLAY_OK;
 * INLAY_E_LOCKED: another session held a table for so long; INLAY_E_REFUSED: the server refused;
 * else as inlay_query_ask. */
int inlay_schema_text(struct session *session, const struct history_name *history, int64_t lock_ms,
                      char **text, struct inlay_error *err);

#endif

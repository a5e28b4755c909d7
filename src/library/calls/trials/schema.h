/* The schema of a database as lines of text, to be compared. Only the catalogs are asked; nothing
 * is parsed. Rows and the values of sequences are not part of it, nor is what an extension brought.
 */
#ifndef INLAY_SCHEMA_H
#define INLAY_SCHEMA_H

#include "wire/query.h"

/* The columns of a line. Lines are in the order of object and number. */
enum {
    SCHEMA_OBJECT, /* "table column public.tickets.state" */
    SCHEMA_NUMBER, /* from 1: a definition may have several lines */
    SCHEMA_TEXT    /* "3 text NOT NULL DEFAULT 'open'::text" */
};

/* Reads all lines, in a transaction of its own; the caller clears `*lines`, after a failure too.
 * INLAY_OK, INLAY_E_REFUSED, or the codes of inlay_query_ask. */
int inlay_schema_read(struct session *session, PGresult **lines, struct inlay_error *err);

/* Logs up to 20 of the lines that are in one of them alone, with '-' what is in `before` and with
 * '+' what is in `now`. Returns how many there are. */
size_t inlay_schema_compare(const PGresult *before, const PGresult *now,
                            const struct inlay_options *options);

/* The first object that somebody made, or NULL. `*count` receives how many there are. What a fresh
 * database may have (extensions, the schema public, default privileges) does not count, nor do the
 * parts of other objects. */
const char *inlay_schema_first(const PGresult *lines, size_t *count);

#endif

/* What another tool, or a query, says is applied: asked for, checked and read. */
#ifndef INLAY_RECORD_H
#define INLAY_RECORD_H

#include "foreign/foreign.h"
#include "foreign/table.h"

enum { RECORD_ANSWERS = 6 };

struct record {
    struct session *session;
    const struct inlay_set *set;
    const struct history_name *name; /* of our history */
    const struct snapshot *now;
    struct foreign_source source;
    const char *quoted; /* NULL: there is no such table */
    struct foreign_table table;
    PGresult *answers[RECORD_ANSWERS];
    struct foreign_row *rows;
    size_t row_count;
    struct foreign_record foreign; /* points into the rows, and they into the answers */
};

/* Fills a record of which the members up to `source` are set, under the tool's own lock in a
 * transaction that stays open. INLAY_OK, also if there is no such table; INLAY_E_REFUSED: not the
 * tool's table, not readable, not understood; INLAY_E_LOCKED: the tool is at work; or the codes of
 * inlay_query_ask. Whatever it is, the caller ends the transaction and frees the record. */
int inlay_record_read(struct record *record, struct inlay_error *err);

/* The same of a table, without lock and transaction: could it be adopted? The caller frees the
 * record. */
int inlay_record_look(struct record *record, struct inlay_error *err);

/* INLAY_E_LOCKED: a read of `what` did not get its lock, which the result says; with those that
 * hold one. Rolls back. Or the codes of inlay_holders_ask. */
int inlay_record_refuse_held(struct session *session, const char *what, const PGresult *result,
                             struct inlay_error *err);

void inlay_record_free(struct record *record);

#endif

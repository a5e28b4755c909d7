/* Indexes that are built and dropped while the table is in use: an attempt that fails leaves one
 * that is INVALID, costs writes and serves no read. */
#ifndef INLAY_INDEX_H
#define INLAY_INDEX_H

#include "apply/stepwise/progress.h"

enum index_state {
    INDEX_ABSENT, /* or its table is, or the name is another table's */
    INDEX_INVALID,
    INDEX_VALID
};

struct index_look {
    enum index_state state;
    char name[INDEX_NAME_MAX]; /* qualified and quoted; empty where its table is absent */
    char definition[512];      /* empty where there is no such index */
    char builder[16];          /* pid of a session that builds one on its table, or empty */
};

/* What is looked at: $1 the table or NULL, $2 the index; name, is it valid (NULL: it is not there),
 * definition, pid of a session that builds one on its table. */
extern const char inlay_index_sql[];

/* Looks at an index of a table, both as written, in the schema where the session finds the table;
 * without a table at a name of an index that may have a schema. INLAY_OK, INLAY_E_FAILED, or the
 * codes of inlay_query_ask. */
int inlay_index_look(struct session *session, const char *table, const char *index,
                     struct index_look *look, struct inlay_error *err);

/* The same when no other session builds an index on that table any more; one that is INVALID then
 * stays so, and is dropped. Waiting in the server instead would deadlock with the other.
 * INLAY_E_LOCKED when that takes longer than a run waits. */
int inlay_index_make_room(struct session *session, const char *table, const char *index,
                          struct index_look *look, struct inlay_error *err);

/* Drops what a broken REINDEX CONCURRENTLY of this table or index left. */
int inlay_index_drop_leftovers(struct session *session, const struct inlay_statement *statement,
                               struct inlay_error *err);

#endif

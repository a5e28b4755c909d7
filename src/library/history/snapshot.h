/* The look at the database: one round trip that reads all that the plan needs, without a lock and
 * without a write. */
#ifndef INLAY_SNAPSHOT_H
#define INLAY_SNAPSHOT_H

#include "history/history.h"
#include "history/lock.h"
#include "history/shape.h"
#include "wire/query.h"

struct snapshot {
    int64_t backend_pid; /* as the server says: differs from libpq's through a pooler */
    bool on_linux;       /* the server runs there */
    bool in_recovery;
    bool read_only;
    bool schema_exists;
    bool may_create;
    char database[64];
    char role[64];
    struct shape history_shape;
    struct shape state_shape;
    struct history history;
    bool locked;         /* the lock was asked for and given */
    char holder[256];    /* what has it, in words; empty: nothing, or it was not asked */
    char holder_pid[16]; /* of the server's process */
};

enum snapshot_lock {
    SNAPSHOT_ONLY,
    SNAPSHOT_TRY_LOCK,  /* try the lock first: what is read is then as of after taking it */
    SNAPSHOT_ASK_HOLDER /* and ask what has it */
};

/* Questions that are asked before those of a look, in the same round trip. */
struct questions_before {
    const struct message *queries;
    size_t count; /* SNAPSHOT_BEFORE_MOST at most */
    bool joined;  /* the look's own are likely to be answered: they are asked in one piece */
    PGresult **results;
};
enum { SNAPSHOT_BEFORE_MOST = 24 };

/* Fills the look. `before` may be NULL; the caller clears its results. Refuses what is not a
 * history that can be read: INLAY_E_REFUSED, or the codes of inlay_query_ask. The caller frees it
 * with inlay_snapshot_free, after a failure too. A failure after the lock was given leaves `locked`
 * set. */
int inlay_snapshot_read(struct session *session, const struct history_name *name,
                        const struct questions_before *before, enum snapshot_lock lock,
                        struct snapshot *look, struct inlay_error *err);

/* $1 schema of the history, quoted, $2 history, $3 state table: a row for each of them that has row
 * security; its name, and one of the roles that may read it and are kept out, or NULL. */
extern const char inlay_snapshot_readers_sql[];

/* Says that this role may not read the state table, where that is needed. */
int inlay_snapshot_refuse_state(const struct snapshot *look, const struct history_name *name,
                                struct inlay_error *err);

void inlay_snapshot_free(struct snapshot *look);

#endif

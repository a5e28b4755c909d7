/* The migration lock: an advisory lock of the session. */
#ifndef INLAY_LOCK_H
#define INLAY_LOCK_H

#include "history/name.h"
#include "wire/exchange.h"

struct lock {
    struct session *session;
    const struct history_name *name;
    bool held;
};

/* The columns of inlay_lock_holder_sql; all but the first may be NULL. */
enum {
    LOCK_HOLDER_PID,
    LOCK_HOLDER_APPLICATION,
    LOCK_HOLDER_ADDRESS,
    LOCK_HOLDER_SECONDS, /* since it connected */
    LOCK_HOLDER_SINCE,   /* the same as a time */
    LOCK_HOLDER_STATEMENT
};

/* $1 is the key of the lock. */
extern const char inlay_lock_try_sql[];
extern const char inlay_lock_release_sql[];
extern const char inlay_lock_holder_sql[];

/* The key of the lock as a parameter. */
struct lock_key {
    char text[24];
    const char *parameters[1];
};

/* A message about the lock; the key is kept until it is sent. */
struct message inlay_lock_message(const struct history_name *name, const char *sql,
                                  struct lock_key *key);

/* Gives the lock back, and logs a warning if it was no longer ours. */
void inlay_lock_release(struct lock *lock);

/* Takes the answer to inlay_lock_release_sql, where that was part of another conversation. */
void inlay_lock_released(struct lock *lock, const PGresult *result);

/* Does this session still hold the lock? INLAY_OK or an error. */
int inlay_lock_verify(struct lock *lock, struct inlay_error *err);

#endif

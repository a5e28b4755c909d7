/* Tables are held by another session: which it is, and for how long we try again. */
#ifndef INLAY_HELD_H
#define INLAY_HELD_H

#include "base/backoff.h"
#include "run/run.h"

struct held {
    struct session *session;
    const struct request *request;
    struct report *report;
    int64_t read_by;  /* the end of a call that only reads; 0: it does more */
    int64_t deadline; /* 0: not begun */
    int64_t tell_at;
    struct backoff backoff;
};

/* A wait that has not begun. */
struct held inlay_held_init(struct session *session, const struct request *request,
                            struct report *report);

/* Begins it. It ends with the call's time, or with the wait for the migration lock. */
void inlay_held_begin(struct held *held);

/* Is this error of a wait for a lock that was cut short? */
bool inlay_held_is(const struct inlay_error *err);

/* Gives the next look its time: short at first, so that it is soon known what holds the tables. */
void inlay_held_limit_look(const struct held *held);
/* ... and whatever else is asked afterwards. */
void inlay_held_limit_rest(const struct held *held);

/* After a statement of ours did not get its lock, outside of a transaction: asks what holds our
 * tables, says so, and waits a moment. INLAY_OK: try again. INLAY_E_LOCKED: the time is over; or
 * INLAY_E_LOST, INLAY_E_STOPPED. */
int inlay_held_wait(struct held *held, struct inlay_error *err);

/* The same after a failure of what is ours, which may have been another: rolls back first. True:
 * try again. False: `rc` is what it was, or the code of inlay_held_wait. */
bool inlay_held_again(struct held *held, int *rc, struct inlay_error *err);

/* Runs what reads tables that are not ours, which it does under this lock_timeout, and which
 * returns INLAY_E_LOCKED with the server's state where that ended it; then it is outside of a
 * transaction. It has two tries, with the time of a call that only reads, and between them is said
 * what holds the tables. The code of `read`; INLAY_E_LOCKED keeps the place of the error. */
int inlay_held_read(struct session *session, const struct inlay_options *options,
                    int (*read)(void *context, int64_t lock_ms, struct inlay_error *err),
                    void *context, struct inlay_error *err);

#endif

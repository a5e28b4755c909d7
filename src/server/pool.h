/* A pool of one: a thread with the one connection that serves requests, and the queue before it.
 * Jobs go to the thread and come back as pointers through two pipes, so that the event loop waits
 * for them as it waits for everything else, and nothing has to be locked. */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct pool;

enum { JOB_VALUES_MOST = 4 };

/* One statement, which is a transaction of its own. It belongs to the pool, with all that it points
 * to, until `done` is called. */
struct job {
    const char *sql;
    int value_count;
    const char *values[JOB_VALUES_MOST]; /* $1, $2, ...; NULL is NULL */
    void (*done)(struct job *job);       /* in the thread of the event loop */

    PGresult *result; /* the answer, or NULL where there is none; cleared after `done` */
    int64_t begin_by; /* the pool's: later it is not begun */
};

/* `conninfo` may be NULL, as in struct inlay_options. Connects only when there is a job. NULL, with
 * errno, where that is not possible. */
struct pool *pool_new(struct event_base *base, const char *conninfo);

/* False where too many are waiting. */
bool pool_submit(struct pool *pool, struct job *job);

/* Jobs that are not done. */
size_t pool_count(const struct pool *pool);

/* Breaks off what runs; every job is done, if without a result, when it returns. NULL is allowed.
 */
void pool_free(struct pool *pool);

#endif

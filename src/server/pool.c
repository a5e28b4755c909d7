/* The connection that serves requests. It has nothing to do with the one that migrates: that is the
 * library's own, and lives only as long as a look at the database takes. */
#include "pool.h"
#include "log.h"
#include "state.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define WAITING_MOST 64

/* A job that has not begun after this is not begun: its client no longer waits. */
#define BEGIN_MS 5000

/* For a connection, and for an answer. The server ends a statement before we would: a statement
 * that waits for a running migration must not be carried out when its client is gone. */
#define ANSWER_MS 7000
#define LIMIT_STATEMENT "SET statement_timeout = '5s'"

struct pool {
    const char *conninfo;
    PGconn *connection; /* the thread's, as long as it lives */
    pthread_t thread;
    int jobs[2], done[2]; /* pipes: to the thread and back; -1 where there is none */
    struct event *on_done;
    size_t count;
};

/* ---- in the thread ---- */

/* Waits for the server. False when the time is over, and when the pool ends: the other end of the
 * pipe is closed then, which shows although jobs may be in it. */
static bool await(const struct pool *pool, short events, int64_t until)
{
    struct pollfd fds[] = {
        {.fd = PQsocket(pool->connection), .events = events},
        {.fd = pool->jobs[0]},
    };
    int64_t left = until - clock_ms();

    if (poll(fds, 2, left > 0 ? (int)left : 0) < 0)
        return errno == EINTR && await(pool, events, until);
    return fds[0].revents != 0 && fds[1].revents == 0;
}

static bool is_ending(const struct pool *pool)
{
    struct pollfd fd = {.fd = pool->jobs[0]};

    return poll(&fd, 1, 0) > 0;
}

/* The last result of one command; NULL where the connection is no good any more. Nothing is
 * prepared: no plan outlives a migration that changes the tables. */
static PGresult *query(const struct pool *pool, const struct job *job)
{
    int64_t until = clock_ms() + ANSWER_MS;
    PGresult *last = NULL;

    if (!PQsendQueryParams(pool->connection, job->sql, job->value_count, NULL, job->values, NULL,
                           NULL, 0))
        return NULL;
    for (;;) {
        while (PQisBusy(pool->connection)) {
            if (!await(pool, POLLIN, until) || !PQconsumeInput(pool->connection)) {
                PQclear(last);
                return NULL;
            }
        }
        PGresult *next = PQgetResult(pool->connection);
        if (next == NULL)
            return last;
        PQclear(last);
        last = next;
    }
}

static void disconnect(struct pool *pool)
{
    PQfinish(pool->connection);
    pool->connection = NULL;
}

static bool await_connection(const struct pool *pool)
{
    int64_t until = clock_ms() + ANSWER_MS;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
        if (!await(pool, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
            return false;
        next = PQconnectPoll(pool->connection);
    }
    return next == PGRES_POLLING_OK;
}

static bool limit_statements(const struct pool *pool)
{
    PGresult *result = query(pool, &(struct job){.sql = LIMIT_STATEMENT});
    bool done = PQresultStatus(result) == PGRES_COMMAND_OK;

    PQclear(result);
    return done;
}

static void on_notice(void *context, const char *text)
{
    (void)context;
    log_line("tickets: ", text);
}

/* Looking up the host's name is the one thing here that may take longer than ANSWER_MS. */
static bool connect_anew(struct pool *pool)
{
    static const char *const names[] = {"dbname", "client_encoding", "fallback_application_name",
                                        NULL};
    const char *const values[] = {pool->conninfo, "UTF8", "inlay server", NULL};

    disconnect(pool);
    pool->connection = PQconnectStartParams(names, values, 1);
    if (pool->connection == NULL)
        return false;
    PQsetNoticeProcessor(pool->connection, on_notice, NULL);
    return PQstatus(pool->connection) != CONNECTION_BAD && await_connection(pool) &&
           limit_statements(pool);
}

/* The server says nothing to an idle connection, unless it ends it: what has something to read is
 * not used again. */
static bool is_usable(const struct pool *pool)
{
    struct pollfd fd = {.fd = PQsocket(pool->connection), .events = POLLIN};

    return PQstatus(pool->connection) == CONNECTION_OK && poll(&fd, 1, 0) == 0;
}

static void perform(struct pool *pool, struct job *job)
{
    if (is_ending(pool) || clock_ms() > job->begin_by)
        return;
    if (is_usable(pool) || connect_anew(pool))
        job->result = query(pool, job);
    if (job->result != NULL)
        return;
    log_line("tickets: the database does not answer: ", PQerrorMessage(pool->connection));
    disconnect(pool);
}

/* A pointer goes through a pipe as a whole; false at the end. */
static bool take(int fd, struct job **job)
{
    ssize_t count;

    do
        count = read(fd, job, sizeof *job);
    while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof *job;
}

static void hand_over(int fd, struct job *job)
{
    while (write(fd, &job, sizeof job) < 0 && errno == EINTR)
        ;
}

static void *run(void *context)
{
    struct pool *pool = context;
    struct job *job;

    while (take(pool->jobs[0], &job)) {
        perform(pool, job);
        hand_over(pool->done[1], job);
    }
    disconnect(pool);
    close(pool->done[1]);
    return NULL;
}

/* ---- in the event loop ---- */

static void finish(struct pool *pool, struct job *job)
{
    PGresult *result = job->result;

    pool->count--;
    job->done(job); /* which may free it */
    PQclear(result);
}

static void on_done(evutil_socket_t fd, short events, void *context)
{
    struct job *job;

    (void)events;
    if (take(fd, &job))
        finish(context, job);
}

bool pool_submit(struct pool *pool, struct job *job)
{
    if (pool->count == WAITING_MOST)
        return false;
    pool->count++;
    job->result = NULL;
    job->begin_by = clock_ms() + BEGIN_MS;
    hand_over(pool->jobs[1], job); /* a pipe holds more than WAITING_MOST pointers */
    return true;
}

size_t pool_count(const struct pool *pool)
{
    return pool->count;
}

static bool start(struct pool *pool, struct event_base *base)
{
    if (pipe(pool->jobs) != 0 || pipe(pool->done) != 0)
        return false;
    pool->on_done = event_new(base, pool->done[0], EV_READ | EV_PERSIST, on_done, pool);
    if (pool->on_done == NULL || event_add(pool->on_done, NULL) != 0)
        return false;
    errno = pthread_create(&pool->thread, NULL, run, pool);
    return errno == 0;
}

struct pool *pool_new(struct event_base *base, const char *conninfo)
{
    struct pool *pool = malloc(sizeof *pool);

    if (pool == NULL)
        return NULL;
    *pool = (struct pool){.conninfo = conninfo, .jobs = {-1, -1}, .done = {-1, -1}};
    if (start(pool, base))
        return pool;
    for (size_t i = 0; i < 2; i++) {
        close(pool->jobs[i]);
        close(pool->done[i]);
    }
    if (pool->on_done != NULL)
        event_free(pool->on_done);
    free(pool);
    return NULL;
}

void pool_free(struct pool *pool)
{
    struct job *job;

    if (pool == NULL)
        return;
    close(pool->jobs[1]);
    while (take(pool->done[0], &job)) /* up to the end of the thread */
        finish(pool, job);
    pthread_join(pool->thread, NULL);
    event_free(pool->on_done);
    close(pool->jobs[0]);
    close(pool->done[0]);
    free(pool);
}

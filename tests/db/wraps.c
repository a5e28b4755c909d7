/* Calls that fail when they are told to. The linker puts these wrappers (-Wl,--wrap=NAME) under
 * everything that the libraries allocate and ask of libpq; each counts its calls, fails one of them
 * as the real one would, and keeps account of what was given out and not taken back.
 *
 * What the real call can return, and so what is modelled:
 *   malloc, calloc,
 *   realloc               NULL
 *   PQconninfo...         NULL, without a text: no memory
 *   PQconnectStartParams  NULL: no memory
 *   PQconnectPoll         the server has gone
 *   PQset..., PQenter..., PQexit..., PQsend..., PQpipelineSync, PQgetCancel
 *                         their word for no memory; the connection stays as it is
 *   PQflush               the network has gone: -1
 *   PQconsumeInput        0, with no memory for what has come, or because the network has gone
 *   PQgetResult           no memory for the result: NULL in its place (libpq 14), or a failed
 *                         result without any fields (since then)
 *   PQcancel, pthread_create
 *                         the server is not reached; there is no thread to ask it */
#include <errno.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum kind {
    NO_MEMORY,
    NO_CONNINFO,
    NO_CONNECTION,
    POLL_FAILS,
    NONBLOCKING_FAILS,
    ENTER_FAILS,
    EXIT_FAILS,
    SINGLE_ROWS_FAIL,
    SEND_FAILS,
    SYNC_FAILS,
    REQUEST_FAILS,
    FLUSH_FAILS,
    INPUT_FAILS,
    INPUT_ENDS,
    NO_RESULT,
    BAD_RESULT,
    NO_CANCEL,
    CANCEL_FAILS,
    NO_THREAD,
    KINDS
};

static const char *const kind_names[KINDS] = {
    "memory",    "conninfo",   "connection", "poll",    "nonblocking", "enter", "exit",
    "single",    "send",       "sync",       "request", "flush",       "input", "input-ends",
    "no-result", "bad-result", "no-cancel",  "cancel",  "thread",
};

enum account { MEMORY, RESULTS, CONNECTIONS, OPTIONS, CANCELS, ACCOUNTS };

static const char *const account_names[ACCOUNTS] = {"memory", "results", "connections", "options",
                                                    "cancels"};

static enum kind failing = KINDS;
static long failing_at;
static long calls[KINDS];
static bool failed;        /* the one was met */
static char said[80];      /* the statement that was sent last */
static char failed_at[80]; /* the same when it was met */
static atomic_long accounts[ACCOUNTS];

/* Counts a call; is it the one? */
static bool fails(enum kind kind)
{
    if (++calls[kind] != failing_at || kind != failing)
        return false;
    failed = true;
    memcpy(failed_at, said, sizeof said);
    return true;
}

static void begin_faults(enum kind kind, long at)
{
    memset(calls, 0, sizeof calls);
    failing = kind;
    failing_at = at;
    failed = false;
    said[0] = failed_at[0] = '\0';
}

static void end_faults(void)
{
    failing = KINDS;
}

static void *given(enum account account, void *what)
{
    if (what != NULL)
        atomic_fetch_add(&accounts[account], 1);
    return what;
}

static void taken(enum account account, const void *what)
{
    if (what != NULL)
        atomic_fetch_sub(&accounts[account], 1);
}

/* The other end notices too, as it does where a network ends. */
static void cut(const PGconn *conn)
{
    shutdown(PQsocket(conn), SHUT_RDWR);
}

/* ---- memory ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

void *__wrap_malloc(size_t size)
{
    return fails(NO_MEMORY) ? NULL : given(MEMORY, __real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(NO_MEMORY) ? NULL : given(MEMORY, __real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (fails(NO_MEMORY))
        return NULL;
    taken(MEMORY, memory);
    return given(MEMORY, __real_realloc(memory, size));
}

void __wrap_free(void *memory)
{
    taken(MEMORY, memory);
    __real_free(memory);
}

/* ---- connecting ---- */

PQconninfoOption *__real_PQconninfo(PGconn *conn);
PQconninfoOption *__real_PQconndefaults(void);
PQconninfoOption *__real_PQconninfoParse(const char *conninfo, char **text);
void __real_PQconninfoFree(PQconninfoOption *options);
PGconn *__real_PQconnectStartParams(const char *const *keywords, const char *const *values,
                                    int expand);
PostgresPollingStatusType __real_PQconnectPoll(PGconn *conn);
void __real_PQfinish(PGconn *conn);

PQconninfoOption *__wrap_PQconninfo(PGconn *conn)
{
    return fails(NO_CONNINFO) ? NULL : given(OPTIONS, __real_PQconninfo(conn));
}

PQconninfoOption *__wrap_PQconndefaults(void)
{
    return fails(NO_CONNINFO) ? NULL : given(OPTIONS, __real_PQconndefaults());
}

PQconninfoOption *__wrap_PQconninfoParse(const char *conninfo, char **text)
{
    return fails(NO_CONNINFO) ? NULL : given(OPTIONS, __real_PQconninfoParse(conninfo, text));
}

void __wrap_PQconninfoFree(PQconninfoOption *options)
{
    taken(OPTIONS, options);
    __real_PQconninfoFree(options);
}

PGconn *__wrap_PQconnectStartParams(const char *const *keywords, const char *const *values,
                                    int expand)
{
    if (fails(NO_CONNECTION))
        return NULL;
    return given(CONNECTIONS, __real_PQconnectStartParams(keywords, values, expand));
}

PostgresPollingStatusType __wrap_PQconnectPoll(PGconn *conn)
{
    if (fails(POLL_FAILS))
        cut(conn);
    return __real_PQconnectPoll(conn);
}

void __wrap_PQfinish(PGconn *conn)
{
    taken(CONNECTIONS, conn);
    __real_PQfinish(conn);
}

/* ---- the pipeline ---- */

int __real_PQsetnonblocking(PGconn *conn, int nonblocking);
int __real_PQenterPipelineMode(PGconn *conn);
int __real_PQexitPipelineMode(PGconn *conn);
int __real_PQsetSingleRowMode(PGconn *conn);
int __real_PQsendQueryParams(PGconn *conn, const char *sql, int count, const Oid *types,
                             const char *const *values, const int *lengths, const int *formats,
                             int format);
int __real_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int format);
int __real_PQpipelineSync(PGconn *conn);
int __real_PQsendFlushRequest(PGconn *conn);
int __real_PQflush(PGconn *conn);
int __real_PQconsumeInput(PGconn *conn);

int __wrap_PQsetnonblocking(PGconn *conn, int nonblocking)
{
    return fails(NONBLOCKING_FAILS) ? -1 : __real_PQsetnonblocking(conn, nonblocking);
}

int __wrap_PQenterPipelineMode(PGconn *conn)
{
    return fails(ENTER_FAILS) ? 0 : __real_PQenterPipelineMode(conn);
}

int __wrap_PQexitPipelineMode(PGconn *conn)
{
    return fails(EXIT_FAILS) ? 0 : __real_PQexitPipelineMode(conn);
}

int __wrap_PQsetSingleRowMode(PGconn *conn)
{
    return fails(SINGLE_ROWS_FAIL) ? 0 : __real_PQsetSingleRowMode(conn);
}

int __wrap_PQsendQueryParams(PGconn *conn, const char *sql, int count, const Oid *types,
                             const char *const *values, const int *lengths, const int *formats,
                             int format)
{
    snprintf(said, sizeof said, "%s", sql);
    if (fails(SEND_FAILS))
        return 0;
    return __real_PQsendQueryParams(conn, sql, count, types, values, lengths, formats, format);
}

int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int format)
{
    snprintf(said, sizeof said, "%s", name);
    if (fails(SEND_FAILS))
        return 0;
    return __real_PQsendQueryPrepared(conn, name, count, values, lengths, formats, format);
}

int __wrap_PQpipelineSync(PGconn *conn)
{
    return fails(SYNC_FAILS) ? 0 : __real_PQpipelineSync(conn);
}

int __wrap_PQsendFlushRequest(PGconn *conn)
{
    return fails(REQUEST_FAILS) ? 0 : __real_PQsendFlushRequest(conn);
}

int __wrap_PQflush(PGconn *conn)
{
    if (!fails(FLUSH_FAILS))
        return __real_PQflush(conn);
    cut(conn);
    return -1;
}

int __wrap_PQconsumeInput(PGconn *conn)
{
    if (fails(INPUT_FAILS))
        return 0;
    if (fails(INPUT_ENDS))
        cut(conn);
    return __real_PQconsumeInput(conn);
}

/* ---- results ---- */

PGresult *__real_PQgetResult(PGconn *conn);
void __real_PQclear(PGresult *result);

PGresult *__wrap_PQgetResult(PGconn *conn)
{
    PGresult *result = __real_PQgetResult(conn);

    if (result == NULL)
        return NULL;
    bool none = fails(NO_RESULT);
    bool bad = fails(BAD_RESULT);
    if (none || bad)
        __real_PQclear(result);
    if (none)
        return NULL;
    return given(RESULTS, bad ? PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR) : result);
}

void __wrap_PQclear(PGresult *result)
{
    taken(RESULTS, result);
    __real_PQclear(result);
}

/* ---- cancelling ---- */

PGcancel *__real_PQgetCancel(PGconn *conn);
void __real_PQfreeCancel(PGcancel *cancel);
int __real_PQcancel(PGcancel *cancel, char *text, int size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);

PGcancel *__wrap_PQgetCancel(PGconn *conn)
{
    return fails(NO_CANCEL) ? NULL : given(CANCELS, __real_PQgetCancel(conn));
}

void __wrap_PQfreeCancel(PGcancel *cancel)
{
    taken(CANCELS, cancel);
    __real_PQfreeCancel(cancel);
}

int __wrap_PQcancel(PGcancel *cancel, char *text, int size)
{
    return fails(CANCEL_FAILS) ? 0 : __real_PQcancel(cancel, text, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context)
{
    return fails(NO_THREAD) ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

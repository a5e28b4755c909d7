/*
 * inlay: PostgreSQL migrations compiled into your C program.
 *
 * `inlay embed migrations/ ...` turns a directory of migrations into one C file that defines a
 * `const struct inlay_set`. The calls below bring a database to that set:
 *
 *     extern const struct inlay_set app_migrations;
 *     struct inlay_error err;
 *     if (inlay_migrate(&app_migrations, NULL, NULL, &err) != INLAY_OK) {
 *         char text[INLAY_ERROR_TEXT_MAX];
 *         inlay_error_format(&err, text, sizeof text);
 *         fprintf(stderr, "%s", text);
 *     }
 *
 * The library never prints or exits, has no signal handler and no global state, reads no files and
 * never closes a caller's connection. Calls on different connections may run at once, in threads.
 *
 * A call that can fail returns INLAY_OK (0) or a negative `enum inlay_code`. Its results, untouched
 * on failure, come before its last parameter: the error, which may be NULL.
 */
#ifndef INLAY_H
#define INLAY_H

#include <inlay-events.h>
#include <inlay-set.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pg_conn; /* libpq's PGconn */

/* ---- Errors ---- */

enum inlay_code {
    INLAY_OK = 0,
    INLAY_E_FAILED = -1,     /* a migration failed; nothing of it stays unless `outcome` says so */
    INLAY_E_ARGUMENT = -2,   /* an option, a name or a set that makes no sense */
    INLAY_E_PENDING = -3,    /* inlay_check: migrations of the set are not applied */
    INLAY_E_MISMATCH = -4,   /* history and set disagree: edited, renamed, diverged, unknown */
    INLAY_E_LOCKED = -5,     /* a lock was not obtained in time, or the migration lock was lost */
    INLAY_E_CONNECTION = -6, /* no connection */
    INLAY_E_REFUSED = -7,    /* read-only, pooler, rights, a history that is not ours */
    INLAY_E_LOST = -8,       /* the connection was lost and what it was doing is unknown */
    INLAY_E_STOPPED = -9,    /* options.stop_fd became readable */
    INLAY_E_MEMORY = -10     /* out of memory */
};

/* What went wrong, where, and what to do. Lives in the caller's memory; owns nothing. Texts are
 * UTF-8, empty where they do not apply, and cut between two characters where they are too long;
 * none holds a password. */
struct inlay_error {
    enum inlay_code code;
    char sqlstate[6];   /* the server's, or empty */
    int64_t version;    /* of the migration concerned, or -1 */
    char path[256];     /* file concerned, with the directory: "migrations/003_x.sql" */
    uint32_t line;      /* from 1; 0: none */
    uint32_t column;    /* in characters from 1; 0: none */
    char message[1024]; /* one sentence: what went wrong */
    char detail[512];   /* the server's DETAIL, or more of ours */
    char hint[768];     /* the way out */
    char context[512];  /* the server's CONTEXT and internal query: errors inside functions */
    char excerpt[512];  /* the line of the file and, below it, a caret */
    char outcome[512];  /* what was kept and what was not */
    int64_t reserved[8];
};

#define INLAY_ERROR_TEXT_MAX 12288 /* enough for any formatted error */

/* Writes the error as a compiler would: "path:line:column: error: message [sqlstate]", excerpt,
 * detail, hint, outcome; every line ends with '\n'. As snprintf: at most `size` bytes with the NUL;
 * returns the length of the whole text; `buffer` may be NULL if `size` is 0. Since 0.1. */
INLAY_API size_t inlay_error_format(const struct inlay_error *err, char *buffer, size_t size);

/* A code as JSON output spells it, in small letters: "ok", "failed" ... Constant. Since 0.1. */
INLAY_API const char *inlay_code_name(int code);

/* ---- Options ---- */

enum inlay_pooler {
    INLAY_POOLER_REFUSE = 0,     /* through a pooler run nothing (default) */
    INLAY_POOLER_SESSION = 1,    /* the pooler gives each client a server connection of its own */
    INLAY_POOLER_TRANSACTION = 2 /* run on the claims alone: no lock, no no-transaction files */
};

/* For options, where 0 is the default: do not wait; no timeout, whatever the role has. */
#define INLAY_NO_WAIT (-1)
#define INLAY_NO_TIMEOUT (-1)

/* How to run. Zero means default in every field. Fields are only ever appended; a library that is
 * older than the program refuses those that it does not know, unless they are zero. Pointers are
 * read during the call and not kept. Callbacks run in the caller's thread, from inside the call,
 * must not use its connection, and must return: after a C++ exception or a longjmp the call would
 * not let go of the lock. */
struct inlay_options {
    size_t size; /* sizeof(struct inlay_options) */
    /* The caller's own connection, or NULL. It must be idle (no transaction, pipeline or COPY),
     * else INLAY_E_REFUSED. It comes back idle, with its blocking mode and its notice receiver;
     * with nothing pending, with all of its session too. Once there is something to do the session
     * is as when it was opened, before the first migration and after the last, even where the run
     * is then refused: the host loses what SET and SET ROLE changed, prepared statements, cursors,
     * LISTEN, temporary tables and currval(); session-level advisory locks stay. A lost connection
     * is not reopened: INLAY_E_LOST, which takes the place of INLAY_OK also where it cannot be
     * given back (no memory, a cancel still on its way): the hint says to close it. */
    struct pg_conn *connection;
    /* Connection string or URI, used where `connection` is NULL; "": libpq's environment, and so is
     * NULL without find_conninfo. The call opens and closes its own connection. */
    const char *conninfo;
    const char *application_name; /* unless conninfo or PGAPPNAME has one; default "inlay" */
    const char *history;          /* "schema.table", as stored: no quotes; default the set's */

    /* How long to wait for the migration lock, and for the history's tables where another session
     * has locked them; 0: 5 min; INLAY_NO_WAIT. Calls that only read wait 10 s at most. */
    int64_t lock_wait_ms;
    int64_t connect_wait_ms; /* keep trying while the server is not up; 0: one attempt */
    /* When this descriptor becomes readable the call cancels what runs, rolls back, releases and
     * returns INLAY_E_STOPPED. It is never read. 0 (and below): none, so a daemon that was given 0
     * passes dup(0) on. One that is closed, or a file: always readable, is INLAY_E_ARGUMENT. */
    int stop_fd;
    bool strict; /* unknown rows in the history refuse instead of warn */
    bool fresh;  /* run although another tool's history, or a table of the first file, is here */
    enum inlay_pooler pooler;
    /* One line of text without a newline; NULL: silent. */
    void (*log)(void *user, enum inlay_log_level level, const char *text);
    void (*event)(void *user, const struct inlay_event *event);
    void *user;             /* handed to all callbacks but find_conninfo */
    bool skip_missing_down; /* going back without a down script only takes the row away */
    bool keep_down;   /* store each down script in the state table when its migration is applied */
    bool refuse_late; /* a pending version below an applied one refuses instead of being applied */
    bool allow_missing; /* inlay_adopt: although versions are missing on one side */
    /* Commits do not wait for the disk, except the last of those that are sent together: faster
     * where disks are slow. Before a run is over, however it ends, the server has written all. */
    bool asynchronous;
    bool reserved[3]; /* false; so that a field appended later is not an older caller's padding */

    /* What a file does not set itself. Timeouts are those of transactional migrations. */
    int64_t lock_timeout_ms; /* 0: the role's, or short tries where it has none; INLAY_NO_TIMEOUT */
    int64_t statement_timeout_ms; /* 0: the role's own; INLAY_NO_TIMEOUT */
    enum inlay_isolation isolation;
    /* How long a migration that met its lock timeout is tried again; 0: 2 min; INLAY_NO_WAIT. */
    int64_t retry_ms;
    /* Asked once, under the lock, after the history was read again and before the first change: for
     * a backup, say, while the connection waits. `event` is INLAY_EVENT_BEGIN with the migration
     * that will be first, NULL where the database is reset. Anything but INLAY_OK refuses the run,
     * with `err` filled by inlay_refuse; INLAY_E_STOPPED ends it as stop_fd does. */
    int (*before_run)(void *user, const struct inlay_event *event, struct inlay_error *err);
    /* Asked before each migration is sent, so that one runs at a time. `event` is
     * INLAY_EVENT_STARTED. Anything but INLAY_OK refuses this migration and ends the run. */
    int (*before_migration)(void *user, const struct inlay_event *event, struct inlay_error *err);
    /* What each migration begins with: up to 8 schemas, separated by commas, as stored: no quotes.
     * One that is missing fails the migration; the history's is made with it. NULL: the role's. */
    const char *search_path;
    const char *allow_drift; /* inlay_schema_read: differences that may be; NULL: none */
    /* Asked where `connection` and `conninfo` are NULL, before each attempt to connect, and so
     * again after a loss: for a password that expires. The string stays as it is until this is
     * asked again or the call returns. stop_fd is not looked at meanwhile. NULL, with `err` filled
     * by inlay_refuse: none now; after connect_wait_ms INLAY_E_CONNECTION with that message. */
    const char *(*find_conninfo)(void *user, struct inlay_error *err);
    void *find_conninfo_user; /* handed to it */
};

/* ---- Calls; more of them are in inlay-admin.h ---- */

/* Is the database up to date for this set? One round trip after connecting; no lock, no write; a
 * role with SELECT on the history and the state table is enough. Returns INLAY_OK: all of the set
 * is applied and nothing disagrees (unknown rows are a warning in the log); INLAY_E_PENDING;
 * INLAY_E_MISMATCH; INLAY_E_REFUSED (the history is no ordinary table, cannot be read);
 * INLAY_E_LOCKED (another session has locked it for 10 s); INLAY_E_ARGUMENT, _CONNECTION, _LOST,
 * _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_check(const struct inlay_set *set, const struct inlay_options *options,
                          struct inlay_error *err);

/* What a run did. */
struct inlay_result {
    size_t applied;     /* migrations that this call applied */
    size_t skipped;     /* migrations that another process applied meanwhile */
    int64_t batch;      /* number of this run in the history; 0 where nothing was applied */
    int64_t elapsed_ms; /* from the call to its return */
    size_t undone;      /* migrations that this call undid */
    int64_t reserved[3];
};

/* Brings the database to the set: applies every embedded migration that the history does not
 * hold, in ascending order, each in one transaction with its row, under an advisory lock. Nothing
 * pending: one round trip, no lock. `result` may be NULL. Returns INLAY_OK when nothing is pending
 * any more; INLAY_E_FAILED (a migration failed), INLAY_E_LOCKED (a lock was not obtained in time):
 * those before it stay applied; INLAY_E_MISMATCH, INLAY_E_REFUSED: nothing was run;
 * INLAY_E_ARGUMENT, _CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_migrate(const struct inlay_set *set, const struct inlay_options *options,
                            struct inlay_result *result, struct inlay_error *err);

enum inlay_state {
    INLAY_STATE_APPLIED = 0,
    INLAY_STATE_PENDING = 1, /* embedded, not in the history */
    INLAY_STATE_UNKNOWN = 2, /* in the history, not embedded */
    INLAY_STATE_RENAMED = 3, /* the history has another name for this version */
    INLAY_STATE_EDITED = 4,  /* the history has another checksum for this version */
    INLAY_STATE_REPLACED = 5 /* another migration stands for it: nothing is to be done */
};

/* "applied", "pending", "unknown", "renamed", "edited", "replaced". Constant. Since 0.1. */
INLAY_API const char *inlay_state_name(enum inlay_state state);

/* One migration that the set or the history knows. A repeatable is pending where its checksum is
 * another than the recorded one; replaced where the database is newer than this binary, which then
 * leaves it alone; unknown, and not counted, where it is not embedded any more. */
struct inlay_status_entry {
    int64_t version; /* or INLAY_REPEATABLE */
    enum inlay_state state;
    bool late;        /* pending although a higher version is applied */
    const char *name; /* the embedded name; the recorded one where not embedded */
    const struct inlay_migration *migration; /* NULL where not embedded */
    const char *recorded_name;               /* NULL where not in the history */
    const char *recorded_checksum;           /* NULL where the history has none */
    const char *applied_at;  /* ISO 8601 with zone, as the server gives it; or NULL */
    int64_t batch;           /* -1 where the history has none */
    int64_t elapsed_ms;      /* -1 where the history has none */
    int64_t statements_done; /* no-transaction migration begun and not finished; else -1 */
    bool recorded; /* what it replaces is applied, or is applied first: its row is all there is */
    size_t statement_open; /* of it, from 1: was begun, and may be done or not; else 0 */
    bool down_kept;        /* its down script is stored: inlay_kept_down_read */
};

/* The plan as data. Every pointer in it lives until inlay_status_free. */
struct inlay_status {
    const char *database; /* name of the database */
    const char *role;     /* current role */
    const char *history;  /* "schema.table" */
    bool history_exists;
    bool read_only;                               /* a standby, or a read-only session */
    size_t applied, pending, unknown, mismatched; /* mismatched: renamed and edited */
    int64_t next_batch;                           /* number that a run would get now */
    struct inlay_error verdict; /* what inlay_migrate refuses with, or .code INLAY_OK */
    const struct inlay_status_entry *entries; /* see inlay_status_at */
    size_t entry_count;
    size_t replaced;
    const struct inlay_lock_holder *lock_holder; /* see inlay-admin.h; NULL: no process migrates */
    int server_version;                          /* PostgreSQL's, as PQserverVersion has it */
};

/* Reads the plan: no lock, no write. A history that disagrees is not a failure of this call but
 * its answer: see `verdict`. The caller frees `*status` with inlay_status_free.
 * Returns INLAY_OK; INLAY_E_REFUSED (not a table we can read), INLAY_E_LOCKED, INLAY_E_ARGUMENT,
 * _CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_status_read(const struct inlay_set *set, const struct inlay_options *options,
                                struct inlay_status **status, struct inlay_error *err);

/* One of its entries: ascending by version, then the repeatables. A later library may append to an
 * entry, so do not index the array. NULL at entry_count and above. Since 0.1. */
INLAY_API const struct inlay_status_entry *inlay_status_at(const struct inlay_status *status,
                                                           size_t index);

/* Frees a status; NULL is allowed. Since 0.1. */
INLAY_API void inlay_status_free(struct inlay_status *status);

#ifdef __cplusplus
}
#endif

#endif

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
 * The library never prints, never exits, installs no signal handler, keeps no global state, reads
 * no files and never closes a caller's connection. Calls on different connections may run in
 * different threads at once.
 *
 * Every call that can fail returns INLAY_OK (0) or a negative `enum inlay_code`; its results are
 * the last parameters but one and are untouched on failure; its error is the last parameter and
 * may be NULL.
 */
#ifndef INLAY_H
#define INLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The layout of the generated tables. A generated file made for another number does not compile. */
#define INLAY_ABI 2

#define INLAY_VERSION "0.1.0"

#if defined(__GNUC__)
#define INLAY_API __attribute__((visibility("default")))
#else
#define INLAY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct pg_conn; /* libpq's PGconn */

/*
 * ---- The generated tables ----
 *
 * Constant data that `inlay embed` writes. Everything that a pointer names lives as long as the
 * program. The library only reads them; so may you.
 */

/* What a statement is, as far as running it is concerned. */
enum inlay_statement_kind {
    INLAY_STATEMENT_ORDINARY = 0,           /* may run inside a transaction */
    INLAY_STATEMENT_SESSION_SET = 1,        /* SET, RESET: changes the session, not the data */
    INLAY_STATEMENT_INDEX_CONCURRENTLY = 2, /* CREATE INDEX CONCURRENTLY */
    INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY = 3,
    INLAY_STATEMENT_REINDEX_CONCURRENTLY = 4,
    INLAY_STATEMENT_OTHER_NON_TRANSACTIONAL = 5, /* CREATE DATABASE, ALTER SYSTEM ... */
    INLAY_STATEMENT_REPEATABLE = 6 /* VACUUM ...: not in a transaction, but twice is as once */
};

/* One statement of a script: the bytes [offset, offset + length) of its text, without the
 * semicolon, without white space and comments around it. */
struct inlay_statement {
    size_t offset;
    size_t length;
    uint32_t line; /* of the first byte, from 1 */
    enum inlay_statement_kind kind;
    const char *index; /* concurrent index statements: the index as written, or NULL */
    const char *table; /* concurrent index statements: the table as written, or NULL */
};

enum inlay_isolation {
    INLAY_ISOLATION_DEFAULT = 0, /* read committed */
    INLAY_ISOLATION_READ_COMMITTED = 1,
    INLAY_ISOLATION_REPEATABLE_READ = 2,
    INLAY_ISOLATION_SERIALIZABLE = 3
};

/* The value of a timeout that a file does not set. */
#define INLAY_UNSET (-1)

/* The settings in the head of a file (`-- inlay: lock_timeout=5s`). */
struct inlay_settings {
    int64_t lock_timeout_ms;      /* 0: none; INLAY_UNSET: not set */
    int64_t statement_timeout_ms; /* 0: none; INLAY_UNSET: not set */
    enum inlay_isolation isolation;
};

#define INLAY_SCRIPT_NO_TRANSACTION 1u /* `-- inlay: no-transaction` */
#define INLAY_SCRIPT_FROZEN 2u         /* listed in SHA256SUMS: it will not change any more */

struct inlay_tx;
struct inlay_error;

/* A migration written in C. Runs inside the migration's transaction; see inlay_tx_execute. It is
 * called again where the transaction is tried again: after a lock timeout, a lost connection.
 * Returns INLAY_OK to go on to the commit, anything else to roll back, with `err` filled by the
 * call that failed or by inlay_tx_fail. */
typedef int (*inlay_migration_function)(struct inlay_tx *tx, struct inlay_error *err);

/* One direction of a migration: the text to run and its statements. */
struct inlay_script {
    const char *text; /* NUL-terminated; NULL: there is no script for this direction */
    size_t length;    /* bytes, without the NUL */
    const char *path; /* relative to the directory of migrations */
    const struct inlay_statement *statements; /* NULL where there are none */
    size_t statement_count;
    uint32_t flags;                        /* INLAY_SCRIPT_* */
    const struct inlay_settings *settings; /* NULL: the file sets nothing */
    inlay_migration_function function;     /* a migration in C: `text` is its source; else NULL */
};

/* The versions that a migration stands for: those from first to last, both included. */
struct inlay_range {
    int64_t first;
    int64_t last;
    const int64_t *versions; /* those that there were, ascending; NULL: the build did not know them,
                                because their files are deleted and were not frozen */
    size_t version_count;
};

struct inlay_migration {
    int64_t version;    /* 0 to 2^63-1, unique in the set; INLAY_REPEATABLE */
    const char *name;   /* the file's name between version and ending */
    const char *sha256; /* 64 lower-case hex digits: of the body with CRLF read as LF */
    const char *body;   /* the file byte for byte, less a UTF-8 byte order mark; == up.text */
    struct inlay_script up;
    struct inlay_script down;           /* .text == NULL where there is no down file */
    const struct inlay_range *replaces; /* `-- inlay: replaces 1..300`; NULL: nothing */
};

/* The version of a repeatable migration (R__name.sql), which has none: it runs after all that have
 * one, in the order of names, whenever its checksum is not the one that was recorded. */
#define INLAY_REPEATABLE (-1)

/* What the build said of the whole set. */
#define INLAY_SET_KEEP_DOWN 1u   /* --keep-down: see options.keep_down */
#define INLAY_SET_REFUSE_LATE 2u /* --late=refuse: see options.refuse_late */
#define INLAY_SET_NO_RESET 4u    /* --no-reset: inlay_reset refuses */

/* A directory of migrations. */
struct inlay_set {
    uint32_t abi;          /* INLAY_ABI of the generator */
    const char *directory; /* the directory's own name, for messages: "migrations" */
    const char *history;   /* "schema.table" of the history, unless options say otherwise */
    /* sha256 over "version name sha256\n" of all, with "R__" for the version of a repeatable: names
     * this very history */
    const char *digest;
    const struct inlay_migration *migrations; /* ascending by version; NULL where there are none */
    size_t migration_count;
    const struct inlay_migration *repeatables; /* by name; NULL where there are none */
    size_t repeatable_count;
    uint32_t flags;    /* INLAY_SET_* */
    const char *adopt; /* "TOOL=SCHEMA.TABLE" of --adopt, or NULL */
};

/*
 * ---- Errors ----
 */

enum inlay_code {
    INLAY_OK = 0,
    INLAY_E_FAILED = -1,   /* a migration failed; it left nothing behind unless `outcome` says so */
    INLAY_E_ARGUMENT = -2, /* an option, a name or a set that makes no sense */
    INLAY_E_PENDING = -3,  /* inlay_check: migrations of the set are not applied */
    INLAY_E_MISMATCH = -4, /* history and set disagree: edited, renamed, diverged, unknown */
    INLAY_E_LOCKED = -5,   /* the migrator's lock was not obtained in time */
    INLAY_E_CONNECTION = -6, /* no connection */
    INLAY_E_REFUSED = -7,    /* read-only, pooler, rights, a history that is not ours */
    INLAY_E_LOST = -8,       /* the connection was lost and what it was doing is unknown */
    INLAY_E_STOPPED = -9,    /* options.stop_fd became readable */
    INLAY_E_MEMORY = -10     /* out of memory */
};

/* What went wrong, where, and what to do. Lives in the caller's memory; owns nothing. A text that
 * does not apply is empty; texts are UTF-8 and cut (never split inside a character) where too long.
 * No text ever holds a password. */
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
};

/* Enough for any formatted error. */
#define INLAY_ERROR_TEXT_MAX 12288

/* Writes the error as a compiler would: "path:line:column: error: message [sqlstate]", excerpt,
 * detail, hint, outcome; every line ends with '\n'. At most `size` bytes with the NUL; returns the
 * length of the whole text, like snprintf. `buffer` may be NULL when `size` is 0. Since 0.1. */
INLAY_API size_t inlay_error_format(const struct inlay_error *err, char *buffer, size_t size);

/* The name of a code as JSON output spells it: "ok", "failed", "argument", "pending", "mismatch",
 * "locked", "connection", "refused", "lost", "stopped", "memory". Constant. Since 0.1. */
INLAY_API const char *inlay_code_name(int code);

/*
 * ---- Options ----
 */

enum inlay_log_level {
    INLAY_LOG_DEBUG = 0,
    INLAY_LOG_INFO = 1,   /* what is being done, who is waited for */
    INLAY_LOG_NOTICE = 2, /* the server's notices, labelled by migration */
    INLAY_LOG_WARNING = 3 /* unknown newer rows, a late file, a retried connection */
};

enum inlay_event_kind {
    INLAY_EVENT_BEGIN = 0,       /* there is work: `count` migrations will run in `batch` */
    INLAY_EVENT_WAITING = 1,     /* for the lock, or to try again; repeated every 500 ms */
    INLAY_EVENT_STARTED = 2,     /* the migration has been sent */
    INLAY_EVENT_PROGRESS = 3,    /* every 500 ms while the migration runs */
    INLAY_EVENT_APPLIED = 4,     /* the migration is committed */
    INLAY_EVENT_SKIPPED = 5,     /* somebody else applied it meanwhile */
    INLAY_EVENT_FAILED = 6,      /* the migration failed */
    INLAY_EVENT_END = 7,         /* the run is over; `index` migrations of `count` were applied */
    INLAY_EVENT_CONNECTING = 8,  /* no server answers yet; repeated every 500 ms */
    INLAY_EVENT_RETRIED = 9,     /* a lock, a deadlock, its PREPARE: nothing kept, it runs again */
    INLAY_EVENT_REHEARSED = 10,  /* inlay_rehearse: it ran to its end, and is rolled back */
    INLAY_EVENT_UNREHEARSED = 11 /* inlay_rehearse: it could not be; the log says why */
};

/* Where a run works, for another program that is to go there: pg_dump, say. Valid during
 * before_run only. */
struct inlay_target {
    int server_version; /* 150004 is PostgreSQL 15.4 */
    /* "PGHOST=...", "PGUSER=..." and so on, then NULL: the environment in which libpq connects to
     * the same host, database and role. It may hold a password. What is not in it and begins with
     * PG must not be in that environment. Settings that have no variable (sslpassword, keepalives)
     * are not in it. */
    char *const *environment; /* as execve takes it */
    const char *database;     /* as in PGDATABASE */
};

/* One step of a run. Valid during the callback only. */
struct inlay_event {
    enum inlay_event_kind kind;
    const struct inlay_migration *migration; /* NULL for BEGIN, WAITING, END; but see before_run */
    size_t index;                            /* position of the migration in this run, from 1 */
    size_t count;                            /* migrations in this run */
    /* PROGRESS: statements of it that are known to be done. With more than sixteen migrations in
     * flight the server tells of them when it tells of the COMMIT. */
    size_t statement;
    int64_t batch;      /* this run's number; 0 before it is known */
    int64_t elapsed_ms; /* of the migration, or of the wait, or of the run (END) */
    bool down;     /* the migration is being undone: APPLIED then means that this is committed */
    bool recorded; /* what it replaces is applied: its row alone is written, or taken away */
    const struct inlay_target *target; /* before_run: where it works; else NULL */
};

enum inlay_pooler {
    INLAY_POOLER_REFUSE = 0,     /* behind a pooler run nothing (default) */
    INLAY_POOLER_SESSION = 1,    /* the pooler gives each client a server connection of its own */
    INLAY_POOLER_TRANSACTION = 2 /* run on the claims alone: no lock, no no-transaction files */
};

/* options.lock_wait_ms, options.retry_ms: do not wait at all. */
#define INLAY_NO_WAIT (-1)

/* options.lock_timeout_ms, options.statement_timeout_ms: no timeout, whatever the role has. */
#define INLAY_NO_TIMEOUT (-1)

/* How to run. Zero means default in every field; set `size` to sizeof(struct inlay_options).
 * Fields are only ever appended. Pointers are read during the call and not kept. Callbacks run in
 * the caller's thread, from inside the call, and must not use its connection. */
struct inlay_options {
    size_t size;

    /* The caller's own connection, or NULL. It must be idle: no transaction, no pipeline, no COPY;
     * else INLAY_E_REFUSED. It comes back idle, with its connection-time session settings (what SET
     * changed since is reset), its blocking mode and its notice receiver as they were. A lost
     * connection is not reopened: INLAY_E_LOST. Where it cannot be given back (no memory), the hint
     * says to close it, and what would have returned INLAY_OK returns INLAY_E_LOST. */
    struct pg_conn *connection;

    /* Connection string or URI, used where `connection` is NULL; NULL or "": libpq's environment.
     * The call opens and closes its own connection. */
    const char *conninfo;

    const char *application_name; /* unless conninfo or PGAPPNAME has one; default "inlay" */
    const char *history;          /* "schema.table", as stored: no quotes; default the set's */

    int64_t lock_wait_ms;    /* how long to wait for the lock; 0: 5 min; INLAY_NO_WAIT */
    int64_t connect_wait_ms; /* keep trying while the server is not up; 0: one attempt */

    /* When this descriptor becomes readable the call cancels what runs, rolls back, releases and
     * returns INLAY_E_STOPPED. It is never read. 0: none. */
    int stop_fd;

    bool strict; /* unknown rows in the history refuse instead of warn */
    bool fresh;  /* run although another tool's history has rows here */
    enum inlay_pooler pooler;

    /* One line of text without a newline; NULL: silent. */
    void (*log)(void *user, enum inlay_log_level level, const char *text);
    void (*event)(void *user, const struct inlay_event *event);
    void *user; /* handed to both callbacks */

    /* Going back over a migration without a down script only takes its row away. */
    bool skip_missing_down;

    bool keep_down;   /* store each down script in the state table when its migration is applied */
    bool refuse_late; /* a pending version below an applied one refuses instead of being applied */
    bool allow_missing; /* inlay_adopt: although versions are missing on one side */

    /* Commits do not wait for the disk, except the last of those that are sent together: faster
     * where disks are slow. Before a run is over, however it ends, the server has written all. */
    bool asynchronous;
    bool reserved[3]; /* false; so that a field appended later is not an older caller's padding */

    /* What a file does not set itself. Timeouts are those of transactional migrations. */
    int64_t lock_timeout_ms; /* 0: the role's own, or 5 s where it has none; INLAY_NO_TIMEOUT */
    int64_t statement_timeout_ms; /* 0: the role's own; INLAY_NO_TIMEOUT */
    enum inlay_isolation isolation;

    /* How long a migration that met its lock timeout is tried again; 0: 2 min; INLAY_NO_WAIT. */
    int64_t retry_ms;

    /* Asked once, under the lock, after the history was read again and before the first change: for
     * a backup, say. `event` is INLAY_EVENT_BEGIN with the migration that will be first, NULL where
     * the database is reset. INLAY_E_STOPPED ends the run as stop_fd does, anything else but
     * INLAY_OK refuses it, with `err` filled by inlay_refuse; nothing was changed then. It may take
     * long: the connection waits. */
    int (*before_run)(void *user, const struct inlay_event *event, struct inlay_error *err);

    /* Asked before each migration is sent, so that one runs at a time. `event` is
     * INLAY_EVENT_STARTED. Anything but INLAY_OK refuses this migration and ends the run. */
    int (*before_migration)(void *user, const struct inlay_event *event, struct inlay_error *err);
};

/* For before_run and before_migration: says why not, in one sentence. Returns INLAY_E_REFUSED.
 * Since 0.1. */
INLAY_API int inlay_refuse(struct inlay_error *err, const char *message);

/*
 * ---- Calls ----
 */

/* Is the database up to date for this set? One round trip after connecting; no lock, no write; a
 * role with SELECT on the history is enough.
 * Returns INLAY_OK: all of the set is applied and nothing disagrees (unknown rows are logged as a
 * warning); INLAY_E_PENDING, INLAY_E_MISMATCH; INLAY_E_REFUSED (the history is not an ordinary
 * table, cannot be read); INLAY_E_ARGUMENT, _CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_check(const struct inlay_set *set, const struct inlay_options *options,
                          struct inlay_error *err);

/* What a run did. */
struct inlay_result {
    size_t applied;     /* migrations that this call applied */
    size_t skipped;     /* migrations that somebody else applied while it ran */
    int64_t batch;      /* number of this run in the history; 0 where nothing was applied */
    int64_t elapsed_ms; /* from the call to its return */
    size_t undone;      /* migrations that this call undid */
};

/* Brings the database to the set: applies every embedded migration that the history does not
 * hold, in ascending order, each in one transaction with its row, under an advisory lock. Nothing
 * pending: one round trip, no lock. `result` may be NULL.
 * Returns INLAY_OK when nothing is pending any more; INLAY_E_FAILED: a migration failed, those
 * before it stay applied; INLAY_E_MISMATCH, INLAY_E_REFUSED: nothing was run; INLAY_E_LOCKED;
 * INLAY_E_ARGUMENT, _CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_migrate(const struct inlay_set *set, const struct inlay_options *options,
                            struct inlay_result *result, struct inlay_error *err);

/* What a rehearsal did. */
struct inlay_rehearsal {
    size_t rehearsed;   /* migrations that ran to their end, and were rolled back */
    size_t unrehearsed; /* migrations that only a real run can run */
    int64_t elapsed_ms;
};

/* Runs what inlay_migrate would run, in the same order, in one transaction that is rolled back:
 * each migration finds what those before it did, and its deferred constraints are checked at its
 * end. For a copy of the database: its locks are held until the rollback, and what no rollback
 * undoes (nextval, what a statement does outside of the database) is done. A migration without a
 * transaction, and one that needs an enum value of an earlier one to be committed, is left out,
 * which a warning and INLAY_EVENT_UNREHEARSED tell. A lock timeout is not tried again; a file's
 * isolation level is not used; before_run and before_migration are not asked. `result` may be NULL.
 * Returns INLAY_OK: nothing is pending, or no migration failed; INLAY_E_FAILED: the first that
 * failed, with its place; where one before it was left out, the hint says so; INLAY_E_LOST is
 * final; else as inlay_migrate. Since 0.1. */
INLAY_API int inlay_rehearse(const struct inlay_set *set, const struct inlay_options *options,
                             struct inlay_rehearsal *result, struct inlay_error *err);

/* Going back. Newest first, each migration with its row in one transaction, under the lock, as
 * inlay_migrate does. A migration without a down script refuses before anything runs, unless
 * options.skip_missing_down. Returns as inlay_migrate; INLAY_E_LOST is final where a second try
 * could go too far: look at the status. */

/* Applies everything up to a version and undoes everything above it. 0, where no migration has
 * that version, undoes all. Since 0.1. */
INLAY_API int inlay_migrate_to(const struct inlay_set *set, const struct inlay_options *options,
                               int64_t version, struct inlay_result *result,
                               struct inlay_error *err);

/* Undoes the newest `count` migrations. Since 0.1. */
INLAY_API int inlay_undo(const struct inlay_set *set, const struct inlay_options *options,
                         size_t count, struct inlay_result *result, struct inlay_error *err);

/* Undoes what the last run applied. Refuses where the newest row has no batch. Since 0.1. */
INLAY_API int inlay_undo_batch(const struct inlay_set *set, const struct inlay_options *options,
                               struct inlay_result *result, struct inlay_error *err);

/* Undoes the newest migration with its embedded down script and applies it again, also where the
 * file was edited since: the daily loop of writing one. Since 0.1. */
INLAY_API int inlay_redo(const struct inlay_set *set, const struct inlay_options *options,
                         struct inlay_result *result, struct inlay_error *err);

/* What a self-test did. */
struct inlay_selftest_result {
    size_t tested;   /* migrations that went up, down and up again */
    size_t untested; /* migrations without a down script, which only went up */
    int64_t elapsed_ms;
};

/* Tries the way back of every migration, on an empty database that is thrown away afterwards: each
 * is applied, undone and applied again, then all are undone and applied again, and each time the
 * schema has to come out as it was before; what differs is told through the log. Compared is what
 * the catalogs say of the objects in the database, not rows, and nothing that lies outside of it,
 * such as roles. Leaves the database migrated. `result` may be NULL.
 * Returns INLAY_OK; INLAY_E_FAILED: a migration failed, or did not lead back; INLAY_E_REFUSED:
 * nothing was run, because the database holds something, a migration has no down script (unless
 * options.skip_missing_down), or as inlay_migrate; INLAY_E_LOST is final; else as inlay_migrate.
 * Since 0.1. */
INLAY_API int inlay_selftest(const struct inlay_set *set, const struct inlay_options *options,
                             struct inlay_selftest_result *result, struct inlay_error *err);

/* What one schema holds, as inlay_reset would drop it. */
struct inlay_schema_contents {
    const char *name;
    bool stays;        /* emptied, but not dropped itself: public, or not ours */
    int64_t tables;    /* also partitions and foreign tables */
    int64_t views;     /* also materialized ones */
    int64_t functions; /* also procedures and aggregates */
    int64_t types;     /* also domains; not the row types of tables */
    int64_t others;    /* sequences that belong to no column, operators, collations ... */
    int64_t rows;      /* in its tables, as the statistics estimate them */
};

/* What inlay_reset would drop. Every pointer in it lives until inlay_contents_free. */
struct inlay_contents {
    const char *database;
    const char *role;
    const struct inlay_schema_contents *schemas; /* by name */
    size_t schema_count;
    const char *besides;        /* what lies in no schema: "extension pg_trgm, server far"; or "" */
    struct inlay_error verdict; /* what inlay_reset would refuse with; .code INLAY_OK if nothing */
};

/* Reads what a reset would drop: no lock, no write. The caller frees `*contents` with
 * inlay_contents_free. Returns INLAY_OK; INLAY_E_REFUSED (INLAY_SET_NO_RESET; a history that cannot
 * be read), INLAY_E_ARGUMENT, _CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_contents_read(const struct inlay_set *set, const struct inlay_options *options,
                                  struct inlay_contents **contents, struct inlay_error *err);

/* Frees contents; NULL is allowed. Since 0.1. */
INLAY_API void inlay_contents_free(struct inlay_contents *contents);

/* Drops everything in the database's own schemas, whoever's histories are among it, and migrates
 * from nothing. Under the lock; the drop is one transaction. The schema public, extensions that
 * another role owns and their contents stay. `database` is the name of the database, and must be.
 * Returns as inlay_migrate, and INLAY_E_ARGUMENT where the name is another; INLAY_E_REFUSED:
 * INLAY_SET_NO_RESET, or something may not be dropped, and nothing was; INLAY_E_FAILED: a drop
 * failed, and nothing was dropped, or a migration did. Since 0.1. */
INLAY_API int inlay_reset(const struct inlay_set *set, const struct inlay_options *options,
                          const char *database, struct inlay_result *result,
                          struct inlay_error *err);

/* Changing the history alone, for what a person knows better than it does. Each runs under the
 * lock, in one transaction, and tells what it did through the log. INLAY_OK also where it is so
 * already; INLAY_E_ARGUMENT: there is no such version; else as inlay_migrate. */

/* Records every embedded version up to this one as applied, without running it and without a
 * checksum: for a database that has them already. Since 0.1. */
INLAY_API int inlay_baseline(const struct inlay_set *set, const struct inlay_options *options,
                             int64_t version, struct inlay_error *err);

/* Records one version as applied, without running it. Since 0.1. */
INLAY_API int inlay_mark(const struct inlay_set *set, const struct inlay_options *options,
                         int64_t version, struct inlay_error *err);

/* Takes the row of a version away; nothing of it is undone. Since 0.1. */
INLAY_API int inlay_unmark(const struct inlay_set *set, const struct inlay_options *options,
                           int64_t version, struct inlay_error *err);

/* Writes the embedded name and checksum to the row of a version: the database already is as the
 * edited file says. Since 0.1. */
INLAY_API int inlay_accept(const struct inlay_set *set, const struct inlay_options *options,
                           int64_t version, struct inlay_error *err);

/* Records as applied, without running it, what another migration tool has recorded as applied.
 * `source` is TOOL or TOOL=SCHEMA.TABLE, as stored and without quotes; tools are "golang-migrate",
 * "dbmate", "goose", "sqlx", "flyway", "diesel", "refinery", "bun", "filenames" (a table of file
 * names, which must be given, as filenames=SCHEMA.TABLE.COLUMN if several columns hold such names)
 * and "id-name". Without a table the tool's own is looked for where the history is and on the
 * search_path. It is read under the tool's own lock and left as it is.
 * Returns INLAY_OK, also where it is so already or there is nothing; INLAY_E_MISMATCH: versions are
 * missing on one side, see options.allow_missing; INLAY_E_REFUSED: there is no such table, it is
 * not the tool's, it says that a migration is half done, or the history has other rows;
 * INLAY_E_LOCKED: the tool is at work; INLAY_E_ARGUMENT: the source; else as inlay_migrate. Since
 * 0.1. */
INLAY_API int inlay_adopt(const struct inlay_set *set, const struct inlay_options *options,
                          const char *source, struct inlay_error *err);

/* Records where a no-transaction migration that is half done, or half undone, goes on: with this
 * statement, from 1; one more than it has: all of it is done, and the next run records that. For
 * what only a person can know: whether a statement that was cut off is done, what an edited file is
 * to do. INLAY_E_ARGUMENT: there is no such version or statement, or it runs in a transaction;
 * INLAY_E_REFUSED: the version is applied, and nothing of it undone. Since 0.1. */
INLAY_API int inlay_resume_at(const struct inlay_set *set, const struct inlay_options *options,
                              int64_t version, size_t statement, struct inlay_error *err);

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
    bool recorded; /* what it replaces is applied: it is or will be recorded without running */
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
    struct inlay_error
        verdict; /* what inlay_migrate would refuse with; .code INLAY_OK if nothing */
    const struct inlay_status_entry *entries; /* ascending by version, then the repeatables */
    size_t entry_count;
    size_t replaced;
};

/* Reads the plan: no lock, no write. A history that disagrees is not a failure of this call but
 * its answer: see `verdict`. The caller frees `*status` with inlay_status_free.
 * Returns INLAY_OK; INLAY_E_REFUSED (not a table we can read), INLAY_E_ARGUMENT, _CONNECTION,
 * _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_status_read(const struct inlay_set *set, const struct inlay_options *options,
                                struct inlay_status **status, struct inlay_error *err);

/* Frees a status; NULL is allowed. Since 0.1. */
INLAY_API void inlay_status_free(struct inlay_status *status);

/* The down script that a program stored with a migration (options.keep_down): for a program that
 * does not have the version, to show to a person. Nothing ever runs it. Every pointer in it lives
 * until inlay_kept_down_free. */
struct inlay_kept_down {
    int64_t version;
    const char *name;     /* in the history; NULL where it has no row */
    const char *text;     /* the script, NUL-terminated */
    const char *checksum; /* sha256 of the migration that the script undoes */
    const char *kept_at;  /* ISO 8601 with zone */
};

/* Reads the stored down script of a version: no lock, no write; a role with SELECT on both tables
 * is enough. The caller frees `*kept` with inlay_kept_down_free. Returns INLAY_OK;
 * INLAY_E_ARGUMENT: none is stored; INLAY_E_REFUSED (not a table we can read), INLAY_E_CONNECTION,
 * _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_kept_down_read(const struct inlay_set *set, const struct inlay_options *options,
                                   int64_t version, struct inlay_kept_down **kept,
                                   struct inlay_error *err);

/* Frees a stored down script; NULL is allowed. Since 0.1. */
INLAY_API void inlay_kept_down_free(struct inlay_kept_down *kept);

/*
 * ---- Migrations in C ----
 *
 * For use inside an inlay_migration_function only. The transaction is inlay's: it begins it,
 * records the migration and commits; a statement that ends it fails the migration.
 */

/* The rows of a query, as text. */
struct inlay_rows;

/* Runs one statement with parameters $1, $2 ... in text form (NULL is SQL's NULL). `affected`,
 * which may be NULL, receives the number of rows that it touched. Returns INLAY_OK; INLAY_E_FAILED:
 * the statement failed, and so does every further one; INLAY_E_LOST, _STOPPED, _MEMORY: return it.
 * Since 0.1. */
INLAY_API int inlay_tx_execute(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                               const char *const *parameters, int64_t *affected,
                               struct inlay_error *err);

/* The same for a statement that returns rows; all of them are kept in memory, so read a large
 * table in parts. The caller frees `*rows` with inlay_rows_free. Since 0.1. */
INLAY_API int inlay_tx_query(struct inlay_tx *tx, const char *sql, size_t parameter_count,
                             const char *const *parameters, struct inlay_rows **rows,
                             struct inlay_error *err);

/* Says why the migration cannot go on, in one sentence. Returns INLAY_E_FAILED. Since 0.1. */
INLAY_API int inlay_tx_fail(struct inlay_error *err, const char *message);

/* Number of rows. Since 0.1. */
INLAY_API size_t inlay_rows_count(const struct inlay_rows *rows);

/* A value in text form; NULL where it is SQL's NULL or out of range. Lives as long as the rows.
 * Since 0.1. */
INLAY_API const char *inlay_rows_value(const struct inlay_rows *rows, size_t row, size_t column);

/* Frees rows; NULL is allowed. Since 0.1. */
INLAY_API void inlay_rows_free(struct inlay_rows *rows);

/* What the program is linked with. */
struct inlay_linked {
    const char *inlay;   /* of the library; INLAY_VERSION is that of the header. Constant */
    const char *openssl; /* as it says it: "OpenSSL 3.0.19 27 Jan 2026". Constant; or NULL */
    char libpq[16];      /* "15.20" */
};

/* For reports of faults; needs no database. `openssl` is the one in the process, which is libpq's;
 * NULL where there is none, and in a static program that was linked without
 * -Wl,-u,OpenSSL_version. Since 0.1. */
INLAY_API void inlay_linked_read(struct inlay_linked *linked);

/* The embedded migration with this version, or NULL. Since 0.1. */
INLAY_API const struct inlay_migration *inlay_set_find(const struct inlay_set *set,
                                                       int64_t version);

#ifdef __cplusplus
}
#endif

#endif

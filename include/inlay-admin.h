/*
 * Calls that few servers make by themselves: going back, adopting, repair, tests. The command line
 * (inlay-cli.h) makes all of them. As in inlay.h, a call returns INLAY_OK or a negative code.
 */
#ifndef INLAY_ADMIN_H
#define INLAY_ADMIN_H

#include <inlay.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Going back ---- */

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
 * INLAY_E_ARGUMENT: none is stored; INLAY_E_REFUSED (not a table we can read), INLAY_E_LOCKED,
 * INLAY_E_CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_kept_down_read(const struct inlay_set *set, const struct inlay_options *options,
                                   int64_t version, struct inlay_kept_down **kept,
                                   struct inlay_error *err);

/* Frees a stored down script; NULL is allowed. Since 0.1. */
INLAY_API void inlay_kept_down_free(struct inlay_kept_down *kept);

/* ---- Adopting and repairing ---- */

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
 * `source` is TOOL or TOOL=SCHEMA.TABLE, as stored and without quotes; docs/tools.md lists the
 * tools. "filenames" is any table of file names: filenames=SCHEMA.TABLE.COLUMN if it has several
 * columns of text. Without a table the tool's own is looked for where the history is and on the
 * search_path. It is read under the tool's own lock and left as it is. Or `source` is
 * query=SELECT ..., one statement, which runs in a transaction that cannot write.
 * Returns INLAY_OK, also where it is so already or there is nothing; INLAY_E_MISMATCH: versions are
 * missing on one side (see options.allow_missing) or have other names; INLAY_E_REFUSED: there is no
 * such table, it is not the tool's, it says that a migration is half done, or the history has other
 * rows; INLAY_E_LOCKED: the tool is at work; INLAY_E_ARGUMENT: the source; else as inlay_migrate.
 * Since 0.1. */
INLAY_API int inlay_adopt(const struct inlay_set *set, const struct inlay_options *options,
                          const char *source, struct inlay_error *err);

/* Records where a no-transaction migration that is half done, or half undone, continues: with
 * this statement, from 1; one more than it has: all of it is done, and the next run records that.
 * For what only a person can know: whether a statement that was cut off is done, what an edited
 * file is to do. INLAY_E_ARGUMENT: there is no such version or statement, or it runs in a
 * transaction; INLAY_E_REFUSED: the version is applied, and nothing of it undone. Since 0.1. */
INLAY_API int inlay_resume_at(const struct inlay_set *set, const struct inlay_options *options,
                              int64_t version, size_t statement, struct inlay_error *err);

/* ---- Verifying ---- */

/* What a verification found. */
struct inlay_verification {
    size_t verified;   /* applied migrations whose verify script holds */
    size_t failed;     /* ... and does not; the log names the place of each */
    size_t unverified; /* applied migrations that have none */
    int64_t elapsed_ms;
};

/* Asks the verify script of each applied migration, of those too that were recorded without having
 * run, each in a transaction that only reads: no migration lock, no write. `result` may be NULL.
 * Returns INLAY_OK; INLAY_E_MISMATCH: one failed, or gave a single boolean that is not true;
 * INLAY_E_FAILED: one ran into its statement_timeout; INLAY_E_LOCKED: another session holds a
 * table; else as inlay_status_read. Since 0.1. */
INLAY_API int inlay_verify(const struct inlay_set *set, const struct inlay_options *options,
                           struct inlay_verification *result, struct inlay_error *err);

/* ---- For those who run SQL by hand ---- */

/* From what a database has to what it is to have. */
struct inlay_span {
    int64_t from; /* everything up to this version is applied; -1: nothing is */
    int64_t to;   /* everything up to this version is to be, and nothing above it; -1: all */
};

/* Writes what a run would do as a script for psql: one try for the lock, what must be so, and each
 * migration with its row in a transaction, unless it is applied. After it nothing is pending. With
 * a span no database is asked, and a span that leads back undoes; NULL: what is pending in the
 * database. The caller frees `*script`, which is UTF-8, with free(). Returns INLAY_OK;
 * INLAY_E_ARGUMENT: a version that is not embedded; INLAY_E_REFUSED: a migration in C, a down
 * script that is missing; else as inlay_status_read. Since 0.1. */
INLAY_API int inlay_psql_script(const struct inlay_set *set, const struct inlay_options *options,
                                const struct inlay_span *span, char **script,
                                struct inlay_error *err);

/* ---- Who migrates ---- */

/* The process that holds the migration lock: status->lock_holder. A text that is not known, or not
 * for this role to see, is NULL. */
struct inlay_lock_holder {
    int64_t pid; /* of the server's process */
    const char *application;
    const char *address;   /* of the client */
    const char *since;     /* when it connected, ISO 8601 with zone */
    const char *statement; /* the first line of what it ran last */
};

/* ---- On databases for tests ---- */

/* What a rehearsal did. */
struct inlay_rehearsal {
    size_t rehearsed;   /* migrations that ran to their end, and were rolled back */
    size_t unrehearsed; /* migrations that only a real run can run */
    int64_t elapsed_ms;
    int64_t reserved[5];
};

enum inlay_effect_kind {
    /* What a statement did to what was there before the file. */
    INLAY_EFFECT_LOCK = 0,    /* took the lock `detail`, or a stronger one than the file had */
    INLAY_EFFECT_REWRITE = 1, /* gave it a new file on the disk: every row was written again */
    INLAY_EFFECT_SCAN = 2,    /* read all of it: `read` rows */
    INLAY_EFFECT_ROWS = 3,    /* wrote rows: `inserted`, `updated`, `deleted` */
    /* What is different in the catalogs. */
    INLAY_EFFECT_DROPPED = 4,
    INLAY_EFFECT_RENAMED = 5,  /* or moved to another schema; `detail` is the new name */
    INLAY_EFFECT_RETYPED = 6,  /* a column's type, a function's result: `detail` */
    INLAY_EFFECT_NOT_NULL = 7, /* a column must have a value: `has_default` tells if it gets one */
    INLAY_EFFECT_CREATED = 8,  /* a column, index, constraint, trigger of a table that was there */
    INLAY_EFFECT_VALIDATED = 9,
    INLAY_EFFECT_REPLACED = 10 /* dropped and made again under its name */
};

/* What a migration did, as locks, statistics and catalogs of the server tell it: one thing each.
 * Names are qualified and quoted where SQL would need it. What the same file made is left out, and
 * so are the history's own tables. */
struct inlay_effect {
    enum inlay_effect_kind kind;
    size_t statement;        /* of the file, from 1; 0: not known, or a migration in C */
    int64_t elapsed_ms;      /* of this statement */
    const char *object_kind; /* "table", "index", "column", "function", "enum value" ... */
    const char *object;      /* "public.orders", "public.orders.total" */
    const char *table;       /* that it is a part of; or NULL */
    /* "ACCESS EXCLUSIVE", a name, a type; of an index that is DROPPED its columns: "a, b"; or NULL
     */
    const char *detail;
    /* The migration of this run that made it, or what it is a new part of; NULL: that was there
     * before the run. */
    const struct inlay_migration *made_by;
    /* LOCK: this earlier migration of the one transaction took it; else NULL. */
    const struct inlay_migration *held_since;
    bool valid;       /* CREATED, REPLACED: an index or a constraint that holds for all rows */
    bool has_default; /* NOT_NULL */
    int64_t read, inserted, updated, deleted;
    bool again; /* DROPPED, RENAMED: at the end of the file something else has the name */
};

/* One of an event's effects; they may be longer than this header says: do not index the array. */
static inline const struct inlay_effect *inlay_effect_at(const struct inlay_event *event,
                                                         size_t index)
{
    const void *at = (const char *)event->effects + index * event->effect_size;

    return (const struct inlay_effect *)at;
}

/* Runs what inlay_migrate would run, in the same order, in one transaction that is rolled back:
 * each migration finds what those before it did, and its deferred constraints are checked at its
 * end. For a copy of the database: its locks are held until the rollback, and what no rollback
 * undoes (nextval, what a statement does outside of the database) is done. A migration without a
 * transaction, and one that needs an enum value of an earlier one to be committed, is left out,
 * which a warning and INLAY_EVENT_UNREHEARSED tell. A lock timeout is not tried again; a file's
 * isolation level is not used; before_run and before_migration are not asked. `result` may be NULL.
 *
 * `keep_in`: NULL; or the name of the database, which must be: then each migration has a
 * transaction of its own, or none, as in a real run, and everything is kept. For a server that is
 * thrown away, or a copy: the questions about a migration are asked while its locks are held.
 *
 * The events tell what each migration did.
 * Returns INLAY_OK: nothing is pending, or no migration failed; INLAY_E_FAILED: the first that
 * failed, with its place; where one before it was left out, the hint says so; INLAY_E_ARGUMENT: the
 * database has another name; INLAY_E_LOST is final; else as inlay_migrate. Since 0.1. */
INLAY_API int inlay_rehearse(const struct inlay_set *set, const struct inlay_options *options,
                             const char *keep_in, struct inlay_rehearsal *result,
                             struct inlay_error *err);

/* What a self-test did. */
struct inlay_selftest_result {
    size_t tested;   /* migrations that went up, down and up again */
    size_t untested; /* migrations without a down script, which only went up */
    int64_t elapsed_ms;
    int64_t reserved[5];
};

/* Tries the way back of every migration, on an empty database that is thrown away afterwards: each
 * is applied, undone and applied again, then all are undone and applied again, and each time the
 * schema has to come out as it was before; the log says what differs. Compared is what
 * the catalogs say of the objects in the database, not rows, and nothing that lies outside of it,
 * such as roles. Leaves the database migrated. `result` may be NULL.
 * Returns INLAY_OK; INLAY_E_FAILED: a migration failed, or did not lead back; INLAY_E_REFUSED:
 * nothing was run, because the database holds something, a migration has no down script (unless
 * options.skip_missing_down), or as inlay_migrate; INLAY_E_LOST is final; else as inlay_migrate.
 * Since 0.1. */
INLAY_API int inlay_selftest(const struct inlay_set *set, const struct inlay_options *options,
                             struct inlay_selftest_result *result, struct inlay_error *err);

/* ---- The schema ---- */

enum inlay_difference_kind {
    INLAY_DIFFERENCE_MISSING = 0, /* the database lacks it */
    INLAY_DIFFERENCE_EXTRA = 1,   /* the embedded schema lacks it */
    INLAY_DIFFERENCE_LINES = 2    /* both have it, with other lines */
};

/* An object that is not as the embedded schema has it. This struct does not grow. */
struct inlay_difference {
    enum inlay_difference_kind kind;
    const char *object; /* "table public.orders", "table public.orders index orders_total" */
    /* "- embedded\n" and "+ in the database\n"; "~ moved\n" where only the order differs; "" of one
     * that only one has */
    const char *lines;
};

/* A schema as text: a block of lines for each object, sorted by its first line, which says what it
 * is. Every pointer in it lives until inlay_schema_free. */
struct inlay_schema {
    const char *text;
    const char *database;
    int major;          /* of the server that was read: 15 */
    int embedded_major; /* of the server that set->schema is from; 0: there is no such text */
    const struct inlay_difference *differences; /* from set->schema, by object */
    size_t difference_count;
};

/* Reads the schema of a database to which all of the set was applied, and compares it with the
 * embedded one. No lock, no write, one round trip more than inlay_check. Left out are the tables of
 * the history, what an extension made, the values of sequences, passwords, subscriptions, and what
 * does not lie in the database. If the embedded schema is from another major version, lines that
 * print a parsed expression are not compared. Nor is what options.allow_drift names: a line for
 * each pattern, in which * stands for any text; what begins with # is a comment. It is to fit the
 * identity of an object, or identity, colon, blank and a line of it.
 * The caller frees `*schema` with inlay_schema_free. Returns INLAY_OK, whatever differs;
 * INLAY_E_PENDING; INLAY_E_MISMATCH, also for versions that are not embedded; else as inlay_check.
 * Since 0.1. */
INLAY_API int inlay_schema_read(const struct inlay_set *set, const struct inlay_options *options,
                                struct inlay_schema **schema, struct inlay_error *err);

/* Frees a schema; NULL is allowed. Since 0.1. */
INLAY_API void inlay_schema_free(struct inlay_schema *schema);

/* ---- Beginning again ---- */

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
    const struct inlay_schema_contents *schemas; /* see inlay_contents_at */
    size_t schema_count;
    const char *besides;        /* what lies in no schema: "extension pg_trgm, server far"; or "" */
    struct inlay_error verdict; /* what inlay_reset would refuse with; .code INLAY_OK if nothing */
};

/* Reads what a reset would drop: no lock, no write. The caller frees `*contents` with
 * inlay_contents_free. Returns INLAY_OK; INLAY_E_REFUSED (INLAY_SET_NO_RESET; a history that cannot
 * be read), INLAY_E_LOCKED, INLAY_E_ARGUMENT, _CONNECTION, _LOST, _STOPPED, _MEMORY. Since 0.1. */
INLAY_API int inlay_contents_read(const struct inlay_set *set, const struct inlay_options *options,
                                  struct inlay_contents **contents, struct inlay_error *err);

/* One of its schemas, by name; do not index the array. NULL at schema_count and above. Since 0.1.
 */
INLAY_API const struct inlay_schema_contents *
inlay_contents_at(const struct inlay_contents *contents, size_t index);

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

/* ---- What is linked ---- */

/* What the program is linked with. */
struct inlay_linked {
    const char *inlay;   /* of the library; INLAY_VERSION is that of the header. Constant */
    const char *openssl; /* as it says it: "OpenSSL 3.0.19 27 Jan 2026". Constant; or NULL */
    char libpq[16];      /* "15.20" */
    const char *reserved[4];
};

/* For reports of faults; needs no database. `openssl` is the one in the process, which is libpq's;
 * NULL where there is none, and in a static program that was linked without
 * -Wl,-u,OpenSSL_version. Since 0.1. */
INLAY_API void inlay_linked_read(struct inlay_linked *linked);

#ifdef __cplusplus
}
#endif

#endif

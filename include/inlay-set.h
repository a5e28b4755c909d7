/*
 * The generated tables: what `inlay embed` writes and the library walks.
 *
 * Constant data. Everything that a pointer names lives as long as the program. The library only
 * reads them; so may you.
 */
#ifndef INLAY_SET_H
#define INLAY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The layout of these tables. A generated file made for another number does not compile, and a
 * library of another number refuses it. Under one number members are only appended to a struct, and
 * a pointer that is reserved may get a meaning: what an older library does not know of a newer set
 * it refuses. A struct that is a member of another does not grow. */
#define INLAY_ABI 3

#define INLAY_VERSION "0.1.0"

#if defined(__GNUC__)
#define INLAY_API __attribute__((visibility("default")))
#else
#define INLAY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a statement is, as far as running it is concerned. */
enum inlay_statement_kind {
    INLAY_STATEMENT_ORDINARY = 0,           /* may run inside a transaction */
    INLAY_STATEMENT_SESSION_SET = 1,        /* SET, RESET: changes the session, not the data */
    INLAY_STATEMENT_INDEX_CONCURRENTLY = 2, /* CREATE INDEX CONCURRENTLY */
    INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY = 3,
    INLAY_STATEMENT_REINDEX_CONCURRENTLY = 4,
    INLAY_STATEMENT_OTHER_NON_TRANSACTIONAL = 5, /* CREATE DATABASE, ALTER SYSTEM ... */
    INLAY_STATEMENT_REPEATABLE = 6, /* VACUUM ...: not in a transaction, but twice is as once */
    INLAY_STATEMENT_QUERY = 7,      /* of a verify script: one that gives rows */
    INLAY_STATEMENT_CALL = 8        /* CALL, DO: as an ordinary one, or commits by itself */
};

/* One statement of a script: the bytes [offset, offset + length) of its text, without the
 * semicolon, without white space and comments around it. */
struct inlay_statement {
    size_t offset;
    size_t length;
    uint32_t line; /* of the first byte, from 1 */
    enum inlay_statement_kind kind;
    const char *index; /* concurrent index statements: the index as written, or NULL */
    const char *table; /* concurrent index statements: the table as written, or NULL; an ordinary
                          one of a migration that may be the first to run: what it creates */
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
    const void *reserved; /* NULL */
};

#define INLAY_SCRIPT_NO_TRANSACTION 1u /* `-- inlay: no-transaction` */
#define INLAY_SCRIPT_FROZEN 2u         /* listed in SHA256SUMS: it will not change any more */

struct inlay_tx;
struct inlay_error;

/* A migration written in C. Runs inside the migration's transaction; see inlay_tx_execute. It is
 * called again if the transaction is tried again: after a lock timeout, a lost connection.
 * Returns INLAY_OK to continue to the commit, anything else to roll back, with `err` filled by the
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
    uint16_t statement_size;               /* of each of them: see INLAY_SCRIPT_SIZES */
    uint16_t settings_size;                /* of `settings` */
    const struct inlay_settings *settings; /* NULL: the file sets nothing */
    inlay_migration_function function;     /* a migration in C: `text` is its source; else NULL */
    const void *reserved;                  /* NULL */
};

/* For the members from statement_size: the sizes of this header. */
#define INLAY_SCRIPT_SIZES sizeof(struct inlay_statement), sizeof(struct inlay_settings)

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
    const struct inlay_script *verify;  /* NNN_name.verify.sql; NULL: nothing verifies it */
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
    uint32_t abi;            /* INLAY_ABI of the generator */
    uint32_t size;           /* of this struct in the program */
    uint32_t migration_size; /* of each element of the arrays there */
    uint32_t range_size;
    const char *directory; /* the directory's own name, for messages: "migrations" */
    const char *history;   /* "schema.table" of the history, unless options say otherwise */
    /* sha256 over "version name sha256\n" of all, with "R__" for the version of a repeatable: names
     * this very history */
    const char *digest;
    const struct inlay_migration *migrations; /* ascending by version; NULL where there are none */
    size_t migration_count;
    const struct inlay_migration *repeatables; /* by name; NULL where there are none */
    size_t repeatable_count;
    uint32_t flags;       /* INLAY_SET_* */
    const char *adopt;    /* "TOOL=SCHEMA.TABLE" of --adopt, or NULL */
    const void *reserved; /* NULL */
    /* The file of --schema: what inlay_schema_read has read of a migrated database; or NULL. */
    const char *schema;
};

/* For the members from abi: the number and the sizes of this header. */
#define INLAY_SET_ABI                                                                              \
    INLAY_ABI, sizeof(struct inlay_set), sizeof(struct inlay_migration), sizeof(struct inlay_range)

/* The migration at this place of set->migrations. The elements may be longer than this header says:
 * do not index the array. */
static inline const struct inlay_migration *inlay_set_migration(const struct inlay_set *set,
                                                                size_t index)
{
    const void *at = (const char *)set->migrations + index * set->migration_size;

    return (const struct inlay_migration *)at;
}

/* The same of set->repeatables. */
static inline const struct inlay_migration *inlay_set_repeatable(const struct inlay_set *set,
                                                                 size_t index)
{
    const void *at = (const char *)set->repeatables + index * set->migration_size;

    return (const struct inlay_migration *)at;
}

/* The same of script->statements. */
static inline const struct inlay_statement *
inlay_script_statement(const struct inlay_script *script, size_t index)
{
    const void *at = (const char *)script->statements + index * script->statement_size;

    return (const struct inlay_statement *)at;
}

/* The embedded migration with this version, or NULL. Since 0.1. */
INLAY_API const struct inlay_migration *inlay_set_find(const struct inlay_set *set,
                                                       int64_t version);

#ifdef __cplusplus
}
#endif

#endif

/* The timeouts that a transactional migration runs under, and whose they are. */
#ifndef INLAY_LIMITS_H
#define INLAY_LIMITS_H

#include "run/settings.h"

#include <inlay.h>
#include <libpq-fe.h>

/* So many migrations may be in flight at once: round trips do not grow with the count. */
#define INLAY_WINDOW 1024

/* What a session runs under. */
struct limits {
    const struct inlay_options *options;
    size_t settings;                     /* of ours, that this server takes: see settings.h */
    unsigned char again[INLAY_SETTINGS]; /* which of them to make again after a reset */
    size_t again_count;
    bool asynchronous;         /* commits need not wait for the disk, which without us they would */
    struct inlay_settings own; /* timeouts of role, database or connection; INLAY_UNSET: none */
    size_t window;             /* migrations in flight at once; one after a mishap */

    /* If no lock_timeout is set. */
    bool once;           /* nothing is tried again */
    int64_t deadlock_ms; /* after which the server ends an autovacuum that is in the way */
    const struct inlay_script *climber; /* that is tried again, for so long: */
    int64_t rung_ms;
};

struct limit {
    int64_t ms;        /* 0: no timeout */
    const char *whose; /* "the file's", for messages */
};

/* Asks for what a reset gives for each setting that we make, or take into account. */
extern const char inlay_limits_sql[];

/* Takes what role, database and connection have set: the answer to inlay_limits_sql. From it
 * follows also which settings of ours a reset undoes, or could once the server loads its
 * configuration again in the middle of the run. Of the latter only timeouts count: keepalives of
 * another length end nothing. */
void inlay_limits_read(struct limits *limits, const PGresult *result);

/* What a client may bring along, and a migration takes from the server, or from database or role.
 */
extern const char *const inlay_server_settings[];
extern const size_t inlay_server_setting_count;

/* Refuses what the client brought along and a migration takes from the server, or from database or
 * role: from the same answer. INLAY_OK or INLAY_E_REFUSED. */
int inlay_limits_refuse_brought(const PGresult *result, const char *database,
                                struct inlay_error *err);

/* All queries on a table wait for a migration that waits for its lock. If no lock_timeout is set it
 * waits for so long at first, and when it is tried again at most for so long. */
#define INLAY_TRY_FIRST_MS 200
#define INLAY_TRY_MOST_MS 800

/* The file's own comes before the caller's, the caller's before the role's, the role's before
 * ours. */
struct limit inlay_limit_lock(const struct limits *limits, const struct inlay_script *script);
struct limit inlay_limit_statement(const struct limits *limits, const struct inlay_script *script);

/* Writes a time as the head of a file would: "5s". */
void inlay_limit_text(int64_t ms, char *buffer, size_t size);

#endif

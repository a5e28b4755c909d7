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
};

struct limit {
    int64_t ms;        /* 0: no timeout */
    const char *whose; /* "the file's", for messages */
};

/* Asks for what a reset gives for each setting that we make, or take into account. */
extern const char inlay_limits_sql[];

/* Takes what role, database and connection have set: the answer to inlay_limits_sql. From it
 * follows also which settings of ours a reset undoes, or could once the server loads its
 * configuration anew in the middle of the run. Of the latter only timeouts count: keepalives of
 * another length end nothing. */
void inlay_limits_read(struct limits *limits, const PGresult *result);

/* The file's own comes before the caller's, the caller's before the role's. A migration that waits
 * for a lock makes all others wait who come after it: without a timeout of anybody's it has ours.
 */
struct limit inlay_limit_lock(const struct limits *limits, const struct inlay_script *script);
struct limit inlay_limit_statement(const struct limits *limits, const struct inlay_script *script);

/* Writes a time as the head of a file would: "5s". */
void inlay_limit_text(int64_t ms, char *buffer, size_t size);

#endif

/* The timeouts that a transactional migration runs under, and whose they are. */
#ifndef INLAY_LIMITS_H
#define INLAY_LIMITS_H

#include "run/run.h"

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
void inlay_limits_read(struct run *run, const PGresult *result);

/* The file's own comes before the caller's, the caller's before the role's. A migration that waits
 * for a lock makes all others wait who come after it: without a timeout of anybody's it has ours.
 */
struct limit inlay_limit_lock(const struct run *run, const struct inlay_script *script);
struct limit inlay_limit_statement(const struct run *run, const struct inlay_script *script);

/* Writes a time as the head of a file would: "5s". */
void inlay_limit_text(int64_t ms, char *buffer, size_t size);

#endif

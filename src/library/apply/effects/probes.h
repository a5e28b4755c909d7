/* The questions that find out what a statement did, as messages. They are sent after the statement
 * without waiting for it. */
#ifndef INLAY_PROBES_H
#define INLAY_PROBES_H

#include "history/name.h"
#include "wire/exchange.h"

enum probe {
    PROBE_NONE,
    PROBE_BEGIN,  /* a transaction of their own */
    PROBE_BASE,   /* locks and counts before the file */
    PROBE_LOCKS,  /* the same of what this transaction has locked */
    PROBE_WRITES, /* rows written to the catalogs of relations, and to others: where there are none
                     more, no object differs */
    PROBE_ENTER,  /* the search_path of what follows; what the migration had is put aside */
    PROBE_SCOPE,  /* relations that are locked so that they may have changed, and their parts */
    PROBE_OTHERS, /* objects that are no part of a relation */
    PROBE_ALL,    /* all of both */
    PROBE_LEAVE,
    PROBE_COMMIT
};

/* When something is asked, and what. */
enum round {
    ROUND_BEFORE,    /* the first statement of a file in a transaction */
    ROUND_STATEMENT, /* after each, in its transaction */
    ROUND_SCOPE,     /* and where it wrote to the catalogs of relations */
    ROUND_OTHERS,    /* or to others */
    ROUND_ALL,       /* once, and when everything may have another name */
    ROUND_OUTSIDE,   /* the same outside of transactions */
    ROUNDS
};

/* How many messages a round has, and which they are. */
size_t inlay_probes_count(enum round round);
enum probe inlay_probes_at(enum round round, size_t index);

struct probes {
    char *scope_sql;
    char *others_sql;
    char *all_sql;
    const char *names[2]; /* of the history's tables, which are left out */
};

/* False without memory. Finish it in any case. */
bool inlay_probes_init(struct probes *probes, const struct history_name *name);
void inlay_probes_finish(struct probes *probes);

void inlay_probes_fill(const struct probes *probes, enum probe probe, struct message *message);

/* The columns of the answer about locks and counts. */
enum { LOCK_RELATION, LOCK_RANK, LOCK_COUNTS }; /* and after the last the others of them */

/* The strength of a lock. From LOCK_CHANGES on it allows a change of what the catalogs say. */
enum { LOCK_NONE, LOCK_READS, LOCK_ROW_SHARE, LOCK_WRITES, LOCK_CHANGES, LOCK_EXCLUSIVE = 8 };

/* What is answered where the server does not count. */
#define WRITES_UNKNOWN (-1)

/* "ACCESS EXCLUSIVE" */
const char *inlay_probes_lock_name(int rank);

#endif

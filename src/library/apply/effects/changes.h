/* What two looks at a database differ in, as effects of the statement between them. */
#ifndef INLAY_CHANGES_H
#define INLAY_CHANGES_H

#include "apply/effects/effects.h"
#include "apply/effects/objects.h"
#include "apply/effects/probes.h"
#include "plan/steps.h"

/* What the server counts for a relation, in the order of the answer. */
enum { COUNT_SCANS, COUNT_READ, COUNT_INSERTED, COUNT_UPDATED, COUNT_DELETED, COUNTS };

/* The catalogs of relations and their parts, and the others. */
enum part { PART_RELATIONS, PART_OTHERS, PARTS };

/* A relation that was locked, or is counted. */
struct touched {
    uint32_t relation;
    int rank; /* of the strongest lock in this file */
    int64_t counts[COUNTS];
    const struct inlay_migration *since; /* took that lock */
};

/* The database at the last look, and what the file did to it until then. */
struct picture {
    struct objects known;
    struct objects now; /* an answer that is being read */
    struct effects effects;
    struct touched *touched;
    size_t touched_count;
    size_t touched_capacity;
    const struct step *step; /* the file; NULL: none has begun */
    size_t statement;        /* that ran last, from 1; 0: none */
    int64_t elapsed_ms;      /* of it */
    int64_t writes[PARTS];   /* to the catalogs, as the server counts them */
    bool changed[PARTS];     /* there were some since the last look */
    bool moved;              /* a schema has another name, and so has all in it */
    bool outside;            /* it ran outside of a transaction */
    bool silent;             /* what is different is only noted */
    bool failed;             /* without memory */
};

/* A row about locks and counts: before the file, and after a statement. */
void inlay_changes_base(struct picture *picture, const struct touched *read);
void inlay_changes_touched(struct picture *picture, const struct touched *read);

/* How many rows were written to the catalogs of this part. */
void inlay_changes_written(struct picture *picture, enum part part, int64_t writes);

/* The answer to this question about objects is in `now`. */
void inlay_changes_compare(struct picture *picture, enum probe probe);

/* At the end of a file: what was dropped and is there again was replaced, and is as old as before;
 * a column may have got its default later. What went along with its table, view or type counts as
 * dropped where something else has the name of that. */
void inlay_changes_settle(struct picture *picture);

void inlay_changes_finish(struct picture *picture);

#endif

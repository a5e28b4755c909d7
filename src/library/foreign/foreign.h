/* Which versions follow from what another tool's table says. Pure: no I/O, no libpq. */
#ifndef INLAY_FOREIGN_H
#define INLAY_FOREIGN_H

#include "base/error.h"
#include "foreign/tools.h"

struct foreign_version {
    int64_t version;
    const struct foreign_row *row;
};

/* What the table says. */
struct foreign_record {
    struct foreign_version *versions; /* that are applied, ascending */
    size_t count;
    int64_t through;     /* everything embedded up to this one is applied, too; -1: nothing */
    bool through_listed; /* and this one must be embedded itself */
    bool half_done;      /* refused because a migration is */
};

/* Reads rows into the record, which points into them. INLAY_OK; INLAY_E_REFUSED: a row that cannot
 * be understood, or says that a migration is half done; INLAY_E_MEMORY. The caller frees
 * record->versions, after a failure too. */
int inlay_foreign_read(const struct foreign_source *source, const struct inlay_set *set,
                       const char *quoted, const struct foreign_row *rows, size_t count,
                       struct foreign_record *record, struct inlay_error *err);

/* The row that an embedded version is recorded by, or NULL; `*applied` tells whether it is. */
const struct foreign_row *inlay_foreign_find(const struct foreign_record *record, int64_t version,
                                             bool *applied);

/* How many embedded files are not what the tool recorded, by their checksums; the first of them. */
size_t inlay_foreign_changed(const struct inlay_set *set, const struct foreign_record *record,
                             const struct inlay_migration **first);

/* Do record and set have the same versions, up to the record's newest, under the same names?
 * INLAY_OK, or INLAY_E_MISMATCH, which lists those that differ; where `rest` is adopted all the
 * same, those whose names differ. */
int inlay_foreign_compare(const struct inlay_set *set, const struct foreign_record *record,
                          const char *quoted, bool rest, struct inlay_error *err);

#endif

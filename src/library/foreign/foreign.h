/* Other tools' tables of what they have applied: what each is called, what its columns mean, and
 * which versions follow from its rows. Pure: no I/O, no libpq. */
#ifndef INLAY_FOREIGN_H
#define INLAY_FOREIGN_H

#include "base/error.h"
#include "foreign/tools.h"

/* INLAY_OK or INLAY_E_ARGUMENT, which does not repeat the text: it may be anything. */
int inlay_foreign_parse(const char *text, struct foreign_source *source, struct inlay_error *err);

/* The tool's name as it is written in front of the '='. */
const char *inlay_foreign_name(const struct foreign_source *source);

/* The keys of the advisory locks that the tool holds while it migrates; returns how many. */
size_t inlay_foreign_locks(const struct foreign_source *source, const char *schema,
                           const char *database, int64_t keys[FOREIGN_LOCKS]);

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

/* Reads rows in the order of their numbers into the record, which points into them. INLAY_OK;
 * INLAY_E_REFUSED: a row that cannot be understood, or says that a migration is half done;
 * INLAY_E_MEMORY. The caller frees record->versions, after a failure too. */
int inlay_foreign_read(const struct foreign_source *source, const char *quoted,
                       const struct foreign_row *rows, size_t count, struct foreign_record *record,
                       struct inlay_error *err);

/* The row that an embedded version is recorded by, or NULL; `*applied` tells whether it is. */
const struct foreign_row *inlay_foreign_find(const struct foreign_record *record, int64_t version,
                                             bool *applied);

/* Do record and set have the same versions, up to the record's newest? INLAY_OK, or
 * INLAY_E_MISMATCH, which lists those that are missing on either side. */
int inlay_foreign_compare(const struct inlay_set *set, const struct foreign_record *record,
                          const char *quoted, struct inlay_error *err);

#endif

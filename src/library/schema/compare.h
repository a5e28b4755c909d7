/* Two texts of schemas side by side, block by block (read.h says what a block is). Pure. */
#ifndef INLAY_SCHEMA_COMPARE_H
#define INLAY_SCHEMA_COMPARE_H

#include "base/error.h"

enum schema_change { SCHEMA_MISSING, SCHEMA_EXTRA, SCHEMA_DIFFERENT };

struct schema_comparison {
    const char *before;
    const char *now;
    const char *allowed; /* patterns, one a line: what they fit is passed over; NULL: none */
    bool plain;          /* pass over what other servers may print otherwise */
    /* `lines` are "- old\n" and "+ new\n", none of an object that is only on one side; or, where
     * nothing but the order differs, "~ moved\n". False ends the comparison for want of memory. */
    bool (*tell)(void *context, enum schema_change change, const char *object, const char *lines);
    void *context;
};

/* Tells each object that differs, in the order of their identities. INLAY_OK or INLAY_E_MEMORY. */
int inlay_schema_compare(const struct schema_comparison *comparison, struct inlay_error *err);

/* The major version of the server that a text is from; 0: it is no such text. */
int inlay_schema_major(const char *text);

/* The objects that a fresh database does not have; `*first` is the identity of the first, of
 * `*length` bytes. */
size_t inlay_schema_count(const char *text, const char **first, size_t *length);

#endif

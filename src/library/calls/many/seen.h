/* How histories with one digest stand, so that the rows of each are read only once. */
#ifndef INLAY_SEEN_H
#define INLAY_SEEN_H

#include "calls/many/digest.h"

enum { SEEN_MOST = 32 };

struct verdict_seen {
    char digest[DIGEST_MOST];
    size_t pending;
    struct inlay_error error; /* .code INLAY_OK or INLAY_E_PENDING: its text names no history */
};

/* All zero is empty. When it is full the oldest goes. */
struct seen {
    struct verdict_seen list[SEEN_MOST];
    size_t added;
};

const struct verdict_seen *inlay_seen_find(const struct seen *seen, const char *digest);
void inlay_seen_add(struct seen *seen, const char *digest, size_t pending,
                    const struct inlay_error *error);

#endif

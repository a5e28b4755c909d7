/* Remembers how histories stood, by their digests. Keeps a few: most tenants have one of two. */
#include "calls/many/seen.h"

#include <string.h>

static size_t seen_count(const struct seen *seen)
{
    return seen->added < SEEN_MOST ? seen->added : SEEN_MOST;
}

const struct verdict_seen *inlay_seen_find(const struct seen *seen, const char *digest)
{
    for (size_t i = 0; i < seen_count(seen); i++)
        if (strcmp(seen->list[i].digest, digest) == 0)
            return &seen->list[i];
    return NULL;
}

void inlay_seen_add(struct seen *seen, const char *digest, size_t pending,
                    const struct inlay_error *error)
{
    struct verdict_seen *to = &seen->list[seen->added++ % SEEN_MOST];

    inlay_text_put(to->digest, sizeof to->digest, "%s", digest);
    to->pending = pending;
    to->error = *error;
}

/* Searches arrays that are sorted by version, and lists versions for a message. */
#include "base/versions.h"
#include "base/text.h"

#include <string.h>

enum { NAMED = 10 };

static int64_t version_of(const void *rows, size_t size, size_t index)
{
    int64_t version;

    memcpy(&version, (const char *)rows + index * size, sizeof version);
    return version;
}

size_t inlay_versions_at(const void *rows, size_t count, size_t size, int64_t version)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (version_of(rows, size, middle) < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const void *inlay_versions_find(const void *rows, size_t count, size_t size, int64_t version)
{
    size_t at = inlay_versions_at(rows, count, size, version);

    return at < count && version_of(rows, size, at) == version ? (const char *)rows + at * size
                                                               : NULL;
}

void inlay_versions_add(struct version_list *list, int64_t version)
{
    if (list->count < NAMED)
        inlay_text_add(list->buffer, list->size, "%s%lld", list->count > 0 ? ", " : "",
                       (long long)version);
    list->count++;
}

void inlay_versions_end(struct version_list *list)
{
    if (list->count > NAMED)
        inlay_text_add(list->buffer, list->size, " and %zu more", list->count - NAMED);
}

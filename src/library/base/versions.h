/* Arrays in the order of their versions, and versions as a message lists them. */
#ifndef INLAY_VERSIONS_H
#define INLAY_VERSIONS_H

#include <stddef.h>
#include <stdint.h>

/* The index of the first row whose version is not below this one; `count` if there is none. A row
 * is `size` bytes long and begins with its version. */
size_t inlay_versions_at(const void *rows, size_t count, size_t size, int64_t version);

/* The row with this version, or NULL. */
const void *inlay_versions_find(const void *rows, size_t count, size_t size, int64_t version);

/* A list that names the first ten: "4, 7, 9 and 12 more". */
struct version_list {
    char *buffer; /* the list is appended to what it holds */
    size_t size;
    size_t count; /* versions so far */
};

void inlay_versions_add(struct version_list *list, int64_t version);

/* Says how many were not named. */
void inlay_versions_end(struct version_list *list);

#endif

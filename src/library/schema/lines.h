/* The lines of an object in two schemas, side by side. */
#ifndef INLAY_SCHEMA_LINES_H
#define INLAY_SCHEMA_LINES_H

#include "base/builder.h"

/* A part of one of the two texts. */
struct span {
    const char *text;
    size_t length;
};

/* As memcmp. */
int inlay_span_compare(struct span a, struct span b);

/* Writes "- old\n" and "+ new\n", or "~ moved\n" where nothing but their order differs. */
void inlay_lines_compare(struct builder *out, const struct span *a, size_t n, const struct span *b,
                         size_t m);

#endif

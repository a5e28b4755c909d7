/* A text of any length, built piece by piece. */
#ifndef INLAY_BUILDER_H
#define INLAY_BUILDER_H

#include "base/text.h"

struct builder {
    char *data; /* NUL-terminated; NULL: nothing yet */
    size_t length;
    size_t size;
    bool failed; /* there was no memory; what follows is dropped */
};

void inlay_builder_add(struct builder *builder, const char *text, size_t length);
void inlay_builder_text(struct builder *builder, const char *text);
void inlay_builder_format(struct builder *builder, const char *format, ...) INLAY_PRINTF(2, 3);

/* Makes it empty. Whoever takes the data frees that alone. */
void inlay_builder_free(struct builder *builder);

#endif

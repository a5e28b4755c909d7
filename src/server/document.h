/* The page for people and the document for programs. */
#ifndef SERVER_DOCUMENT_H
#define SERVER_DOCUMENT_H

#include "readiness.h"

void write_page(struct writer *writer, const struct snapshot *now,
                const struct readiness *readiness);
void write_document(struct writer *writer, const struct snapshot *now,
                    const struct readiness *readiness);

/* The page's style sheet. */
extern const char style_sheet[];

#endif

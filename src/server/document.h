/* The document: what the server tells programs of its database, as little or as much as the page.
 */
#ifndef SERVER_DOCUMENT_H
#define SERVER_DOCUMENT_H

#include "readiness.h"

void write_document(struct buffer *out, const struct snapshot *now,
                    const struct readiness *readiness, bool details);

#endif

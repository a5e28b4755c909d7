/* The page: what the server shows people of its database. It shows the condition and the headline;
 * the reason, the names and the rows only with `details`. */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "readiness.h"

void write_page(struct buffer *out, const struct snapshot *now, const struct readiness *readiness,
                bool details);

/* Its style sheet. */
extern const char style_sheet[];

/* A text of others in the page: neither markup nor what could reorder what is read, but for the
 * characters in `keep`. */
void write_html(struct buffer *out, const char *text, const char *keep);

#endif

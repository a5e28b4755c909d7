/* Writing down what is known: HTML and JSON. The results are on the heap; NULL without memory. */
#ifndef SERVER_RENDER_H
#define SERVER_RENDER_H

#include "state.h"

/* The migrations as rows of a list, and as a JSON array. */
char *render_table(const struct inlay_status *status);
char *render_json(const struct inlay_status *status);

/* The whole page, and the whole JSON document. */
char *render_page(const struct view *view);
char *render_document(const struct view *view);

/* The one line (or error) that /readyz answers. */
char *render_readiness(const struct view *view);

const char *render_phase(enum phase phase);

#endif

/* Which of many histories are as inlay makes them. */
#ifndef INLAY_SHAPES_H
#define INLAY_SHAPES_H

#include "history/name.h"
#include "wire/query.h"

/* What there is of one history and its state table. */
struct form {
    bool history;
    bool state;
    bool odd; /* one of them is not, in every respect, what inlay makes */
};

/* Asks the catalogs about all of them at once; they differ in their schemas, and `any` has the
 * names of their tables. Also says how long a lock is waited for, and finds out whether a pooler is
 * in between: `pooled` then, and nothing is known of the forms. INLAY_OK, INLAY_E_REFUSED, or as
 * inlay_query_ask. */
int inlay_shapes_ask(struct session *session, const struct history_name *any,
                     const struct history_name *names, size_t count, struct form *forms,
                     bool *pooled, struct inlay_error *err);

#endif

/* Our own tables: what is missing of them, and making it. */
#ifndef INLAY_TABLES_H
#define INLAY_TABLES_H

#include "history/snapshot.h"

enum { TABLES_MOST = 8 };

/* What is missing of schema, tables and columns, as statements; the last one demands that what
 * comes out is fit, since an event trigger may change it. */
struct tables {
    const struct history_name *name;
    char *texts[TABLES_MOST];
    size_t count;
};

/* Lists it; `state`: the state table is missing and wanted. The caller frees the list, after a
 * failure too. INLAY_OK or INLAY_E_MEMORY. */
int inlay_tables_list(const struct history_name *name, const struct snapshot *now, bool state,
                      struct tables *tables, struct inlay_error *err);
void inlay_tables_free(struct tables *tables);

/* The messages of the transaction that makes it: none if nothing is missing. */
size_t inlay_tables_messages(const struct tables *tables);
const char *inlay_tables_message(const struct tables *tables, size_t index);

/* What a message that failed says. INLAY_E_REFUSED */
int inlay_tables_refuse(const struct tables *tables, const PGresult *result,
                        struct inlay_error *err);

/* Makes it, in a transaction of its own, or inside one that is `begun`. INLAY_OK, INLAY_E_REFUSED
 * or the codes of inlay_query_ask. */
int inlay_tables_make(struct session *session, const struct tables *tables, bool begun,
                      struct inlay_error *err);

#endif

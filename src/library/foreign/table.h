/* Another tool's table: is it one, and which of its columns is for what? Pure: no I/O, no libpq. */
#ifndef INLAY_FOREIGN_TABLE_H
#define INLAY_FOREIGN_TABLE_H

#include "foreign/foreign.h"

/* The table as the catalogs describe it. */
struct foreign_attribute {
    const char *name;
    int64_t type; /* OID */
};

struct foreign_table {
    const char *quoted;
    char kind; /* pg_class.relkind */
    bool row_security;
    const struct foreign_attribute *attributes;
    size_t attribute_count;
};

struct foreign_columns {
    const char *names[FOREIGN_COLUMNS]; /* the attributes'; NULL: it has no such column */
};

/* Is this the tool's table? Fills the names of its columns: once for each column that may hold the
 * version, which are several only where file names are looked for. There must be room for as many
 * as there are attributes. INLAY_OK or INLAY_E_REFUSED. */
int inlay_foreign_check(const struct foreign_source *source, const struct foreign_table *table,
                        struct foreign_columns *columns, size_t *count, struct inlay_error *err);

/* Is it a file name by which the tool tells a version? "db/001_init.sql" or "001_init" is; a
 * number, a time and NULL are not. */
bool inlay_foreign_is_name(const struct foreign_source *source, const char *text);

/* Says that file names are in none of the table's columns of text, or in all of these. */
int inlay_foreign_refuse_choice(const struct foreign_source *source, const char *quoted,
                                const struct foreign_columns *columns, size_t count,
                                struct inlay_error *err);

#endif

/* What is to be adopted, as the command line and the build name it. Pure: no I/O, no libpq. */
#ifndef INLAY_FOREIGN_SOURCE_H
#define INLAY_FOREIGN_SOURCE_H

#include "base/error.h"
#include "foreign/tools.h"

/* Points into `text` where that has a query. INLAY_OK or INLAY_E_ARGUMENT, which does not repeat
 * the text: it may be anything. */
int inlay_foreign_parse(const char *text, struct foreign_source *source, struct inlay_error *err);

/* The tool's name as it is written in front of the '='. */
const char *inlay_foreign_name(const struct foreign_source *source);

/* The name of a tool's table, without its schema. */
const char *inlay_foreign_table(const struct foreign_tool *tool);

/* The keys of the advisory locks that the tool holds while it migrates; returns how many. */
size_t inlay_foreign_locks(const struct foreign_source *source, const char *schema,
                           const char *database, int64_t keys[FOREIGN_LOCKS]);

#endif

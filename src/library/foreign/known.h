/* Which tables in a database are those of tools in the list, or those that are about to be created.
 */
#ifndef INLAY_FOREIGN_KNOWN_H
#define INLAY_FOREIGN_KNOWN_H

#include "foreign/tools.h"
#include "wire/query.h"

/* What the guard looks for, where no history of ours has a row. */
struct detect_terms {
    const char *schema;  /* of the history */
    const char *history; /* its table, if there is none; what follows may be NULL too */
    const struct inlay_script *first; /* what would run first, or NULL */
    const char *search_path;          /* that it would begin with; NULL: the session's */
};

/* The query for tables of other migration tools, in the schema of the history, on the search_path,
 * and where a tool always has it; and for the first table that the first script would create. */
struct detect_query {
    char tools[3072];
    char created[4096]; /* the names that have no room are not asked about */
    const char *parameters[5];
};

/* The columns of its answer. The tool of a table that would be created is empty, its mark the kind
 * of what is there, and its row the last. */
enum { FOUND_QUOTED, FOUND_TOOL, FOUND_SCHEMA, FOUND_TABLE, FOUND_MARK };

/* The message points into `query`, and to the terms' own texts. */
struct message inlay_detect_message(struct detect_query *query, const struct detect_terms *terms);

/* Whose table it is; NULL: it is one that would be created. */
const struct foreign_tool *inlay_detect_tool(const PGresult *found, int row);

#endif

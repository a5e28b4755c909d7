/* Which tables in a database are those of tools in the list. */
#ifndef INLAY_FOREIGN_KNOWN_H
#define INLAY_FOREIGN_KNOWN_H

#include "foreign/tools.h"
#include "wire/query.h"

/* The query for tables of other migration tools: in this schema, on the search_path, and where a
 * tool always has it. */
struct detect_query {
    char tools[3072];
    const char *parameters[2];
};

/* The columns of its answer. */
enum { FOUND_QUOTED, FOUND_TOOL, FOUND_SCHEMA, FOUND_TABLE, FOUND_MARK };

/* The message points into `query`. */
struct message inlay_detect_message(struct detect_query *query, const char *schema);

/* Whose table it is. */
const struct foreign_tool *inlay_detect_tool(const PGresult *found, int row);

#endif

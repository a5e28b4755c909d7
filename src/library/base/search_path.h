/* The search_path that each migration is to begin with. */
#ifndef INLAY_SEARCH_PATH_H
#define INLAY_SEARCH_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Long enough for any such statement. */
#define INLAY_SEARCH_PATH_MOST 2048

/* Writes the statement that sets it, for the transaction or the session, and that fails where one
 * of the schemas is not there: the server would pass over it, and a migration make its tables in
 * the next. `names` are separated by commas. False: one is empty, or they are too long. */
bool inlay_search_path_sql(const char *names, bool local, char buffer[INLAY_SEARCH_PATH_MOST]);

#endif

/* Statements that may be watched, see run/watch.h. */
#ifndef INLAY_WATCHED_H
#define INLAY_WATCHED_H

#include "run/watch.h"
#include "wire/query.h"

/* Has the watcher look; `statement` counts from 0. INLAY_OK if there is none: NULL. */
int inlay_watched_look(struct watch *watch, enum watch_moment moment, size_t statement,
                       struct inlay_error *err);

/* As inlay_query_execute, with the statement as the second of the queries, after BEGIN. One round
 * trip; if there is a watcher, one for each part. */
int inlay_watched_execute(struct session *session, struct watch *watch, size_t statement,
                          const struct message *queries, size_t count, PGresult **results,
                          struct inlay_error *err);

#endif

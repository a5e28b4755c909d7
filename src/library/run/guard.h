/* Is there another tool's history with rows, or a table that would be created, and nothing in a
 * history of ours? */
#ifndef INLAY_GUARD_H
#define INLAY_GUARD_H

#include "foreign/detect.h"
#include "foreign/known.h"
#include "run/run.h"

/* Is that asked before the lock? Not where the run begins with adopting. */
bool inlay_guard_asks(const struct request *request, const struct snapshot *now);

/* Does this run begin with taking over what the set says to adopt? */
bool inlay_guard_adopts(const struct request *request, const struct snapshot *now);

/* The question, which points into `detect`. */
struct message inlay_guard_message(const struct request *request, const struct knowledge *known,
                                   struct detect_query *detect);

/* Examines the answer: INLAY_OK or INLAY_E_REFUSED; INLAY_E_LOCKED: a table cannot be read, for as
 * long as the migration lock is waited for; or the codes of inlay_query_ask. */
int inlay_guard_check(struct session *session, const struct request *request,
                      const struct knowledge *known, const PGresult *found,
                      struct inlay_error *err);

/* Asks by itself, and waits for no table. */
int inlay_guard_look(struct session *session, const struct request *request,
                     const struct knowledge *known, struct inlay_error *err);

#endif

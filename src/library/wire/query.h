/* Conversations of a few messages whose answers are kept. */
#ifndef INLAY_QUERY_H
#define INLAY_QUERY_H

#include "wire/exchange.h"
#include "wire/result.h"

/* Sends queries, each with a Sync of its own, in one round trip. results[i] is the answer of
 * queries[i], good or bad; the caller clears them (inlay_results_clear), after a failure too. */
int inlay_query_ask(struct session *session, const struct message *queries, size_t count,
                    PGresult **results, struct inlay_error *err);

/* The same where every one has to succeed: the error of the first that failed gets this code. */
int inlay_query_demand(struct session *session, const struct message *queries, size_t count,
                       PGresult **results, enum inlay_code code, struct inlay_error *err);

/* As inlay_query_ask, with every row dropped as it comes: for statements that are not ours. */
int inlay_query_execute(struct session *session, const struct message *queries, size_t count,
                        PGresult **results, struct inlay_error *err);

/* Ends a transaction that was left open. */
void inlay_query_rollback(struct session *session);

/* One statement that cleans up. A cancel that is still on its way may hit it: it is
 * sent again until it is not. */
int inlay_query_insist(struct session *session, const struct message *query, PGresult **result,
                       struct inlay_error *err);

/* The same with a statement whose answer does not matter. */
void inlay_query_tidy(struct session *session, const char *sql);

#endif

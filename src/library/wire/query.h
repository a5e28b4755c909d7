/* Conversations of a few messages whose answers are kept. */
#ifndef INLAY_QUERY_H
#define INLAY_QUERY_H

#include "wire/exchange.h"
#include "wire/result.h"

/* Sends queries, each with a Sync of its own, in one round trip. results[i] is the answer of
 * queries[i], good or bad; the caller clears them (inlay_results_clear), after a failure too.
 *
 * What takes longer than session->answer_ms is cancelled: INLAY_E_LOCKED, for nothing of ours takes
 * long but a wait for a lock. A server that does not answer that either counts as lost. */
int inlay_query_ask(struct session *session, const struct message *queries, size_t count,
                    PGresult **results, struct inlay_error *err);

/* The same where every one has to succeed: the error of the first that failed gets this code. */
int inlay_query_demand(struct session *session, const struct message *queries, size_t count,
                       PGresult **results, enum inlay_code code, struct inlay_error *err);

/* For short statements of ours that belong together: a failure leaves nothing of them, neither done
 * nor open. A cancel that was meant for a migration may hit them: they are sent again then.
 * INLAY_OK: all succeeded; INLAY_E_FAILED with the error of the first that did not; or as
 * inlay_query_ask. */
int inlay_query_persist(struct session *session, const struct message *queries, size_t count,
                        PGresult **results, struct inlay_error *err);

/* As inlay_query_ask, with every row dropped as it comes, for statements that are not ours. Behind
 * one that fails none is run, and a transaction that they began stays open. */
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

/* The same of several, up to TIDIED_MOST, in one round trip. */
enum { TIDIED_MOST = 8 };
void inlay_query_tidy_all(struct session *session, const char *const *texts, size_t count);

#endif

/* Lets whoever watches a run look between the statements of a no-transaction migration. */
#include "apply/stepwise/watched.h"

int inlay_watched_look(struct watch *watch, enum watch_moment moment, size_t statement,
                       struct inlay_error *err)
{
    return watch != NULL ? watch->look(watch, moment, statement, err) : INLAY_OK;
}

int inlay_watched_execute(struct session *session, struct watch *watch, size_t statement,
                          const struct message *queries, size_t count, PGresult **results,
                          struct inlay_error *err)
{
    if (watch == NULL)
        return inlay_query_execute(session, queries, count, results, err);
    int rc = inlay_query_execute(session, queries, 1, results, err);
    if (rc == INLAY_OK)
        rc = inlay_watched_look(watch, WATCH_BEFORE, statement, err);
    if (rc == INLAY_OK)
        rc = inlay_query_execute(session, queries + 1, 1, results + 1, err);
    if (rc != INLAY_OK || inlay_result_failed(results[1]))
        return rc;
    rc = inlay_watched_look(watch, WATCH_INSIDE, statement, err);
    return rc == INLAY_OK ? inlay_query_execute(session, queries + 2, count - 2, results + 2, err)
                          : rc;
}

/* The guard: what was done to a database without a history of ours is not done again. */
#include "run/guard.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_POLL_MS 500

/* Running 001 on a filled database is the worst that we could do; a first run that failed has left
 * an empty history. Recording what was done without inlay is not running it again. */
static bool foreign_matters(const struct request *request, const struct snapshot *now)
{
    return now->history.row_count == 0 && !request->options.fresh &&
           request->goal.kind != GOAL_NONE;
}

static const struct inlay_migration *first_migration(const struct request *request,
                                                     const struct knowledge *known)
{
    return inlay_plan_first_due(&known->plan, inlay_goal_reach(&request->goal));
}

struct message inlay_guard_message(const struct request *request, const struct knowledge *known,
                                   struct detect_query *detect)
{
    const struct inlay_migration *first = first_migration(request, known);

    return inlay_detect_message(
        detect, &(struct detect_terms){
                    .schema = request->name.schema,
                    .history = known->snapshot.history.exists ? NULL : request->name.table,
                    .first = first != NULL ? &first->up : NULL,
                    .search_path = request->options.search_path});
}

/* Whoever adopted, or has begun a file that is no transaction, has not come here without us; and
 * another process may have recorded something meanwhile. */
static int pass_over_recorded(struct session *session, const struct request *request,
                              const struct snapshot *now, struct inlay_error *err)
{
    char *sql = inlay_sql_recorded(&request->name, now->state_shape.exists);
    const struct message query = {.sql = sql};
    PGresult *result = NULL;
    struct inlay_error failed;
    int rc = sql != NULL ? inlay_query_demand(session, &query, 1, &result, INLAY_E_REFUSED, &failed)
                         : inlay_error_memory(&failed);

    if (rc != INLAY_OK)
        *err = failed;
    else if (PQntuples(result) > 0)
        inlay_error_clear(err);
    PQclear(result);
    free(sql);
    return err->code;
}

static int check_detected(struct session *session, const struct request *request,
                          const struct knowledge *known, const PGresult *found,
                          struct inlay_error *err)
{
    if (known->snapshot.history.row_count > 0)
        return INLAY_OK;
    const struct detection detection = {.session = session,
                                        .set = request->set,
                                        .name = &request->name,
                                        .now = &known->snapshot,
                                        .first = first_migration(request, known)};

    int rc = inlay_detect_check(&detection, found, err);
    return rc == INLAY_E_REFUSED && known->snapshot.history.exists
               ? pass_over_recorded(session, request, &known->snapshot, err)
               : rc;
}

int inlay_guard_look(struct session *session, const struct request *request,
                     const struct knowledge *known, struct inlay_error *err)
{
    struct detect_query detect;
    struct message query = inlay_guard_message(request, known, &detect);
    PGresult *found = NULL;

    if (!foreign_matters(request, &known->snapshot))
        return INLAY_OK;
    int rc = inlay_query_demand(session, &query, 1, &found, INLAY_E_REFUSED, err);
    if (rc == INLAY_OK)
        rc = check_detected(session, request, known, found, err);
    PQclear(found);
    return rc;
}

/* While another session keeps a table from being read, as long as for the migration lock. */
int inlay_guard_check(struct session *session, const struct request *request,
                      const struct knowledge *known, const PGresult *found, struct inlay_error *err)
{
    int64_t deadline = inlay_clock_after(inlay_patience_for_lock(&request->options));
    int rc = check_detected(session, request, known, found, err);

    if (rc == INLAY_E_LOCKED && inlay_clock_ms() < deadline)
        inlay_log(&request->options, INLAY_LOG_INFO, "waiting: %s: %s", err->message, err->detail);
    while (rc == INLAY_E_LOCKED && inlay_clock_ms() < deadline) {
        inlay_error_clear(err);
        rc = inlay_wire_sleep(session, TABLE_POLL_MS, err);
        if (rc == INLAY_OK)
            rc = check_detected(session, request, known, found, err);
    }
    return rc;
}

bool inlay_guard_adopts(const struct request *request, const struct snapshot *now)
{
    return request->set->adopt != NULL && now->history.row_count == 0 && !request->options.fresh &&
           (request->goal.kind == GOAL_UP || request->goal.kind == GOAL_TO) &&
           !request->goal.rehearses && strcmp(request->name.text, request->set->history) == 0;
}

/* What the build says to adopt is looked for under the lock; a reset drops it. */
bool inlay_guard_asks(const struct request *request, const struct snapshot *now)
{
    return foreign_matters(request, now) && request->goal.kind != GOAL_RESET &&
           !inlay_guard_adopts(request, now);
}

/* inlay_many_migrate: migrates one target after another over a connection that they share. */
#include "base/set.h"
#include "calls/many/aim.h"
#include "calls/migrate.h"
#include "calls/pursue.h"
#include "wire/session.h"

#include <string.h>

/* After so many targets: a server process keeps what it learns of tables. */
#define SHARED_MOST 1000

struct worker {
    const struct inlay_set *set;
    struct inlay_options options;
    struct kept kept;
    const char *conninfo; /* of what is kept */
    size_t used;
};

static void let_go(struct worker *worker)
{
    inlay_session_close(&worker->kept.session);
    inlay_results_clear(&worker->kept.limits, 1);
    worker->used = 0;
}

static bool leads_there(const struct worker *worker, const char *conninfo)
{
    const char *ours = worker->conninfo;

    return worker->used < SHARED_MOST &&
           (ours == conninfo || (ours != NULL && conninfo != NULL && strcmp(ours, conninfo) == 0));
}

static int migrate_target(struct worker *worker, const struct inlay_many_target *target,
                          struct inlay_result *result, struct inlay_error *err)
{
    const struct goal goal = {.kind = GOAL_UP};
    const struct task task = {.work = inlay_migrate_work, .kept = &worker->kept};
    struct aim aim;

    if (inlay_aim(worker->set, &worker->options, target, &aim, err) != INLAY_OK)
        return err->code;
    if (!leads_there(worker, aim.options.conninfo))
        let_go(worker);
    worker->conninfo = aim.options.conninfo;
    worker->used++;
    return inlay_pursue(worker->set, &aim.options, &goal, &task, result, err);
}

static int work_off(struct worker *worker, const struct inlay_many_queue *queue,
                    struct inlay_error *err)
{
    const struct inlay_many_target *target;
    int rc = INLAY_OK;

    while (rc != INLAY_E_STOPPED && (target = queue->next(queue->user)) != NULL) {
        struct inlay_result result = {0};
        struct inlay_error own;
        inlay_error_clear(&own);
        rc = migrate_target(worker, target, &result, &own);
        queue->done(queue->user, target, &result, &own);
    }
    return rc == INLAY_E_STOPPED ? inlay_wire_stopped(err) : INLAY_OK;
}

int inlay_many_migrate(const struct inlay_set *set, const struct inlay_options *options,
                       const struct inlay_many_queue *queue, struct inlay_error *err)
{
    struct worker worker = {.set = set};
    struct inlay_error own;

    inlay_error_clear(&own);
    int rc = inlay_set_validate(set, &own);
    if (rc == INLAY_OK)
        rc = inlay_aim_options(options, &worker.options, &own);
    if (rc == INLAY_OK)
        rc = work_off(&worker, queue, &own);
    let_go(&worker);
    return inlay_error_give(rc, &own, err);
}

/* inlay_many_migrate: migrates one target after another over a connection that they share. */
#include "base/set.h"
#include "calls/many/aim.h"
#include "wire/session.h"

#include <string.h>

/* After so many targets: a server process keeps what it learns of tables. */
#define SHARED_MOST 1000

struct worker {
    const struct inlay_set *set;
    struct inlay_options options;
    struct inlay_options connecting; /* with the connection string of the session */
    struct session session;          /* no connection: conn is NULL */
    size_t used;
};

static bool leads_there(const struct worker *worker, const char *conninfo)
{
    const char *ours = worker->connecting.conninfo;

    return worker->session.conn != NULL && PQstatus(worker->session.conn) == CONNECTION_OK &&
           worker->used < SHARED_MOST &&
           (ours == conninfo || (ours != NULL && conninfo != NULL && strcmp(ours, conninfo) == 0));
}

/* Idle and without a pipeline, as inlay_migrate wants a caller's connection. */
static int connect_worker(struct worker *worker, const char *conninfo, struct inlay_error *err)
{
    if (leads_there(worker, conninfo))
        return INLAY_OK;
    inlay_session_close(&worker->session);
    memset(&worker->session, 0, sizeof worker->session);
    worker->connecting = worker->options;
    worker->connecting.conninfo = conninfo;
    worker->used = 0;
    int rc = inlay_session_open(&worker->session, &worker->connecting,
                                worker->options.connect_wait_ms, err);
    if (rc == INLAY_OK && PQexitPipelineMode(worker->session.conn) != 1)
        rc = inlay_error_memory(err);
    if (rc != INLAY_OK)
        inlay_session_close(&worker->session);
    return rc;
}

/* A shared connection that is lost is not opened again by inlay_migrate: one of its own is, and
 * what was done before the loss is in the history. */
static int migrate_connected(struct worker *worker, struct aim *aim, struct inlay_result *result,
                             struct inlay_error *err)
{
    aim->options.connection = worker->session.conn;
    worker->used++;
    int rc = inlay_migrate(worker->set, &aim->options, result, err);
    if (rc != INLAY_E_LOST)
        return rc;
    inlay_session_close(&worker->session);
    aim->options.connection = NULL;
    return inlay_migrate(worker->set, &aim->options, result, err);
}

static int migrate_target(struct worker *worker, const struct inlay_many_target *target,
                          struct inlay_result *result, struct inlay_error *err)
{
    struct aim aim;
    int rc = inlay_aim(worker->set, &worker->options, target, &aim, err);

    if (rc == INLAY_OK)
        rc = connect_worker(worker, aim.options.conninfo, err);
    return rc == INLAY_OK ? migrate_connected(worker, &aim, result, err) : rc;
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
    inlay_session_close(&worker.session);
    return inlay_error_give(rc, &own, err);
}

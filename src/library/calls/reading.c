#include "calls/reading.h"

static int read_connected(struct run *run, inlay_take take, void *context, struct inlay_error *err)
{
    int rc = inlay_run_connect(run, run->request.options.connect_wait_ms, err);

    if (rc == INLAY_OK)
        rc = inlay_run_look(run, SNAPSHOT_ONLY, err);
    if (rc == INLAY_OK)
        rc = take(run, context, err);
    return inlay_run_disconnect(run, rc, err);
}

int inlay_reading(struct run *run, const struct inlay_set *set, const struct inlay_options *options,
                  inlay_take take, void *context, struct inlay_error *err)
{
    struct inlay_error own;

    inlay_error_clear(&own);
    int rc = inlay_run_begin(run, set, options, &own);
    if (rc == INLAY_OK)
        rc = read_connected(run, take, context, &own);
    return inlay_error_give(rc, &own, err);
}

int inlay_reading_memory(struct inlay_error *err)
{
    struct inlay_error own;

    return inlay_error_give(inlay_error_memory(&own), &own, err);
}

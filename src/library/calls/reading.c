/* What every call that only reads does around its own work: connect, look once, disconnect. Takes
 * no lock. */
#include "calls/reading.h"
#include "base/clock.h"
#include "base/patience.h"
#include "run/look.h"

static int read_connected(struct run *run, const struct reading *reading, struct inlay_error *err)
{
    struct message query = {0};
    struct questions_before before = {.queries = &query, .results = reading->answer, .count = 1};
    bool asks = reading->prepare != NULL;
    int rc = inlay_run_connect(&run->connection, &run->request, &run->report,
                               run->request.options.connect_wait_ms, err);

    run->deadline = inlay_clock_after(inlay_patience_to_read(&run->request.options));
    if (asks)
        query = reading->prepare(reading->context);
    if (rc == INLAY_OK)
        rc = inlay_run_look(run, asks ? &before : NULL, SNAPSHOT_ONLY, err);
    if (rc == INLAY_OK)
        rc = reading->take(reading->context, err);
    return inlay_run_disconnect(&run->connection, &run->request, &run->report, rc, err);
}

int inlay_reading(struct run *run, const struct inlay_set *set, const struct inlay_options *options,
                  const struct reading *reading, struct inlay_error *err)
{
    struct inlay_error own;

    inlay_error_clear(&own);
    int rc = inlay_run_begin(run, set, options, &own);
    if (rc == INLAY_OK)
        rc = read_connected(run, reading, &own);
    return inlay_error_give(rc, &own, err);
}

int inlay_reading_nowhere(const char *parameter, struct inlay_error *err)
{
    struct inlay_error own;

    inlay_error_set(&own, INLAY_E_ARGUMENT, "%s is NULL: there is nowhere to put the result",
                    parameter);
    return inlay_error_give(INLAY_E_ARGUMENT, &own, err);
}

int inlay_reading_memory(struct inlay_error *err)
{
    struct inlay_error own;

    return inlay_error_give(inlay_error_memory(&own), &own, err);
}

/* inlay_verify: asks the verify script of each migration that is applied. */
#include "apply/stepwise/verify.h"
#include "base/clock.h"
#include "base/log.h"
#include "calls/reading.h"

#include <inlay-admin.h>

#include <string.h>

static void tell_unverified(const struct inlay_options *options, const struct inlay_error *why)
{
    inlay_log(options, INLAY_LOG_WARNING, "%s:%d: %s", why->path, (int)why->line, why->message);
}

/* A verification, and what it has counted. */
struct verifying {
    struct run run;
    struct inlay_verification counted;
};

/* A query that fails is told; one that was not let to its end says nothing of the database, and
 * ends all. */
static int verify_entry(struct verifying *verifying, const struct plan_entry *entry,
                        struct inlay_error *err)
{
    struct run *run = &verifying->run;
    int rc = inlay_verify_run(&run->connection.session, &run->request, &run->connection.limits,
                              entry->migration, err);

    verifying->counted.verified += rc == INLAY_OK;
    if (rc != INLAY_E_FAILED || strcmp(err->sqlstate, "57014") == 0)
        return rc;
    verifying->counted.failed++;
    tell_unverified(&run->request.options, err);
    return INLAY_OK;
}

static int refuse_unverified(const struct inlay_verification *counted, struct inlay_error *err)
{
    size_t all = counted->verified + counted->failed;

    inlay_error_set(err, INLAY_E_MISMATCH, "%zu of %zu verify script%s failed", counted->failed,
                    all, all == 1 ? "" : "s");
    inlay_text_put(err->hint, sizeof err->hint,
                   "the database is no longer as these migrations left it, or a later migration "
                   "changed it on purpose: then change the verify script");
    return err->code;
}

/* A migration that was recorded without having run is asked about as well: it stands for what the
 * database has. What the role has set as a timeout is not known, and stays. */
static int take_verification(void *context, struct inlay_error *err)
{
    struct verifying *verifying = context;
    struct inlay_verification *counted = &verifying->counted;
    const struct plan *plan = &verifying->run.known.plan;
    int rc = INLAY_OK;

    verifying->run.connection.limits.own.statement_timeout_ms = INLAY_UNSET;
    for (size_t i = 0; i < plan->count && rc == INLAY_OK; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->row == NULL || entry->migration == NULL)
            continue;
        if (entry->migration->verify == NULL)
            counted->unverified++;
        else
            rc = verify_entry(verifying, entry, err);
    }
    return rc == INLAY_OK && counted->failed > 0 ? refuse_unverified(counted, err) : rc;
}

int inlay_verify(const struct inlay_set *set, const struct inlay_options *options,
                 struct inlay_verification *result, struct inlay_error *err)
{
    struct verifying verifying = {0};
    int64_t begun = inlay_clock_ms();
    const struct reading reading = {.take = take_verification, .context = &verifying};
    int rc = inlay_reading(&verifying.run, set, options, &reading, err);

    verifying.counted.elapsed_ms = inlay_clock_ms() - begun;
    inlay_run_end(&verifying.run);
    if (result != NULL)
        *result = verifying.counted;
    return rc;
}

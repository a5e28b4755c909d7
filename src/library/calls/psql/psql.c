/* inlay_psql_script: what a run would do, as a script for psql. Of a database that is not asked it
 * is assumed that everything up to a version is applied. */
#include "base/clock.h"
#include "calls/psql/text.h"
#include "calls/reading.h"
#include "plan/merge.h"
#include "plan/steps.h"
#include "run/guard.h"

#include <inlay-admin.h>

#include <stdlib.h>
#include <string.h>

/* What is written, and where. */
struct order {
    struct run *run;
    const struct inlay_span *span; /* NULL: what is pending in the database */
    char **script;
};

/* ---- the steps ---- */

static int refuse_in_c(const struct request *request, const struct steps *steps, size_t index,
                       struct inlay_error *err)
{
    const struct step *step = &steps->list[index];
    long long version = step->migration->version;

    inlay_error_set(err, INLAY_E_REFUSED, "version %lld (%s) is written in C: psql cannot run it",
                    version, step->migration->name);
    err->version = version;
    inlay_error_file(err, request->set, step->script);
    if (index > 0 && !step->down)
        inlay_text_add(err->hint, sizeof err->hint, "--migrate-script=..%lld for psql, then ",
                       (long long)steps->list[index - 1].migration->version);
    inlay_text_add(err->hint, sizeof err->hint, "the program with --migrate-%s",
                   step->down ? "down" : "to");
    if (!step->down)
        inlay_text_add(err->hint, sizeof err->hint, " %lld, then --migrate-script=%lld..", version,
                       version);
    return err->code;
}

static int check_steps(const struct request *request, const struct steps *steps,
                       struct inlay_error *err)
{
    for (size_t i = 0; i < steps->count; i++)
        if (steps->list[i].script->function != NULL)
            return refuse_in_c(request, steps, i, err);
    return INLAY_OK;
}

/* ---- the text ---- */

static bool put_step(struct psql *psql, size_t index)
{
    const struct inlay_script *script = psql->steps->list[index].script;

    if ((script->flags & INLAY_SCRIPT_NO_TRANSACTION) != 0)
        return inlay_psql_stepwise(psql, index);
    inlay_psql_transaction(psql, index);
    return true;
}

static bool put_all(struct psql *psql)
{
    bool made = inlay_psql_head(psql);

    for (size_t i = 0; i < psql->steps->count && made; i++)
        made = put_step(psql, i);
    inlay_psql_end(psql);
    return made;
}

static int write_script(struct psql *psql, const struct knowledge *known,
                        const struct report *report, char **script, struct inlay_error *err)
{
    bool made = inlay_messages_init(&psql->messages, psql->request, known, psql->limits, report) &&
                put_all(psql) && !psql->writer.text.failed;

    inlay_messages_finish(&psql->messages);
    *script = made ? psql->writer.text.data : NULL;
    if (made)
        return INLAY_OK;
    free(psql->writer.text.data);
    return inlay_error_memory(err);
}

/* The settings that psql has to make again after a reset. Timeouts of the role count in psql as
 * they stand; the last two settings are not known to every server. */
static void set_limits(struct limits *limits)
{
    size_t count = inlay_setting_count(0, true);

    limits->once = true;
    limits->own = (struct inlay_settings){.lock_timeout_ms = INLAY_UNSET,
                                          .statement_timeout_ms = INLAY_UNSET};
    limits->again_count = 0;
    for (size_t i = 0; i < count; i++)
        if (inlay_own_settings[i].kind != SETTING_TCP &&
            strcmp(inlay_own_settings[i].name, "statement_timeout") != 0)
            limits->again[limits->again_count++] = (unsigned char)i;
}

/* The script makes both tables if they are missing. */
static int write_steps(struct run *run, char **script, struct inlay_error *err)
{
    struct steps steps = {0};
    struct psql psql = {.request = &run->request,
                        .limits = &run->connection.limits,
                        .plan = &run->known.plan,
                        .steps = &steps};
    int rc = inlay_run_verdict(&run->request, &run->known.plan, err);

    set_limits(&run->connection.limits);
    run->known.snapshot.state_shape.exists = true;
    if (rc == INLAY_OK)
        rc = inlay_steps_list(run->request.set, &run->known.plan, &run->request.goal, &steps, err);
    if (rc == INLAY_OK)
        rc = check_steps(&run->request, &steps, err);
    if (rc == INLAY_OK)
        rc = write_script(&psql, &run->known, &run->report, script, err);
    free(steps.list);
    return rc;
}

/* ---- with a database ---- */

/* Who prints it need not be who runs it: only what holds for both is asked here. */
static int take(void *context, struct inlay_error *err)
{
    const struct order *order = context;
    struct run *run = order->run;
    int rc;

    run->request.goal = (struct goal){.kind = GOAL_UP, .keep_down = run->request.options.keep_down};
    rc = inlay_guard_look(&run->connection.session, &run->request, &run->known, err);
    return rc == INLAY_OK ? write_steps(run, order->script, err) : rc;
}

/* ---- without one ---- */

static int refuse_version(const struct inlay_set *set, int64_t version, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "version %lld is not in this binary",
                    (long long)version);
    inlay_text_put(err->hint, sizeof err->hint, "--migrate-show shows those of %s/",
                   set->directory);
    return err->code;
}

/* Or one of the two ends, for which there is no migration: 0, and below it. */
static bool is_place(const struct inlay_set *set, int64_t version)
{
    return version <= 0 || inlay_set_find(set, version) != NULL;
}

/* A down script may be stored of each. */
static int assume(struct knowledge *known, const struct inlay_set *set, int64_t from,
                  struct inlay_error *err)
{
    struct history *history = &known->snapshot.history;
    struct plan *plan = &known->plan;
    int rc = inlay_history_assume(history, set, from) ? inlay_merge(set, history, plan, err)
                                                      : inlay_error_memory(err);

    for (size_t i = 0; rc == INLAY_OK && i < plan->count; i++)
        plan->entries[i].down_kept = plan->entries[i].row != NULL;
    return rc;
}

static int write_span(const struct order *order, struct inlay_error *err)
{
    struct run *run = order->run;
    const struct inlay_set *set = run->request.set;
    const struct inlay_span *span = order->span;
    int rc;

    if (!is_place(set, span->from))
        return refuse_version(set, span->from, err);
    if (!is_place(set, span->to))
        return refuse_version(set, span->to, err);
    run->request.goal = (struct goal){.kind = span->to < 0 ? GOAL_UP : GOAL_TO,
                                      .version = span->to,
                                      .skip_missing_down = run->request.options.skip_missing_down,
                                      .keep_down = run->request.options.keep_down};
    rc = assume(&run->known, set, span->from, err);
    return rc == INLAY_OK ? write_steps(run, order->script, err) : rc;
}

int inlay_psql_script(const struct inlay_set *set, const struct inlay_options *options,
                      const struct inlay_span *span, char **script, struct inlay_error *err)
{
    struct inlay_error own;
    struct run run;
    struct order order = {.run = &run, .span = span, .script = script};
    int rc;

    if (script == NULL)
        return inlay_reading_nowhere("script", err);
    inlay_error_clear(&own);
    if (span == NULL) {
        rc = inlay_reading(&run, set, options, &(struct reading){.take = take, .context = &order},
                           &own);
    } else {
        rc = inlay_run_begin(&run, set, options, &own);
        if (rc == INLAY_OK)
            rc = write_span(&order, &own);
    }
    inlay_run_end(&run);
    return inlay_error_give(rc, &own, err);
}

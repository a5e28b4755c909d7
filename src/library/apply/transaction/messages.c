#include "apply/transaction/messages.h"
#include "base/set.h"
#include "history/sql.h"
#include "plan/repeatable.h"
#include "plan/steps.h"
#include "run/limits.h"
#include "run/settings.h"

#include <stdio.h>
#include <stdlib.h>

/* This transaction's COMMIT does not wait for the disk. */
static const char asynchronous_sql[] =
    "SELECT pg_catalog.set_config('synchronous_commit', 'off', true)";

/* This transaction has no timeouts. */
static const char no_timeouts_sql[] = "SELECT pg_catalog.set_config('lock_timeout', '0', true),"
                                      " pg_catalog.set_config('statement_timeout', '0', true)";

static char *seal_text(const struct run *run)
{
    return run->request.goal.rehearses ? inlay_sql_seal_inside(&run->request.name)
                                       : inlay_sql_seal(&run->request.name);
}

bool inlay_compose_init(struct compose *compose, const struct run *run)
{
    *compose = (struct compose){
        .run = run,
        .claim_sql = {inlay_sql_claim(&run->request.name), inlay_sql_claim_down(&run->request.name),
                      inlay_sql_claim_replacing(&run->request.name),
                      inlay_sql_claim_repeatable(&run->request.name)},
        .seal_sql = {seal_text(run), inlay_sql_seal_down(&run->request.name), seal_text(run),
                     inlay_sql_seal_repeatable(&run->request.name)},
        .prepare_sql = inlay_sql_prepare_seal(&run->request.name),
        .half_sql = {inlay_sql_take_back(&run->request.name),
                     inlay_sql_find_claim(&run->request.name),
                     inlay_sql_take_back(&run->request.name),
                     inlay_sql_take_back_repeatable(&run->request.name)},
    };
    if (compose->prepare_sql == NULL)
        return false;
    for (size_t i = 0; i < COMPOSE_KINDS; i++)
        if (compose->claim_sql[i] == NULL || compose->seal_sql[i] == NULL ||
            compose->half_sql[i] == NULL)
            return false;
    return inlay_keep_init(&compose->keep, &run->request.name);
}

void inlay_compose_finish(struct compose *compose)
{
    inlay_keep_finish(&compose->keep);
    free(compose->prepare_sql);
    for (size_t i = 0; i < COMPOSE_KINDS; i++) {
        free(compose->claim_sql[i]);
        free(compose->seal_sql[i]);
        free(compose->half_sql[i]);
    }
}

static const char *begin_text(enum inlay_isolation isolation)
{
    switch (isolation) {
    case INLAY_ISOLATION_REPEATABLE_READ:
        return "BEGIN ISOLATION LEVEL REPEATABLE READ";
    case INLAY_ISOLATION_SERIALIZABLE:
        return "BEGIN ISOLATION LEVEL SERIALIZABLE";
    default:
        return "BEGIN ISOLATION LEVEL READ COMMITTED"; /* whatever the role's default is */
    }
}

static enum compose_kind kind_of_step(const struct step *step)
{
    if (step->down)
        return COMPOSE_DOWN;
    if (inlay_is_repeatable(step->migration))
        return COMPOSE_REPEATABLE;
    return step->migration->replaces != NULL ? COMPOSE_REPLACING : COMPOSE_UP;
}

bool inlay_compose_can_prepare(const struct step *step)
{
    return kind_of_step(step) == COMPOSE_UP;
}

static void fill_values(struct compose *compose, const struct inlay_migration *migration)
{
    const struct inlay_range *range = migration->replaces;

    snprintf(compose->numbers[0], 24, "%lld", (long long)migration->version);
    snprintf(compose->numbers[1], 24, "%lld", (long long)compose->run->report.batch);
    compose->values[0] = compose->numbers[0];
    compose->values[1] = migration->name;
    compose->values[2] = migration->sha256;
    compose->values[3] = compose->numbers[1];
    if (range == NULL)
        return;
    inlay_squash_text(range, compose->range);
    snprintf(compose->numbers[2], 24, "%zu", inlay_squash_count(range));
    compose->values[4] = compose->range;
    compose->values[5] = compose->numbers[2];
}

/* They use the first of the same parameters: version, name, checksum, batch, range, count. A
 * repeatable has no version. */
static void fill_row(struct compose *compose, const struct step *step, bool claim,
                     struct message *message)
{
    static const int counts[2][COMPOSE_KINDS] = {{4, 1, 4, 2}, {4, 1, 6, 3}};
    enum compose_kind kind = kind_of_step(step);

    fill_values(compose, step->migration);
    message->sql = claim ? compose->claim_sql[kind] : compose->seal_sql[kind];
    message->parameter_count = counts[claim][kind];
    if (kind == COMPOSE_REPEATABLE)
        message->parameters = compose->values + 1;
}

static void fill_seal(struct compose *compose, const struct course *course, size_t step,
                      struct message *message)
{
    fill_row(compose, &course->steps[step], false, message);
    message->prepared = inlay_course_is_prepared(course, step);
    if (message->prepared)
        message->sql = INLAY_PREPARED_SEAL;
}

/* The body's timeouts, one by one: to call set_config takes the server several times as long. */
static void fill_limit(struct compose *compose, const struct step *step, size_t item,
                       struct message *message)
{
    bool lock = item == 0;
    struct limit limit =
        lock ? inlay_limit_lock(&compose->run->connection.limits, step->script)
             : inlay_limit_statement(&compose->run->connection.limits, step->script);

    snprintf(compose->text, sizeof compose->text, "SET LOCAL %s = %lld",
             lock ? "lock_timeout" : "statement_timeout", (long long)limit.ms);
    message->sql = compose->text;
}

/* Behind a transaction pooler only what lasts as long as the transaction is ours to set. */
static void fill_ours(struct compose *compose, size_t item, struct message *message)
{
    if (compose->run->request.options.pooler == INLAY_POOLER_TRANSACTION)
        message->sql = no_timeouts_sql;
    else
        message->sql = inlay_own_settings[compose->run->connection.limits.again[item]].statement;
}

static enum inlay_isolation isolation_of(const struct compose *compose, const struct step *step)
{
    enum inlay_isolation files = inlay_script_settings(step->script)->isolation;

    return files != INLAY_ISOLATION_DEFAULT ? files : compose->run->request.options.isolation;
}

void inlay_compose(struct compose *compose, const struct course *course, const struct cursor *at,
                   struct message *message)
{
    const struct step *step = &course->steps[at->step];
    const struct inlay_statement *statement;

    message->parameters = compose->values;
    switch (at->phase) {
    case PHASE_BEGIN:
        message->sql = begin_text(isolation_of(compose, step));
        break;
    case PHASE_QUIET:
        message->sql = no_timeouts_sql;
        break;
    case PHASE_CLAIM:
        fill_row(compose, step, true, message);
        break;
    case PHASE_LIMITS:
        fill_limit(compose, step, at->item, message);
        break;
    case PHASE_BODY:
        statement = &step->script->statements[at->item];
        message->sql = step->script->text + statement->offset;
        message->length = statement->length;
        break;
    case PHASE_CONSTRAINTS:
        message->sql = "SET CONSTRAINTS ALL IMMEDIATE";
        break;
    case PHASE_RESET:
        message->sql = inlay_reset_statements[at->item];
        break;
    case PHASE_PREPARE:
        message->sql = compose->prepare_sql;
        break;
    case PHASE_OURS:
        fill_ours(compose, at->item, message);
        break;
    case PHASE_ASYNCHRONOUS:
        message->sql = asynchronous_sql;
        break;
    case PHASE_SEAL:
        fill_seal(compose, course, at->step, message);
        break;
    case PHASE_KEEP:
        inlay_keep_compose(&compose->keep, step->keep, step->migration->version, step->migration,
                           message);
        break;
    default:
        message->sql = "COMMIT";
        message->flush = true;
        break;
    }
}

void inlay_compose_half(struct compose *compose, const struct step *step, const char *claim_xid,
                        struct message *message)
{
    enum compose_kind kind = kind_of_step(step);

    fill_values(compose, step->migration);
    compose->values[0] = kind == COMPOSE_REPEATABLE ? step->migration->name : compose->numbers[0];
    compose->values[1] = claim_xid;
    *message = (struct message){
        .sql = compose->half_sql[kind], .parameter_count = 2, .parameters = compose->values};
}

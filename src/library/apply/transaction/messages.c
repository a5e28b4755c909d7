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

bool inlay_messages_init(struct messages *messages, const struct run *run)
{
    *messages = (struct messages){
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
    if (messages->prepare_sql == NULL)
        return false;
    for (size_t i = 0; i < MESSAGES_KINDS; i++)
        if (messages->claim_sql[i] == NULL || messages->seal_sql[i] == NULL ||
            messages->half_sql[i] == NULL)
            return false;
    return inlay_down_script_init(&messages->keep, &run->request.name);
}

void inlay_messages_finish(struct messages *messages)
{
    inlay_down_script_finish(&messages->keep);
    free(messages->prepare_sql);
    for (size_t i = 0; i < MESSAGES_KINDS; i++) {
        free(messages->claim_sql[i]);
        free(messages->seal_sql[i]);
        free(messages->half_sql[i]);
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

static enum messages_kind kind_of_step(const struct step *step)
{
    if (step->down)
        return MESSAGES_DOWN;
    if (inlay_is_repeatable(step->migration))
        return MESSAGES_REPEATABLE;
    return step->migration->replaces != NULL ? MESSAGES_REPLACING : MESSAGES_UP;
}

bool inlay_messages_can_prepare(const struct step *step)
{
    return kind_of_step(step) == MESSAGES_UP;
}

static void fill_values(struct messages *messages, const struct inlay_migration *migration)
{
    const struct inlay_range *range = migration->replaces;

    snprintf(messages->numbers[0], 24, "%lld", (long long)migration->version);
    snprintf(messages->numbers[1], 24, "%lld", (long long)messages->run->report.batch);
    messages->values[0] = messages->numbers[0];
    messages->values[1] = migration->name;
    messages->values[2] = migration->sha256;
    messages->values[3] = messages->numbers[1];
    if (range == NULL)
        return;
    inlay_squash_text(range, messages->range);
    snprintf(messages->numbers[2], 24, "%zu", inlay_squash_count(range));
    messages->values[4] = messages->range;
    messages->values[5] = messages->numbers[2];
}

/* They use the first of the same parameters: version, name, checksum, batch, range, count. A
 * repeatable has no version. */
static void fill_row(struct messages *messages, const struct step *step, bool claim,
                     struct message *message)
{
    static const int counts[2][MESSAGES_KINDS] = {{4, 1, 4, 2}, {4, 1, 6, 3}};
    enum messages_kind kind = kind_of_step(step);

    fill_values(messages, step->migration);
    message->sql = claim ? messages->claim_sql[kind] : messages->seal_sql[kind];
    message->parameter_count = counts[claim][kind];
    if (kind == MESSAGES_REPEATABLE)
        message->parameters = messages->values + 1;
}

static void fill_seal(struct messages *messages, const struct course *course, size_t step,
                      struct message *message)
{
    fill_row(messages, &course->steps[step], false, message);
    message->prepared = inlay_phases_is_prepared(course, step);
    if (message->prepared)
        message->sql = INLAY_PREPARED_SEAL;
}

/* The body's timeouts, one by one: to call set_config takes the server several times as long. */
static void fill_limit(struct messages *messages, const struct step *step, size_t item,
                       struct message *message)
{
    bool lock = item == 0;
    struct limit limit =
        lock ? inlay_limit_lock(&messages->run->connection.limits, step->script)
             : inlay_limit_statement(&messages->run->connection.limits, step->script);

    snprintf(messages->text, sizeof messages->text, "SET LOCAL %s = %lld",
             lock ? "lock_timeout" : "statement_timeout", (long long)limit.ms);
    message->sql = messages->text;
}

/* Behind a transaction pooler only what lasts as long as the transaction is ours to set. */
static void fill_ours(struct messages *messages, size_t item, struct message *message)
{
    if (messages->run->request.options.pooler == INLAY_POOLER_TRANSACTION)
        message->sql = no_timeouts_sql;
    else
        message->sql = inlay_own_settings[messages->run->connection.limits.again[item]].statement;
}

static enum inlay_isolation isolation_of(const struct messages *messages, const struct step *step)
{
    enum inlay_isolation files = inlay_script_settings(step->script)->isolation;

    return files != INLAY_ISOLATION_DEFAULT ? files : messages->run->request.options.isolation;
}

void inlay_messages_fill(struct messages *messages, const struct course *course,
                         const struct cursor *at, struct message *message)
{
    const struct step *step = &course->steps[at->step];
    const struct inlay_statement *statement;

    message->parameters = messages->values;
    switch (at->phase) {
    case PHASE_BEGIN:
        message->sql = begin_text(isolation_of(messages, step));
        break;
    case PHASE_QUIET:
        message->sql = no_timeouts_sql;
        break;
    case PHASE_CLAIM:
        fill_row(messages, step, true, message);
        break;
    case PHASE_LIMITS:
        fill_limit(messages, step, at->item, message);
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
        message->sql = messages->prepare_sql;
        break;
    case PHASE_OURS:
        fill_ours(messages, at->item, message);
        break;
    case PHASE_ASYNCHRONOUS:
        message->sql = asynchronous_sql;
        break;
    case PHASE_SEAL:
        fill_seal(messages, course, at->step, message);
        break;
    case PHASE_KEEP:
        inlay_down_script_fill(&messages->keep, step->keep, step->migration->version,
                               step->migration, message);
        break;
    default:
        message->sql = "COMMIT";
        message->flush = true;
        break;
    }
}

void inlay_messages_fill_half(struct messages *messages, const struct step *step,
                              const char *claim_xid, struct message *message)
{
    enum messages_kind kind = kind_of_step(step);

    fill_values(messages, step->migration);
    messages->values[0] =
        kind == MESSAGES_REPEATABLE ? step->migration->name : messages->numbers[0];
    messages->values[1] = claim_xid;
    *message = (struct message){
        .sql = messages->half_sql[kind], .parameter_count = 2, .parameters = messages->values};
}

/* Fills the message for each phase of a migration: claim, limits, body, reset, seal, commit.
 * Nothing is sent here. */
#include "apply/transaction/messages.h"
#include "base/set.h"
#include "history/sql.h"
#include "plan/repeatable.h"
#include "plan/steps.h"
#include "plan/verify.h"
#include "run/limits.h"
#include "run/prepare.h"
#include "run/settings.h"

#include <stdlib.h>
#include <string.h>

/* This transaction's COMMIT does not wait for the disk. */
static const char asynchronous_sql[] =
    "SELECT pg_catalog.set_config('synchronous_commit', 'off', true)";

static char *seal_text(const struct request *request, bool state)
{
    return request->goal.rehearses && !request->goal.keeps
               ? inlay_sql_seal_inside(&request->name, state)
               : inlay_sql_seal(&request->name, state);
}

bool inlay_messages_init(struct messages *messages, const struct request *request,
                         const struct knowledge *known, const struct limits *limits,
                         const struct report *report)
{
    const struct history_name *name = &request->name;
    bool state = known->snapshot.state_shape.exists || inlay_prepare_needs_state(request, known);

    *messages = (struct messages){
        .request = request,
        .limits = limits,
        .report = report,
        .owner = known->snapshot.history_shape.owner,
        .claim_sql = {inlay_sql_claim(name), inlay_sql_claim_down(name),
                      inlay_sql_claim_replacing(name), inlay_sql_claim_repeatable(name)},
        .seal_sql = {seal_text(request, state), inlay_sql_seal_down(name, state),
                     seal_text(request, state), inlay_sql_seal_repeatable(name)},
        .prepare_sql = inlay_sql_prepare_seal(name, state),
        .forget_sql = inlay_sql_progress_end(&request->name),
        .half_sql = {inlay_sql_take_back(name), inlay_sql_find_claim(name),
                     inlay_sql_take_back_all(name), inlay_sql_take_back_repeatable(name)},
    };
    if (request->options.search_path != NULL)
        inlay_search_path_sql(request->options.search_path, true, messages->search_path);
    if (messages->prepare_sql == NULL || messages->forget_sql == NULL)
        return false;
    for (size_t i = 0; i < MESSAGES_KINDS; i++)
        if (messages->claim_sql[i] == NULL || messages->seal_sql[i] == NULL ||
            messages->half_sql[i] == NULL)
            return false;
    return inlay_down_script_init(&messages->keep, name);
}

void inlay_messages_finish(struct messages *messages)
{
    inlay_down_script_finish(&messages->keep);
    free(messages->question);
    free(messages->prepare_sql);
    free(messages->forget_sql);
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

const struct inlay_migration *inlay_messages_claimed(const struct messages *messages,
                                                     const struct step *step, size_t item)
{
    return item == 0 ? step->migration
                     : inlay_set_migration(messages->request->set, step->place + item - 1);
}

/* A repeatable has no version. */
static void fill_row(struct messages *messages, const struct inlay_migration *migration,
                     enum messages_kind kind, bool claim, struct message *message)
{
    static const int counts[2][MESSAGES_KINDS] = {{4, 1, 4, 2}, {4, 1, 6, 3}};

    inlay_row_values_fill(&messages->row, migration, messages->report->batch);
    message->sql = claim ? messages->claim_sql[kind] : messages->seal_sql[kind];
    message->parameter_count = counts[claim][kind];
    if (kind == MESSAGES_REPEATABLE)
        message->parameters = messages->row.values + 1;
}

/* The row of the step comes first: its seal knows it by that. */
static void fill_claim(struct messages *messages, const struct step *step, size_t item,
                       struct message *message)
{
    const struct step claimed = {.migration = inlay_messages_claimed(messages, step, item),
                                 .down = step->down};

    fill_row(messages, claimed.migration, kind_of_step(&claimed), true, message);
}

static void fill_seal(struct messages *messages, const struct course *course, size_t step,
                      struct message *message)
{
    fill_row(messages, course->steps[step].migration, kind_of_step(&course->steps[step]), false,
             message);
    message->prepared = inlay_phases_is_prepared(course, step);
    if (message->prepared)
        message->sql = INLAY_PREPARED_SEAL;
    if (message->prepared && course->ahead)
        messages->row.values[message->parameter_count++] = messages->owner;
}

/* The body's timeouts, one by one: to call set_config takes the server several times as long. */
static void fill_limit(struct messages *messages, const struct step *step, size_t item,
                       struct message *message)
{
    static const char *const texts[] = {"SET LOCAL lock_timeout = ",
                                        "SET LOCAL statement_timeout = "};
    struct limit limit = item == 0 ? inlay_limit_lock(messages->limits, step->script)
                                   : inlay_limit_statement(messages->limits, step->script);
    size_t length = strlen(texts[item]);

    memcpy(messages->text, texts[item], length);
    inlay_text_decimal(limit.ms, messages->text + length);
    message->sql = messages->text;
}

static void fill_forget(struct messages *messages, const struct step *step, struct message *message)
{
    inlay_row_values_fill(&messages->row, step->migration, messages->report->batch);
    message->sql = messages->forget_sql;
    message->parameter_count = 1;
}

static void fill_ours(struct messages *messages, size_t item, struct message *message)
{
    if (messages->request->options.pooler == INLAY_POOLER_TRANSACTION)
        message->sql = inlay_settings_quiet_sql;
    else
        message->sql = inlay_own_settings[messages->limits->again[item]].statement;
}

/* No body contains its own checksum: this savepoint is none of its own. */
static void fill_savepoint(struct messages *messages, const char *verb, const struct step *step,
                           struct message *message)
{
    inlay_text_put(messages->text, sizeof messages->text, "%sSAVEPOINT \"inlay %.32s\"", verb,
                   step->migration->sha256);
    message->sql = messages->text;
}

/* Nothing of it stays, and it cannot write: so it can be asked at any time. The resets before it
 * took the body's timeouts away. */
static void fill_verify(struct messages *messages, const struct step *step, size_t item,
                        struct message *message)
{
    const struct inlay_script *verify = inlay_verify_script(step);
    const struct verify_terms terms = {
        .search_path = messages->request->options.search_path,
        .lock_ms = inlay_limit_lock(messages->limits, step->script).ms,
        .statement_ms = inlay_limit_statement(messages->limits, step->script).ms};
    size_t count = inlay_verify_count(verify);

    free(messages->question);
    messages->question = NULL;
    if (item == 0)
        fill_savepoint(messages, "", step, message);
    else if (item == count + 1)
        fill_savepoint(messages, "ROLLBACK TO ", step, message);
    else if (item > count)
        fill_savepoint(messages, "RELEASE ", step, message);
    else
        messages->question = inlay_verify_text(verify, &terms, item - 1);
    if (messages->question != NULL)
        message->sql = messages->question;
}

static void fill_statement(const struct inlay_script *script, size_t index, struct message *message)
{
    const struct inlay_statement *statement = inlay_script_statement(script, index);

    message->sql = script->text + statement->offset;
    message->length = statement->length;
}

static enum inlay_isolation isolation_of(const struct messages *messages, const struct step *step)
{
    enum inlay_isolation files = inlay_script_settings(step->script)->isolation;

    return files != INLAY_ISOLATION_DEFAULT ? files : messages->request->options.isolation;
}

void inlay_messages_fill(struct messages *messages, const struct course *course,
                         const struct cursor *at, struct message *message)
{
    const struct step *step = &course->steps[at->step];

    message->parameters = messages->row.values;
    switch (at->phase) {
    case PHASE_BEGIN:
        message->sql = begin_text(isolation_of(messages, step));
        break;
    case PHASE_QUIET:
        message->sql = inlay_settings_local_sql;
        break;
    case PHASE_CLAIM:
        fill_claim(messages, step, at->item, message);
        break;
    case PHASE_LIMITS:
        if (at->item == course->limits)
            message->sql = messages->search_path;
        else
            fill_limit(messages, step, at->item, message);
        break;
    case PHASE_BODY:
        fill_statement(step->script, at->item, message);
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
    case PHASE_VERIFY:
        fill_verify(messages, step, at->item, message);
        break;
    case PHASE_ASYNCHRONOUS:
        message->sql = asynchronous_sql;
        break;
    case PHASE_SEAL:
        fill_seal(messages, course, at->step, message);
        break;
    case PHASE_DEALLOCATE:
        message->sql = "DEALLOCATE ALL";
        break;
    case PHASE_KEEP:
        inlay_down_script_fill(&messages->keep, step->keep, step->migration->version,
                               step->migration, message);
        break;
    case PHASE_FORGET:
        fill_forget(messages, step, message);
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
    const char **values = messages->row.values;

    inlay_row_values_fill(&messages->row, step->migration, messages->report->batch);
    if (kind == MESSAGES_REPEATABLE)
        values[0] = step->migration->name;
    values[1] = claim_xid;
    *message = (struct message){
        .sql = messages->half_sql[kind], .parameter_count = 2, .parameters = values};
}

#include "compose.h"
#include "gate.h"
#include "set.h"
#include "sql.h"

#include <stdio.h>
#include <stdlib.h>

/* RESET ROLE follows because RESET SESSION AUTHORIZATION also forgets a role that ALTER ROLE ...
 * SET role gave this session at its start. */
const char *const inlay_reset_statements[] = {
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "UNLISTEN *",
    "DEALLOCATE ALL",
    "CLOSE ALL",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
};
const size_t inlay_reset_count = sizeof inlay_reset_statements / sizeof inlay_reset_statements[0];

bool inlay_compose_init(struct compose *compose, const struct run *run)
{
    *compose = (struct compose){
        .run = run,
        .claim_sql = {inlay_sql_claim(&run->name), inlay_sql_claim_down(&run->name)},
        .seal_sql = {inlay_sql_seal(&run->name), inlay_sql_seal_down(&run->name)},
    };
    return compose->claim_sql[0] != NULL && compose->claim_sql[1] != NULL &&
           compose->seal_sql[0] != NULL && compose->seal_sql[1] != NULL;
}

void inlay_compose_finish(struct compose *compose)
{
    for (size_t i = 0; i < 2; i++) {
        free(compose->claim_sql[i]);
        free(compose->seal_sql[i]);
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

/* Both texts of a direction use the first of the same parameters: version, name, checksum, batch.
 */
static void fill_row(struct compose *compose, const struct step *step, const char *sql, int count,
                     struct message *message)
{
    const struct inlay_migration *migration = step->migration;

    snprintf(compose->numbers[0], 24, "%lld", (long long)migration->version);
    snprintf(compose->numbers[1], 24, "%lld", (long long)compose->run->batch);
    compose->values[0] = compose->numbers[0];
    compose->values[1] = migration->name;
    compose->values[2] = migration->sha256;
    compose->values[3] = compose->numbers[1];
    message->sql = sql;
    message->parameter_count = count;
}

static const char *timeout_text(int64_t ms, char *buffer)
{
    snprintf(buffer, 24, "%lld", (long long)ms);
    return ms == INLAY_UNSET ? NULL : buffer;
}

static void fill_settings(struct compose *compose, const struct inlay_settings *settings,
                          struct message *message)
{
    compose->values[0] = timeout_text(settings->lock_timeout_ms, compose->numbers[0]);
    compose->values[1] = timeout_text(settings->statement_timeout_ms, compose->numbers[1]);
    message->sql = "SELECT pg_catalog.set_config('lock_timeout', COALESCE($1::pg_catalog.text,"
                   " pg_catalog.current_setting('lock_timeout')), true),"
                   " pg_catalog.set_config('statement_timeout', COALESCE($2::pg_catalog.text,"
                   " pg_catalog.current_setting('statement_timeout')), true)";
    message->parameter_count = 2;
}

void inlay_compose(struct compose *compose, const struct step *step, const struct cursor *at,
                   struct message *message)
{
    const struct inlay_statement *statement;

    message->parameters = compose->values;
    switch (at->phase) {
    case PHASE_BEGIN:
        message->sql = begin_text(inlay_script_settings(step->script)->isolation);
        break;
    case PHASE_CLAIM:
        fill_row(compose, step, compose->claim_sql[step->down], step->down ? 1 : 4, message);
        break;
    case PHASE_SETTINGS:
        fill_settings(compose, inlay_script_settings(step->script), message);
        break;
    case PHASE_BODY:
        statement = &step->script->statements[at->item];
        message->sql = step->script->text + statement->offset;
        message->length = statement->length;
        message->flush = true; /* so that progress is seen as it happens */
        break;
    case PHASE_CONSTRAINTS:
        message->sql = "SET CONSTRAINTS ALL IMMEDIATE";
        break;
    case PHASE_RESET:
        message->sql = inlay_reset_statements[at->item];
        break;
    case PHASE_OURS:
        message->sql = inlay_gate_settings(compose->run);
        break;
    case PHASE_SEAL:
        fill_row(compose, step, compose->seal_sql[step->down], step->down ? 1 : 3, message);
        break;
    default:
        message->sql = "COMMIT";
        message->flush = true;
        break;
    }
}

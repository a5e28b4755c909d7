/* Running migrations for a rehearsal: the messages are those of a real run, but for what begins and
 * ends a transaction. One migration at a time: it need not be fast. */
#include "apply/transaction/rehearsal.h"
#include "apply/transaction/failure.h"
#include "apply/transaction/in_c.h"
#include "history/sql.h"
#include "wire/query.h"
#include "wire/result.h"

#include <stdlib.h>
#include <string.h>

/* What follows the claim runs under a savepoint. The row of the claim has the xmin of the
 * transaction itself, so the seal finds out a body that ended that or touched the row. */
#define SAVEPOINT "\"inlay rehearsal\""

/* Constraints that can be deferred, and those of them that are unless a statement says otherwise:
 * names as SET CONSTRAINTS takes them, or NULL. SET CONSTRAINTS sets all that have the name, and
 * refuses to defer one that cannot be: where they are not alike they stay immediate. */
static const char deferrable_sql[] =
    "SELECT pg_catalog.string_agg(d.name, ', '), pg_catalog.string_agg(d.name, ', ')"
    " FILTER (WHERE d.deferred) FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname)"
    " AS name, pg_catalog.bool_and(c.condeferred) AS deferred FROM pg_catalog.pg_constraint AS c"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid" EQ
    "c.connamespace WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
    " AND NOT pg_catalog.pg_is_other_temp_schema(n.oid) GROUP BY n.nspname, c.conname"
    " HAVING pg_catalog.bool_or(c.condeferrable)) AS d";

/* The columns of deferrable_sql. */
enum { DEFERRABLE_ALL, DEFERRABLE_DEFERRED };

/* A row if this transaction has added a label to an enum that an earlier file made, and the text
 * names both. Labels that came with their type can be used at once. $1 text, in which the
 * server quotes the label, in some languages with marks of their own. */
static const char new_label_sql[] =
    "SELECT 1 FROM pg_catalog.pg_enum AS e JOIN pg_catalog.pg_type AS t ON t.oid" EQ "e.enumtypid"
    " AND t.xmin OPERATOR(pg_catalog.<>) e.xmin"
    " AND pg_catalog.strpos($1, t.typname::pg_catalog.text) OPERATOR(pg_catalog.>) 0"
    " WHERE pg_catalog.age(e.xmin) OPERATOR(pg_catalog.<=) 0"
    " AND pg_catalog.strpos($1, CASE WHEN pg_catalog.strpos($1, '\"') OPERATOR(pg_catalog.>) 0"
    " THEN pg_catalog.concat('\"', e.enumlabel, '\"') ELSE e.enumlabel::pg_catalog.text END)"
    " OPERATOR(pg_catalog.>) 0";

static int describe_rehearsed(struct rehearsal *rehearsal, const struct cursor *at,
                              const PGresult *result)
{
    inlay_failure_describe(&rehearsal->run->request, inlay_rehearsal_current(rehearsal), at, result,
                           rehearsal->err);
    return INLAY_E_FAILED;
}

/* Sends what must not fail; where it does, that belongs to this phase. */
static int demand(struct rehearsal *rehearsal, enum phase phase, const struct message *queries,
                  size_t count, PGresult **results)
{
    const struct cursor at = {.step = rehearsal->index, .phase = phase};
    int rc = inlay_query_ask(&rehearsal->run->connection.session, queries, count, results,
                             rehearsal->err);

    for (size_t i = 0; i < count && rc == INLAY_OK; i++)
        if (inlay_result_failed(results[i]))
            rc = describe_rehearsed(rehearsal, &at, results[i]);
    return rc;
}

/* ---- messages that the cursor walks ---- */

/* The questions after a statement, from the first: which one is next if so many are left? */
static enum probe next_probe(size_t left)
{
    return inlay_probes_at(ROUND_STATEMENT, inlay_probes_count(ROUND_STATEMENT) - left);
}

static bool is_at_end(const struct rehearsal *rehearsal)
{
    return rehearsal->sender.step > rehearsal->index ||
           rehearsal->sender.phase > rehearsal->until.phase ||
           (rehearsal->sender.phase == rehearsal->until.phase &&
            rehearsal->sender.item >= rehearsal->until.item) ||
           rehearsal->outcome != INLAY_OK;
}

static enum exchange_next next_to_rehearse(struct exchange *exchange, struct message *message)
{
    struct rehearsal *rehearsal = (struct rehearsal *)exchange;

    if (rehearsal->unasked > 0) {
        inlay_probes_fill(&rehearsal->observer.probes, next_probe(rehearsal->unasked--), message);
        message->flush = rehearsal->unasked == 0;
        return EXCHANGE_SEND;
    }
    if (is_at_end(rehearsal))
        return EXCHANGE_END;
    const struct inlay_statement *statement =
        inlay_phases_statement(&rehearsal->course, &rehearsal->sender);
    inlay_messages_fill(&rehearsal->messages, &rehearsal->course, &rehearsal->sender, message);
    message->flush = true;
    if (rehearsal->sender.phase == PHASE_COMMIT && !rehearsal->keeps)
        message->sql = "RELEASE SAVEPOINT " SAVEPOINT;
    if (statement != NULL)
        rehearsal->unasked = inlay_probes_count(ROUND_STATEMENT);
    inlay_phases_advance(&rehearsal->sender, &rehearsal->course);
    return EXCHANGE_SEND;
}

static int describe_result(struct rehearsal *rehearsal, const PGresult *result)
{
    const struct step *step = inlay_rehearsal_current(rehearsal);

    if (rehearsal->unanswered == 0)
        return describe_rehearsed(rehearsal, &rehearsal->reader, result);
    inlay_observer_fail(result, rehearsal->err);
    inlay_error_file(rehearsal->err, rehearsal->run->request.set, step->script);
    return INLAY_E_FAILED;
}

/* An aborted transaction answers COMMIT without an error. */
static void read_rehearsed(struct rehearsal *rehearsal, PGresult *result)
{
    enum phase phase = rehearsal->reader.phase;

    if (phase == PHASE_CLAIM && PQntuples(result) == 1)
        inlay_text_put(rehearsal->claim_xid, sizeof rehearsal->claim_xid, "%s",
                       PQgetvalue(result, 0, 0));
    if (phase != PHASE_COMMIT || !rehearsal->keeps || strcmp(PQcmdStatus(result), "COMMIT") == 0)
        return;
    inlay_failure_ended(&rehearsal->run->request, inlay_rehearsal_current(rehearsal),
                        rehearsal->err);
    rehearsal->outcome = INLAY_E_FAILED;
}

static void take_rehearsed(struct exchange *exchange, PGresult *result)
{
    struct rehearsal *rehearsal = (struct rehearsal *)exchange;

    if (rehearsal->outcome == INLAY_OK && inlay_result_failed(result))
        rehearsal->outcome = describe_result(rehearsal, result);
    else if (rehearsal->outcome == INLAY_OK && rehearsal->unanswered > 0)
        inlay_observer_take(&rehearsal->observer, next_probe(rehearsal->unanswered), result);
    else if (rehearsal->outcome == INLAY_OK)
        read_rehearsed(rehearsal, result);
    PQclear(result);
}

static void count_rehearsed(struct exchange *exchange)
{
    struct rehearsal *rehearsal = (struct rehearsal *)exchange;

    if (rehearsal->outcome != INLAY_OK)
        return;
    if (rehearsal->unanswered > 0) {
        inlay_observer_answered(&rehearsal->observer, next_probe(rehearsal->unanswered--));
        return;
    }
    const struct inlay_statement *statement =
        inlay_phases_statement(&rehearsal->course, &rehearsal->reader);
    if (statement != NULL) {
        rehearsal->unanswered = inlay_probes_count(ROUND_STATEMENT);
        inlay_observer_ran(&rehearsal->observer, rehearsal->reader.item);
        rehearsal->run->report.current_statement++;
    }
    inlay_phases_advance(&rehearsal->reader, &rehearsal->course);
}

static int walk_between(struct rehearsal *rehearsal, struct cursor from, struct cursor until)
{
    rehearsal->sender = rehearsal->reader = from;
    rehearsal->until = until;
    rehearsal->unasked = rehearsal->unanswered = 0;
    rehearsal->outcome = INLAY_OK;
    int rc = inlay_exchange_run(&rehearsal->run->connection.session, &rehearsal->exchange,
                                rehearsal->err);
    if (rc == INLAY_E_FAILED) /* a COPY */
        inlay_failure_place(rehearsal->run->request.set, inlay_rehearsal_current(rehearsal),
                            rehearsal->reader.item, NULL, rehearsal->err);
    return rc == INLAY_OK ? rehearsal->outcome : rc;
}

static int walk(struct rehearsal *rehearsal, enum phase from, enum phase until)
{
    return walk_between(rehearsal, (struct cursor){.step = rehearsal->index, .phase = from},
                        (struct cursor){.phase = until});
}

/* ---- one migration ---- */

static int claim(struct rehearsal *rehearsal)
{
    const struct cursor at = {.step = rehearsal->index, .phase = PHASE_CLAIM};
    struct message queries[] = {
        {.sql = NULL}, {.sql = "SAVEPOINT " SAVEPOINT}, {.sql = "DISCARD PLANS"}};
    PGresult *results[3] = {0};

    inlay_messages_fill(&rehearsal->messages, &rehearsal->course, &at, &queries[0]);
    int rc = demand(rehearsal, PHASE_CLAIM, queries, 3, results);
    if (rc == INLAY_OK)
        inlay_text_put(rehearsal->claim_xid, sizeof rehearsal->claim_xid, "%s",
                       PQgetvalue(results[0], 0, 0));
    inlay_results_clear(results, 3);
    return rc;
}

static int run_function(struct rehearsal *rehearsal)
{
    const struct run *run = rehearsal->run;

    return inlay_in_c_run(&rehearsal->run->connection.session, run->request.set,
                          inlay_rehearsal_current(rehearsal)->script, rehearsal->err);
}

/* Whether a statement changed objects is known only when it is answered. */
static int run_each(struct rehearsal *rehearsal)
{
    const struct inlay_script *script = inlay_rehearsal_current(rehearsal)->script;
    struct cursor at = {.step = rehearsal->index, .phase = PHASE_BODY};
    int rc = INLAY_OK;

    for (; at.item < script->statement_count && rc == INLAY_OK; at.item++) {
        rc = walk_between(rehearsal, at, (struct cursor){.phase = PHASE_BODY, .item = at.item + 1});
        if (rc == INLAY_OK)
            rc = inlay_observer_look(&rehearsal->observer, rehearsal->err);
    }
    return rc;
}

static int run_body(struct rehearsal *rehearsal)
{
    const struct step *step = inlay_rehearsal_current(rehearsal);
    int rc = walk(rehearsal, PHASE_LIMITS, PHASE_BODY);

    if (rc == INLAY_OK)
        rc = inlay_observer_ask(&rehearsal->observer, ROUND_BEFORE, false, rehearsal->err);
    if (rc == INLAY_OK && step->script->function == NULL)
        rc = run_each(rehearsal);
    if (rc == INLAY_OK && step->script->function != NULL)
        rc = run_function(rehearsal);
    if (rc == INLAY_OK &&
        PQtransactionStatus(rehearsal->run->connection.session.conn) != PQTRANS_INTRANS) {
        inlay_failure_ended(&rehearsal->run->request, step, rehearsal->err);
        rc = INLAY_E_FAILED;
    }
    return rc;
}

/* SET CONSTRAINTS ALL would hold for the migrations after it too, and for constraints that these
 * add. Named, and then set back, they are again as a transaction finds them. */
static int set_constraints(struct rehearsal *rehearsal, const char *all, const char *deferred)
{
    char *check = inlay_text_new("SET CONSTRAINTS %s IMMEDIATE", all);
    char *back = inlay_text_new("SET CONSTRAINTS %s DEFERRED", deferred != NULL ? deferred : "");
    const struct message queries[] = {{.sql = check}, {.sql = back}};
    PGresult *results[2] = {0};
    int rc = check != NULL && back != NULL
                 ? demand(rehearsal, PHASE_CONSTRAINTS, queries, deferred != NULL ? 2 : 1, results)
                 : inlay_error_memory(rehearsal->err);

    inlay_results_clear(results, 2);
    free(check);
    free(back);
    return rc;
}

static int check_constraints(struct rehearsal *rehearsal)
{
    const struct message query = {.sql = deferrable_sql};
    PGresult *result = NULL;
    int rc = demand(rehearsal, PHASE_CONSTRAINTS, &query, 1, &result);

    if (rc == INLAY_OK && !PQgetisnull(result, 0, DEFERRABLE_ALL))
        rc = set_constraints(rehearsal, PQgetvalue(result, 0, DEFERRABLE_ALL),
                             inlay_result_text(result, 0, DEFERRABLE_DEFERRED));
    PQclear(result);
    return rc;
}

int inlay_rehearsal_run(struct rehearsal *rehearsal, size_t index)
{
    rehearsal->index = index;
    rehearsal->reader = (struct cursor){.step = index};
    rehearsal->claim_xid[0] = '\0';
    int rc = rehearsal->keeps ? walk(rehearsal, PHASE_BEGIN, PHASE_LIMITS) : claim(rehearsal);

    if (rc == INLAY_OK)
        rc = run_body(rehearsal);
    if (rc == INLAY_OK)
        rc = rehearsal->keeps ? walk(rehearsal, PHASE_CONSTRAINTS, PHASE_RESET)
                              : check_constraints(rehearsal);
    if (rc == INLAY_OK)
        rc = inlay_observer_end(&rehearsal->observer, rehearsal->err);
    return rc == INLAY_OK ? walk(rehearsal, PHASE_RESET, PHASE_COUNT) : rc;
}

/* ---- after a failure ---- */

/* A label that an earlier migration added to an enum is of no use before that is committed, which a
 * real run does. One that this migration has added itself is gone after the rollback to its
 * savepoint. What is prepared outlives that. */
bool inlay_rehearsal_wants_commit(struct rehearsal *rehearsal)
{
    enum { COUNT = 5 };
    const char *const parameters[] = {rehearsal->err->message};
    struct message queries[COUNT] = {
        {.sql = "ROLLBACK TO SAVEPOINT " SAVEPOINT},
        {.sql = "RELEASE SAVEPOINT " SAVEPOINT},
        {.sql = NULL},
        {.sql = "DEALLOCATE ALL"},
        {.sql = new_label_sql, .parameter_count = 1, .parameters = parameters}};
    PGresult *results[COUNT] = {0};
    struct inlay_error ignored;

    if (strcmp(rehearsal->err->sqlstate, "55P04") != 0)
        return false;
    inlay_messages_fill_half(&rehearsal->messages, inlay_rehearsal_current(rehearsal),
                             rehearsal->claim_xid, &queries[2]);
    int rc =
        inlay_query_ask(&rehearsal->run->connection.session, queries, COUNT, results, &ignored);
    bool wants = rc == INLAY_OK && PQntuples(results[COUNT - 1]) > 0;
    inlay_results_clear(results, COUNT);
    return wants;
}

/* A body that committed has committed its claim too, and all that was rehearsed before it. */
bool inlay_rehearsal_was_committed(struct rehearsal *rehearsal)
{
    struct message query;
    PGresult *result = NULL;
    struct inlay_error ignored;

    if (rehearsal->claim_xid[0] == '\0')
        return false;
    inlay_messages_fill_half(&rehearsal->messages, inlay_rehearsal_current(rehearsal),
                             rehearsal->claim_xid, &query);
    int rc = inlay_query_insist(&rehearsal->run->connection.session, &query, &result, &ignored);
    bool committed = rc == INLAY_OK && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return committed;
}

/* ---- life ---- */

int inlay_rehearsal_init(struct rehearsal *rehearsal, struct run *run, const struct step *steps,
                         struct inlay_error *err)
{
    *rehearsal = (struct rehearsal){
        .exchange = {.next = next_to_rehearse,
                     .result = take_rehearsed,
                     .answered = count_rehearsed,
                     .single_rows = true},
        .run = run,
        .keeps = run->request.goal.keeps,
        .course = {.steps = steps,
                   .again = run->connection.limits.again_count,
                   .limits = 2,
                   .search_path = run->request.options.search_path != NULL},
        .err = err,
    };
    int rc = inlay_observer_init(&rehearsal->observer, &run->connection.session, &run->request.name,
                                 &run->report, !rehearsal->keeps, err);

    if (!inlay_messages_init(&rehearsal->messages, &run->request, &run->known,
                             &run->connection.limits, &run->report))
        rc = inlay_error_memory(err);
    return rc;
}

void inlay_rehearsal_finish(struct rehearsal *rehearsal)
{
    inlay_messages_finish(&rehearsal->messages);
    inlay_observer_finish(&rehearsal->observer);
}

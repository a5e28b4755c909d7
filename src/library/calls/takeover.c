/* Records in the history what another tool has applied, in one transaction. foreign/ reads the
 * tool's table. */
#include "calls/takeover.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "foreign/record.h"
#include "foreign/source.h"
#include "history/sql.h"
#include "plan/row_values.h"
#include "run/guard.h"
#include "run/look.h"
#include "run/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL_POLL_MS 500

struct takeover {
    struct session *session;
    const struct request *request;
    struct knowledge *known;
    struct record record; /* the other tool's */
};

/* ---- what follows from the record ---- */

static bool is_wanted(const struct takeover *takeover, const struct plan_entry *entry)
{
    bool applied;

    inlay_foreign_find(&takeover->record.foreign, entry->version, &applied);
    return applied && entry->migration != NULL;
}

static int refuse_all_strange(const struct takeover *takeover, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_MISMATCH, "not one version of %s is in this binary",
                    takeover->record.quoted);
    inlay_text_put(err->hint, sizeof err->hint,
                   "check that these are the right directory, in the right --layout, and the right "
                   "database");
    return err->code;
}

/* A history that has rows is not filled up from somewhere else. */
static int check_history(const struct takeover *takeover, struct inlay_error *err)
{
    const struct request *request = takeover->request;
    const struct plan *plan = &takeover->known->plan;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->row != NULL || !is_wanted(takeover, entry))
            continue;
        inlay_error_set(err, INLAY_E_REFUSED,
                        "the history %s has rows already, and version %lld of %s is not among them",
                        request->name.text, (long long)entry->version, takeover->record.quoted);
        err->version = entry->version;
        inlay_text_put(err->hint, sizeof err->hint,
                       "a database is adopted once, before anything else; record what is missing "
                       "with --migrate-mark VERSION");
        return err->code;
    }
    inlay_log(&request->options, INLAY_LOG_INFO,
              "nothing to adopt: the history %s has every version of %s already",
              request->name.text, takeover->record.quoted);
    return INLAY_OK;
}

/* ---- writing ---- */

/* The rows, what tells that they were adopted, and COMMIT: one round trip. */
struct writing {
    struct row_values *rows;
    struct message *messages;
    PGresult **results;
    size_t count;
};

static void add_message(struct writing *writing, const char *sql, int count,
                        const char *const *values)
{
    writing->messages[writing->count++] =
        (struct message){.sql = sql, .parameter_count = count, .parameters = values};
}

/* With the time at which it was applied there. */
static void add_row(const struct takeover *takeover, struct writing *writing,
                    const struct inlay_migration *migration, const char *sql)
{
    struct row_values *values = &writing->rows[writing->count];
    bool applied;
    const struct foreign_row *row =
        inlay_foreign_find(&takeover->record.foreign, migration->version, &applied);

    inlay_row_values_fill(values, migration, -1);
    values->values[2] = row != NULL ? row->values[FOREIGN_AT] : NULL;
    values->values[3] = row != NULL ? row->values[FOREIGN_BATCH] : NULL;
    add_message(writing, sql, 4, values->values);
}

static void add_replacing(struct writing *writing, const struct inlay_migration *migration,
                          const char *sql)
{
    struct row_values *row = &writing->rows[writing->count];

    inlay_row_values_fill(row, migration, -1);
    add_message(writing, sql, ROW_VALUES, row->values);
}

struct texts {
    char *row;
    char *replacing;
    char *adopted;
};

static int fill_and_send(const struct takeover *takeover, struct writing *writing,
                         const struct texts *texts, struct inlay_error *err)
{
    const struct knowledge *known = takeover->known;

    for (size_t i = 0; i < known->plan.count; i++) {
        const struct inlay_migration *migration = known->plan.entries[i].migration;
        if (!is_wanted(takeover, &known->plan.entries[i]))
            continue;
        if (migration->replaces == NULL)
            add_row(takeover, writing, migration, texts->row);
        else
            add_replacing(writing, migration, texts->replacing);
    }
    /* So that it is not adopted by itself a second time once all of it is undone. */
    if (!known->snapshot.history.exists || known->snapshot.state_shape.exists)
        add_message(writing, texts->adopted, 1, &takeover->record.quoted);
    add_message(writing, "COMMIT", 0, NULL);
    int rc = inlay_query_demand(takeover->session, writing->messages, writing->count,
                                writing->results, INLAY_E_REFUSED, err);
    inlay_results_clear(writing->results, writing->count);
    return rc;
}

static int write_rows(const struct takeover *takeover, size_t count, struct inlay_error *err)
{
    const struct history_name *name = &takeover->request->name;
    struct writing writing = {
        .rows = calloc(count + 2, sizeof *writing.rows),
        .messages = calloc(count + 2, sizeof *writing.messages),
        .results = calloc(count + 2, sizeof *writing.results),
    };
    struct texts texts = {inlay_sql_adopt(name), inlay_sql_claim_replacing(name),
                          inlay_sql_set_adopted(name)};
    bool memory = writing.rows != NULL && writing.messages != NULL && writing.results != NULL &&
                  texts.row != NULL && texts.replacing != NULL && texts.adopted != NULL;
    int rc = memory ? fill_and_send(takeover, &writing, &texts, err) : inlay_error_memory(err);

    free(writing.rows);
    free(writing.messages);
    free(writing.results);
    free(texts.row);
    free(texts.replacing);
    free(texts.adopted);
    return rc;
}

/* It ran all the same, and may have been edited after that; or what imports it changed it. */
static void warn_of_changed(const struct takeover *takeover)
{
    const struct request *request = takeover->request;
    const struct inlay_migration *first = NULL;
    size_t count = inlay_foreign_changed(request->set, &takeover->record.foreign, &first);

    if (count > 0)
        inlay_log(&request->options, INLAY_LOG_WARNING,
                  "the text of %s is not the one that was applied, by the checksum in %s%s",
                  first->up.path, takeover->record.quoted, count == 1 ? "" : "; so are others");
}

static int write(const struct takeover *takeover, size_t count, struct inlay_error *err)
{
    const struct request *request = takeover->request;
    const struct foreign_source *source = &takeover->record.source;
    bool query = source->query != NULL;
    int rc = inlay_prepare_inside(takeover->session, request, takeover->known, err);

    if (rc == INLAY_OK)
        rc = write_rows(takeover, count, err);
    if (rc == INLAY_OK)
        warn_of_changed(takeover);
    if (rc == INLAY_OK)
        inlay_log(&request->options, INLAY_LOG_INFO,
                  "adopted %zu migration%s%s%s from %s; nothing was run", count,
                  count == 1 ? "" : "s", query ? "" : " of ",
                  query ? "" : inlay_foreign_name(source), takeover->record.quoted);
    return rc;
}

static int adopt(const struct takeover *takeover, struct inlay_error *err)
{
    const struct request *request = takeover->request;
    const struct knowledge *known = takeover->known;
    size_t wanted = 0;

    for (size_t i = 0; i < known->plan.count; i++)
        wanted += is_wanted(takeover, &known->plan.entries[i]);
    if (inlay_foreign_compare(request->set, &takeover->record.foreign, takeover->record.quoted,
                              request->options.allow_missing, err) != INLAY_OK)
        return err->code;
    if (wanted > 0)
        return known->snapshot.history.row_count > 0 ? check_history(takeover, err)
                                                     : write(takeover, wanted, err);
    if (takeover->record.foreign.count > 0 || takeover->record.foreign.through >= 0)
        return refuse_all_strange(takeover, err);
    inlay_log(&request->options, INLAY_LOG_INFO, "%s has no applied migration: nothing to adopt",
              takeover->record.quoted);
    return INLAY_OK;
}

/* ---- attempts ---- */

static int attempt(struct takeover *takeover, const struct foreign_source *source, bool *found,
                   struct inlay_error *err)
{
    takeover->record = (struct record){.session = takeover->session,
                                       .set = takeover->request->set,
                                       .name = &takeover->request->name,
                                       .now = &takeover->known->snapshot,
                                       .source = *source};
    int rc = inlay_record_read(&takeover->record, err);

    *found = takeover->record.quoted != NULL;
    if (rc == INLAY_OK && *found)
        rc = adopt(takeover, err);
    inlay_query_rollback(takeover->session);
    inlay_record_free(&takeover->record);
    return rc;
}

/* The tool is at work, or without a lock of ours another process has adopted meanwhile. */
static bool may_try_again(const struct request *request, const struct knowledge *known, int rc,
                          int64_t deadline, const struct inlay_error *err)
{
    return (rc == INLAY_E_LOCKED && inlay_clock_ms() < deadline) ||
           (rc == INLAY_E_REFUSED && inlay_prepare_lost_race(request, known, err));
}

static int attempt_until_free(struct run *run, const char *text, bool *found,
                              struct inlay_error *err)
{
    struct takeover takeover = {
        .session = &run->connection.session, .request = &run->request, .known = &run->known};
    struct foreign_source source;
    int64_t deadline = inlay_clock_after(inlay_patience_for_lock(&run->request.options));
    int rc = inlay_foreign_parse(text, &source, err);

    if (rc == INLAY_OK)
        rc = attempt(&takeover, &source, found, err);
    run->report.waiting_since = inlay_clock_ms();
    if (may_try_again(&run->request, &run->known, rc, deadline, err))
        inlay_log(&run->request.options, INLAY_LOG_INFO, "waiting: %s%s%s", err->message,
                  err->detail[0] != '\0' ? ": " : "", err->detail);
    while (may_try_again(&run->request, &run->known, rc, deadline, err)) {
        rc = inlay_wire_sleep(&run->connection.session, TOOL_POLL_MS, err);
        if (rc == INLAY_OK)
            rc = inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);
        if (rc == INLAY_OK)
            rc = attempt(&takeover, &source, found, err);
    }
    run->report.waiting_since = 0;
    return rc;
}

int inlay_takeover_work(struct run *run, void *context, struct inlay_error *err)
{
    const char *const *source = context;
    bool found = false;
    int rc = attempt_until_free(run, *source, &found, err);

    if (rc != INLAY_OK || found)
        return rc;
    inlay_error_set(err, INLAY_E_REFUSED, "there is no table to adopt from: %s", *source);
    inlay_text_put(err->hint, sizeof err->hint,
                   "without a table it is looked for where the history is and on the search_path; "
                   "say where it is: --migrate-adopt TOOL=SCHEMA.TABLE");
    return err->code;
}

/* ---- by itself ---- */

static int was_adopted(struct session *session, const struct history_name *name, bool *was,
                       struct inlay_error *err)
{
    char *sql = inlay_sql_adopted(name);
    const struct message query = {.sql = sql};
    PGresult *result = NULL;
    int rc = sql != NULL ? inlay_query_demand(session, &query, 1, &result, INLAY_E_REFUSED, err)
                         : inlay_error_memory(err);

    *was = rc == INLAY_OK && PQntuples(result) > 0;
    PQclear(result);
    free(sql);
    return rc;
}

int inlay_takeover_first(struct run *run, struct inlay_error *err)
{
    bool found = false;
    bool was = false;
    int rc = run->known.snapshot.state_shape.exists
                 ? was_adopted(&run->connection.session, &run->request.name, &was, err)
                 : INLAY_OK;

    if (rc != INLAY_OK || was)
        return rc;
    rc = attempt_until_free(run, run->request.set->adopt, &found, err);
    if (rc == INLAY_OK && found)
        rc = inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);
    if (rc == INLAY_OK && found)
        rc = inlay_run_verdict(&run->request, &run->known.plan, err);
    /* Nothing was recorded there, perhaps elsewhere. */
    return rc == INLAY_OK
               ? inlay_guard_look(&run->connection.session, &run->request, &run->known, err)
               : rc;
}

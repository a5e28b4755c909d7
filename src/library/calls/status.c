/* inlay_check and inlay_status_read: the plan, asked for. */
#include "calls/status.h"
#include "calls/reading.h"
#include "history/sql.h"
#include "plan/partial.h"
#include "run/admission.h"

#include <inlay-admin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- check ---- */

/* "3 (add_roles)", "R__report" */
static int64_t name_first(const struct plan *plan, char *text, size_t size)
{
    const struct plan_entry *entry = inlay_plan_first(plan, INLAY_STATE_PENDING);
    const struct plan_repeatable *repeatable = plan->repeatables;

    if (entry != NULL) {
        inlay_text_put(text, size, "%lld (%s)", (long long)entry->version, entry->migration->name);
        return entry->version;
    }
    while (repeatable->state != INLAY_STATE_PENDING)
        repeatable++;
    inlay_text_put(text, size, "R__%s", repeatable->migration->name);
    return INLAY_REPEATABLE;
}

static int refuse_pending(const struct inlay_set *set, const struct plan *plan,
                          struct inlay_error *err)
{
    char first[300];
    int64_t version = name_first(plan, first, sizeof first);

    inlay_error_set(err, INLAY_E_PENDING, "%zu of %zu migrations %s pending, the first is %s",
                    plan->pending, set->migration_count + set->repeatable_count,
                    plan->pending == 1 ? "is" : "are", first);
    err->version = version;
    return err->code;
}

int inlay_status_take_check(void *context, struct inlay_error *err)
{
    struct run *run = context;
    int rc = inlay_run_verdict(&run->request, &run->known.plan, err);

    if (rc != INLAY_OK)
        return rc;
    inlay_run_warn_unknown(&run->request, &run->known.plan);
    return run->known.plan.pending > 0 ? refuse_pending(run->request.set, &run->known.plan, err)
                                       : INLAY_OK;
}

int inlay_check(const struct inlay_set *set, const struct inlay_options *options,
                struct inlay_error *err)
{
    struct run run;
    const struct reading reading = {.take = inlay_status_take_check, .context = &run};
    int rc = inlay_reading(&run, set, options, &reading, err);

    inlay_run_end(&run);
    return rc;
}

/* ---- status ---- */

/* What the public struct points into: the caller gets its first member. */
struct owned_status {
    struct inlay_status status;
    struct run run;
    struct inlay_status_entry *entries;
    struct inlay_lock_holder holder;
    struct lock_key key;
    PGresult *held; /* what it points into */
};

/* One that failed is known not to be done. */
static bool is_open(const struct history_progress *progress)
{
    struct intent intent = inlay_partial_intent(progress);

    return intent.kind != INTENT_NONE && intent.kind != INTENT_FAILED;
}

/* Of an applied version it counts if it is half undone, of a pending one if it is half done. */
static const struct history_progress *find_partial(const struct plan_entry *entry)
{
    if (entry->partial == NULL || entry->half_undone)
        return entry->partial;
    bool half_done = entry->state == INLAY_STATE_PENDING && !inlay_partial_is_down(entry->partial);
    return half_done ? entry->partial : NULL;
}

static void fill_entry(const struct plan_entry *from, struct inlay_status_entry *to)
{
    const struct history_row *row = from->row;
    const struct history_progress *progress = find_partial(from);

    to->version = from->version;
    to->state = from->state;
    to->late = from->late;
    to->recorded = from->recorded;
    to->migration = from->migration;
    to->name = from->migration != NULL ? from->migration->name : row->name;
    to->recorded_name = row != NULL ? row->name : NULL;
    to->recorded_checksum = row != NULL ? row->checksum : NULL;
    to->applied_at = row != NULL ? row->applied_at : NULL;
    to->batch = row != NULL ? row->batch : -1;
    to->elapsed_ms = row != NULL ? row->elapsed_ms : -1;
    to->statements_done = progress != NULL ? progress->done : -1;
    if (progress != NULL && is_open(progress))
        to->statement_open = (size_t)progress->done + 1;
    to->down_kept = from->down_kept;
}

static void fill_repeatable(const struct plan_repeatable *from, struct inlay_status_entry *to)
{
    const struct history_repeatable *row = from->row;

    *to = (struct inlay_status_entry){
        .version = INLAY_REPEATABLE,
        .state = from->state,
        .migration = from->migration,
        .name = from->migration != NULL ? from->migration->name : row->name,
        .recorded_name = row != NULL ? row->name : NULL,
        .recorded_checksum = row != NULL ? row->checksum : NULL,
        .applied_at = row != NULL ? row->applied_at : NULL,
        .batch = row != NULL ? row->batch : -1,
        .elapsed_ms = -1,
        .statements_done = -1,
    };
}

static int fill_status(struct owned_status *owned, struct inlay_error *err)
{
    const struct run *run = &owned->run;
    struct inlay_status *status = &owned->status;

    status->entry_count = run->known.plan.count + run->known.plan.repeatable_count;
    owned->entries = calloc(status->entry_count + 1, sizeof *owned->entries);
    if (owned->entries == NULL)
        return inlay_error_memory(err);
    for (size_t i = 0; i < run->known.plan.count; i++)
        fill_entry(&run->known.plan.entries[i], &owned->entries[i]);
    for (size_t i = 0; i < run->known.plan.repeatable_count; i++)
        fill_repeatable(&run->known.plan.repeatables[i],
                        &owned->entries[run->known.plan.count + i]);
    status->database = run->known.snapshot.database;
    status->role = run->known.snapshot.role;
    status->history = run->request.name.text;
    status->history_exists = run->known.snapshot.history.exists;
    status->read_only = run->known.snapshot.in_recovery || run->known.snapshot.read_only;
    status->applied = run->known.plan.applied;
    status->pending = run->known.plan.pending;
    status->unknown = run->known.plan.unknown;
    status->mismatched = run->known.plan.renamed + run->known.plan.edited;
    status->next_batch = run->known.plan.next_batch;
    status->replaced = run->known.plan.replaced;
    status->entries = owned->entries;
    status->server_version = PQserverVersion(run->connection.session.conn);
    return INLAY_OK;
}

/* What inlay_migrate would refuse with: the plan, or what the database lets us do. */
static int judge_status(struct session *session, const struct request *request,
                        const struct knowledge *known, struct inlay_error *verdict)
{
    inlay_error_clear(verdict);
    int rc = inlay_run_verdict(request, &known->plan, verdict);
    if (rc == INLAY_OK && known->plan.pending > 0)
        rc = inlay_admission_check(session, request, known, verdict);
    return rc == INLAY_E_MISMATCH || rc == INLAY_E_REFUSED ? INLAY_OK : rc;
}

static struct message ask_holder(void *context)
{
    struct owned_status *owned = context;

    return inlay_lock_message(&owned->run.request.name, inlay_lock_holder_sql, &owned->key);
}

/* What cannot be read is not told. */
static void take_holder(struct owned_status *owned)
{
    const PGresult *held = owned->held;

    if (inlay_result_failed(held) || PQntuples(held) == 0)
        return;
    owned->holder = (struct inlay_lock_holder){
        .application = inlay_result_text(held, 0, LOCK_HOLDER_APPLICATION),
        .address = inlay_result_text(held, 0, LOCK_HOLDER_ADDRESS),
        .since = inlay_result_text(held, 0, LOCK_HOLDER_SINCE),
        .statement = inlay_result_text(held, 0, LOCK_HOLDER_STATEMENT)};
    inlay_text_number(PQgetvalue(held, 0, LOCK_HOLDER_PID), &owned->holder.pid);
    owned->status.lock_holder = &owned->holder;
}

static int take_status(void *context, struct inlay_error *err)
{
    struct owned_status *owned = context;
    struct run *run = &owned->run;
    int rc = fill_status(owned, err);

    if (rc != INLAY_OK)
        return rc;
    rc = judge_status(&run->connection.session, &run->request, &run->known, &owned->status.verdict);
    if (rc != INLAY_OK)
        *err = owned->status.verdict;
    else
        take_holder(owned);
    return rc;
}

int inlay_status_read(const struct inlay_set *set, const struct inlay_options *options,
                      struct inlay_status **status, struct inlay_error *err)
{
    if (status == NULL)
        return inlay_reading_nowhere("status", err);
    struct owned_status *owned = calloc(1, sizeof *owned);
    if (owned == NULL)
        return inlay_reading_memory(err);
    const struct reading reading = {
        .take = take_status, .context = owned, .prepare = ask_holder, .answer = &owned->held};
    int rc = inlay_reading(&owned->run, set, options, &reading, err);
    if (rc == INLAY_OK)
        *status = &owned->status;
    else
        inlay_status_free(&owned->status);
    return rc;
}

const struct inlay_status_entry *inlay_status_at(const struct inlay_status *status, size_t index)
{
    return status != NULL && index < status->entry_count ? &status->entries[index] : NULL;
}

void inlay_status_free(struct inlay_status *status)
{
    struct owned_status *owned = (struct owned_status *)status;

    if (owned == NULL)
        return;
    inlay_run_end(&owned->run);
    PQclear(owned->held);
    free(owned->entries);
    free(owned);
}

/* ---- a stored down script ---- */

/* What the public struct points into: the caller gets its first member. */
struct owned_down {
    struct inlay_kept_down kept;
    struct run run;
    PGresult *result;
};

static int refuse_not_stored(const struct owned_down *owned, struct inlay_error *err)
{
    int64_t version = owned->kept.version;

    inlay_error_set(err, INLAY_E_ARGUMENT, "no down script of version %lld is stored in %s",
                    (long long)version, owned->run.request.name.quoted_state);
    err->version = version;
    inlay_text_put(err->hint, sizeof err->hint,
                   "a program stores it with the migration if it is built with inlay embed "
                   "--keep-down or run with --migrate-keep-down");
    return err->code;
}

static int take_row(struct owned_down *owned, struct inlay_error *err)
{
    int64_t version = owned->kept.version;

    if (inlay_result_failed(owned->result))
        return inlay_result_error(owned->result, INLAY_E_REFUSED, err);
    if (PQntuples(owned->result) == 0 || inlay_result_text(owned->result, 0, 0) == NULL)
        return refuse_not_stored(owned, err);
    owned->kept = (struct inlay_kept_down){.version = version,
                                           .text = inlay_result_text(owned->result, 0, 0),
                                           .checksum = inlay_result_text(owned->result, 0, 1),
                                           .kept_at = inlay_result_text(owned->result, 0, 2)};
    for (size_t i = 0; i < owned->run.known.plan.count; i++)
        if (owned->run.known.plan.entries[i].version == version &&
            owned->run.known.plan.entries[i].row != NULL)
            owned->kept.name = owned->run.known.plan.entries[i].row->name;
    return INLAY_OK;
}

static int ask_down(struct owned_down *owned, struct inlay_error *err)
{
    char key[24];
    const char *const parameters[] = {key};
    char *sql = inlay_sql_kept_down(&owned->run.request.name);
    const struct message query = {.sql = sql, .parameter_count = 1, .parameters = parameters};

    if (sql == NULL)
        return inlay_error_memory(err);
    snprintf(key, sizeof key, "%lld", (long long)owned->kept.version);
    int rc = inlay_query_ask(&owned->run.connection.session, &query, 1, &owned->result, err);
    if (rc == INLAY_OK)
        rc = take_row(owned, err);
    free(sql);
    return rc;
}

static int take_down(void *context, struct inlay_error *err)
{
    struct owned_down *owned = context;

    return owned->run.known.snapshot.state_shape.exists ? ask_down(owned, err)
                                                        : refuse_not_stored(owned, err);
}

int inlay_kept_down_read(const struct inlay_set *set, const struct inlay_options *options,
                         int64_t version, struct inlay_kept_down **kept, struct inlay_error *err)
{
    if (kept == NULL)
        return inlay_reading_nowhere("kept", err);
    struct owned_down *owned = calloc(1, sizeof *owned);
    if (owned == NULL)
        return inlay_reading_memory(err);
    owned->kept.version = version;
    int rc = inlay_reading(&owned->run, set, options,
                           &(struct reading){.take = take_down, .context = owned}, err);
    if (rc == INLAY_OK)
        *kept = &owned->kept;
    else
        inlay_kept_down_free(&owned->kept);
    return rc;
}

void inlay_kept_down_free(struct inlay_kept_down *kept)
{
    struct owned_down *owned = (struct owned_down *)kept;

    if (owned == NULL)
        return;
    inlay_run_end(&owned->run);
    PQclear(owned->result);
    free(owned);
}

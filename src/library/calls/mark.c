/* Calls that change the history alone: what a person knows better than the history. */
#include "apply/stepwise/progress.h"
#include "base/log.h"
#include "calls/pursue.h"
#include "history/down_script.h"
#include "history/sql.h"
#include "plan/row_values.h"
#include "plan/squash.h"
#include "plan/steps.h"
#include "run/prepare.h"

#include <inlay-admin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One call, and its arguments. */
struct marking {
    struct run *run;
    int64_t version;
    size_t statement;
    /* Works under the lock, in one transaction. INLAY_OK also if it is so already;
     * INLAY_E_ARGUMENT: there is no such version. */
    int (*change)(struct marking *marking, struct inlay_error *err);
};

static const struct plan_entry *find_entry(const struct marking *marking)
{
    return inlay_plan_find(&marking->run->known.plan, marking->version);
}

static int refuse_absent(const struct marking *marking, const char *where, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "version %lld is not in %s", (long long)marking->version,
                    where);
    err->version = marking->version;
    inlay_text_put(err->hint, sizeof err->hint, "--migrate-status shows what is where");
    return err->code;
}

static int run_query(struct marking *marking, const struct message *query, struct inlay_error *err)
{
    PGresult *result = NULL;
    int rc = inlay_query_demand(&marking->run->connection.session, query, 1, &result,
                                INLAY_E_REFUSED, err);

    PQclear(result);
    return rc;
}

/* Runs one statement and frees its text. */
static int run_text(struct marking *marking, char *sql, int count, const char *const *values,
                    struct inlay_error *err)
{
    const struct message query = {.sql = sql, .parameter_count = count, .parameters = values};
    int rc = sql != NULL ? run_query(marking, &query, err) : inlay_error_memory(err);

    free(sql);
    return rc;
}

static int run_version(struct marking *marking, char *sql, int64_t number, struct inlay_error *err)
{
    char version[24];
    const char *const values[] = {version};

    snprintf(version, sizeof version, "%lld", (long long)number);
    return run_text(marking, sql, 1, values, err);
}

static int run_command(struct marking *marking, const char *command, struct inlay_error *err)
{
    return run_text(marking, inlay_text_new("%s", command), 0, NULL, err);
}

/* What was half done or half undone is neither any more: a person has said so. */
static int forget_progress(struct marking *marking, int64_t version, struct inlay_error *err)
{
    if (!marking->run->known.snapshot.state_shape.exists)
        return INLAY_OK;
    return run_version(marking, inlay_sql_progress_end(&marking->run->request.name), version, err);
}

static int keep_down(struct marking *marking, const struct plan_entry *entry, enum keep keep,
                     struct inlay_error *err)
{
    struct down_script texts;
    struct message query;
    int rc = INLAY_OK;

    if (keep == KEEP_AS_IT_IS)
        return INLAY_OK;
    if (!inlay_down_script_init(&texts, &marking->run->request.name))
        rc = inlay_error_memory(err);
    inlay_down_script_fill(&texts, keep, entry->version, entry->migration, &query);
    if (rc == INLAY_OK)
        rc = run_query(marking, &query, err);
    inlay_down_script_finish(&texts);
    return rc;
}

static int mark_entry(struct marking *marking, const struct plan_entry *entry,
                      struct inlay_error *err)
{
    const struct history_name *name = &marking->run->request.name;
    struct row_values row;

    inlay_row_values_fill(&row, entry->migration, -1);
    int rc = entry->migration->replaces == NULL
                 ? run_text(marking, inlay_sql_mark(name), 2, row.values, err)
                 : run_text(marking, inlay_sql_claim_replacing(name), ROW_VALUES, row.values, err);
    if (rc == INLAY_OK)
        rc = forget_progress(marking, entry->version, err);
    if (rc == INLAY_OK)
        rc = keep_down(marking, entry, inlay_goal_keep(&marking->run->request.goal, entry), err);
    if (rc == INLAY_OK)
        inlay_log(&marking->run->request.options, INLAY_LOG_INFO,
                  "recorded %s as applied, without running it", entry->migration->up.path);
    return rc;
}

/* Whoever says that it is applied has put back what its down script took away. */
static int mark_again(struct marking *marking, const struct plan_entry *entry,
                      struct inlay_error *err)
{
    int rc = forget_progress(marking, entry->version, err);

    if (rc == INLAY_OK)
        inlay_log(&marking->run->request.options, INLAY_LOG_INFO,
                  "%s counts as applied again, without running it", entry->migration->up.path);
    return rc;
}

/* Pending below an applied one that replaces it: its row is what is missing, and runs are refused
 * until it is there. */
static bool is_unrecorded(const struct plan *plan, const struct plan_entry *entry, int64_t last)
{
    return entry->migration != NULL && entry->version <= last &&
           ((entry->row == NULL && entry->state == INLAY_STATE_PENDING) ||
            !inlay_squash_is_done(plan, entry->version));
}

/* Is it to be recorded, or one that replaces it? What is replaced is recorded too, as where that
 * one runs. */
static bool is_meant(const struct plan *plan, const struct plan_entry *entry, int64_t first,
                     int64_t last)
{
    bool meant = entry->version >= first && inlay_plan_is_due(entry, last);

    for (size_t i = 0; !meant && i < plan->cover_count; i++) {
        const struct plan_cover *cover = &plan->covers[i];
        meant = cover->version >= first && cover->version <= last &&
                entry->version >= cover->first && entry->version <= cover->last &&
                inlay_plan_is_due(inlay_plan_find(plan, cover->version), last);
    }
    return meant && is_unrecorded(plan, entry, last);
}

/* Everything pending from `first` to `last` is recorded. */
static int mark_range(struct marking *marking, int64_t first, int64_t last, struct inlay_error *err)
{
    int rc = run_command(marking, "BEGIN", err);

    if (rc == INLAY_OK)
        rc = inlay_prepare_inside(&marking->run->connection.session, &marking->run->request,
                                  &marking->run->known, err);
    for (size_t i = 0; rc == INLAY_OK && i < marking->run->known.plan.count; i++) {
        const struct plan_entry *entry = &marking->run->known.plan.entries[i];
        if (is_meant(&marking->run->known.plan, entry, first, last))
            rc = mark_entry(marking, entry, err);
        else if (entry->version >= first && entry->version <= last && entry->half_undone)
            rc = mark_again(marking, entry, err);
    }
    return rc == INLAY_OK ? run_command(marking, "COMMIT", err) : rc;
}

static int baseline(struct marking *marking, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(marking);

    if (entry == NULL || entry->migration == NULL)
        return refuse_absent(marking, "this binary", err);
    return mark_range(marking, 0, marking->version, err);
}

static int mark(struct marking *marking, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(marking);

    if (entry == NULL || entry->migration == NULL)
        return refuse_absent(marking, "this binary", err);
    return mark_range(marking, marking->version, marking->version, err);
}

static int unmark(struct marking *marking, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(marking);

    if (entry == NULL || entry->row == NULL)
        return refuse_absent(marking, "the history", err);
    int rc = run_command(marking, "BEGIN", err);
    if (rc == INLAY_OK)
        rc = run_version(marking, inlay_sql_unmark(&marking->run->request.name), entry->version,
                         err);
    if (rc == INLAY_OK)
        rc = forget_progress(marking, entry->version, err);
    if (rc == INLAY_OK && entry->down_kept)
        rc = keep_down(marking, entry, KEEP_FORGET, err);
    if (rc == INLAY_OK)
        rc = run_command(marking, "COMMIT", err);
    if (rc == INLAY_OK)
        inlay_log(&marking->run->request.options, INLAY_LOG_INFO,
                  "version %lld (%s) counts as not applied; nothing of it was undone",
                  (long long)entry->version, entry->row->name);
    return rc;
}

/* The stored down script is that of the text that counts as applied. */
static int accept_entry(struct marking *marking, const struct plan_entry *entry,
                        struct inlay_error *err)
{
    struct goal goal = marking->run->request.goal;
    struct row_values row;
    int rc = run_command(marking, "BEGIN", err);

    inlay_row_values_fill(&row, entry->migration, 0);
    goal.keep_down = goal.keep_down || entry->down_kept;
    if (rc == INLAY_OK)
        rc = inlay_prepare_inside(&marking->run->connection.session, &marking->run->request,
                                  &marking->run->known, err);
    if (rc == INLAY_OK)
        rc = run_text(marking, inlay_sql_accept(&marking->run->request.name), 3, row.values, err);
    if (rc == INLAY_OK)
        rc = keep_down(marking, entry, inlay_goal_keep(&goal, entry), err);
    return rc == INLAY_OK ? run_command(marking, "COMMIT", err) : rc;
}

static int accept_version(struct marking *marking, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(marking);
    char literal[300];

    if (entry == NULL || entry->row == NULL)
        return refuse_absent(marking, "the history", err);
    if (entry->migration == NULL)
        return refuse_absent(marking, "this binary", err);
    int rc = accept_entry(marking, entry, err);
    if (rc != INLAY_OK)
        return rc;
    inlay_text_quote(literal, sizeof literal, entry->migration->name, '\'');
    inlay_log(&marking->run->request.options, INLAY_LOG_INFO, "version %lld was \"%s\" %s",
              (long long)entry->version, entry->row->name,
              entry->row->checksum != NULL ? entry->row->checksum : "(no checksum)");
    inlay_log(&marking->run->request.options, INLAY_LOG_INFO, "version %lld  is \"%s\" %s",
              (long long)entry->version, entry->migration->name, entry->migration->sha256);
    inlay_log(&marking->run->request.options, INLAY_LOG_INFO,
              "by hand: UPDATE %s SET name = %s, checksum = '%s' WHERE version = %lld;",
              marking->run->request.name.quoted, literal, entry->migration->sha256,
              (long long)entry->version);
    return rc;
}

/* ---- where a no-transaction file continues ---- */

/* A row that is there, with progress beside it: the down script is half done. */
static int find_script(const struct marking *marking, const struct plan_entry *entry,
                       struct step *step, struct inlay_error *err)
{
    bool down = entry->row != NULL;

    *step = (struct step){.migration = entry->migration,
                          .script = down ? &entry->migration->down : &entry->migration->up,
                          .down = down};
    if (down &&
        inlay_history_progress(&marking->run->known.snapshot.history, entry->version) == NULL) {
        inlay_error_set(err, INLAY_E_REFUSED, "version %lld (%s) is applied: nothing of it is open",
                        (long long)entry->version, entry->migration->name);
        inlay_text_put(err->hint, sizeof err->hint,
                       "--migrate-unmark %lld lets it run again, from its first statement",
                       (long long)entry->version);
    } else if ((step->script->flags & INLAY_SCRIPT_NO_TRANSACTION) == 0) {
        inlay_error_set(err, INLAY_E_ARGUMENT,
                        "version %lld (%s) runs in one transaction: as a whole or not at all",
                        (long long)entry->version, entry->migration->name);
    } else if (marking->statement < 1 || marking->statement > step->script->statement_count + 1) {
        inlay_error_set(err, INLAY_E_ARGUMENT,
                        "version %lld (%s) has %zu statements: continue with one of them, or with "
                        "%zu if all are done",
                        (long long)entry->version, entry->migration->name,
                        step->script->statement_count, step->script->statement_count + 1);
    } else {
        return INLAY_OK;
    }
    err->version = entry->version;
    inlay_error_file(err, marking->run->request.set, step->script);
    return err->code;
}

static int save_place(struct marking *marking, const struct step *step, struct inlay_error *err)
{
    const struct intent nothing = {.kind = INTENT_NONE, .index = ""};
    struct progress progress;
    int rc = inlay_prepare(&marking->run->connection.session, &marking->run->request,
                           &marking->run->known, err);

    if (!inlay_progress_init(&progress, &marking->run->request.name,
                             marking->run->known.snapshot.role, step))
        rc = inlay_error_memory(err);
    if (rc == INLAY_OK)
        rc = inlay_progress_save(&progress, &marking->run->connection.session,
                                 marking->statement - 1, &nothing, err);
    if (rc == INLAY_E_FAILED) /* as everything that only records is: no migration ran */
        rc = err->code = INLAY_E_REFUSED;
    inlay_progress_finish(&progress);
    return rc;
}

static int resume_at(struct marking *marking, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(marking);
    struct step step;

    if (entry == NULL || entry->migration == NULL)
        return refuse_absent(marking, "this binary", err);
    if (find_script(marking, entry, &step, err) != INLAY_OK ||
        save_place(marking, &step, err) != INLAY_OK)
        return err->code;
    inlay_log(&marking->run->request.options, INLAY_LOG_INFO,
              "%s: the next run continues after statement %zu of %zu", step.script->path,
              marking->statement - 1, step.script->statement_count);
    return INLAY_OK;
}

/* ---- the calls ---- */

static int mark_work(struct run *run, void *context, struct inlay_error *err)
{
    struct marking *marking = context;

    marking->run = run;
    return marking->change(marking, err);
}

static int pursue_marking(const struct inlay_set *set, const struct inlay_options *options,
                          struct marking *marking, struct inlay_error *err)
{
    const struct task task = {.work = mark_work, .context = marking};

    return inlay_pursue(set, options, &(struct goal){.kind = GOAL_NONE}, &task, NULL, err);
}

int inlay_baseline(const struct inlay_set *set, const struct inlay_options *options,
                   int64_t version, struct inlay_error *err)
{
    return pursue_marking(set, options, &(struct marking){.version = version, .change = baseline},
                          err);
}

int inlay_mark(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
               struct inlay_error *err)
{
    return pursue_marking(set, options, &(struct marking){.version = version, .change = mark}, err);
}

int inlay_unmark(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                 struct inlay_error *err)
{
    return pursue_marking(set, options, &(struct marking){.version = version, .change = unmark},
                          err);
}

int inlay_accept(const struct inlay_set *set, const struct inlay_options *options, int64_t version,
                 struct inlay_error *err)
{
    return pursue_marking(set, options,
                          &(struct marking){.version = version, .change = accept_version}, err);
}

int inlay_resume_at(const struct inlay_set *set, const struct inlay_options *options,
                    int64_t version, size_t statement, struct inlay_error *err)
{
    struct marking marking = {.version = version, .statement = statement, .change = resume_at};

    return pursue_marking(set, options, &marking, err);
}

#include "calls/mark.h"
#include "apply/stepwise/progress.h"
#include "base/log.h"
#include "history/down_script.h"
#include "history/sql.h"
#include "history/tables.h"
#include "plan/squash.h"
#include "plan/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct plan_entry *find_entry(const struct run *run)
{
    return inlay_plan_find(&run->known.plan, run->request.goal.version);
}

static int refuse_absent(const struct run *run, const char *where, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "version %lld is not in %s",
                    (long long)run->request.goal.version, where);
    err->version = run->request.goal.version;
    inlay_text_put(err->hint, sizeof err->hint, "--migrate-status shows what is where");
    return err->code;
}

static int run_query(struct run *run, const struct message *query, struct inlay_error *err)
{
    PGresult *result = NULL;
    int rc =
        inlay_session_demand(&run->connection.session, query, 1, &result, INLAY_E_REFUSED, err);

    PQclear(result);
    return rc;
}

/* The parameters of inlay_sql_claim_replacing. */
enum { MARK_REPLACING = 6 };

/* Runs one statement about a migration and frees its text. $1 version, $2 name, $3 checksum; of one
 * that replaces others $3 and $4 NULL, $5 their range, $6 how many they are */
static int run_text(struct run *run, char *sql, int count, const struct inlay_migration *migration,
                    struct inlay_error *err)
{
    bool replacing = migration != NULL && count == MARK_REPLACING;
    char version[24];
    char replaced[24] = "";
    char range[SQUASH_TEXT_MAX] = "";
    const char *const values[] = {version,
                                  migration != NULL ? migration->name : NULL,
                                  migration != NULL && !replacing ? migration->sha256 : NULL,
                                  NULL,
                                  range,
                                  replaced};
    const struct message query = {.sql = sql, .parameter_count = count, .parameters = values};

    if (sql == NULL)
        return inlay_error_memory(err);
    snprintf(version, sizeof version, "%lld",
             (long long)(migration != NULL ? migration->version : run->request.goal.version));
    if (replacing) {
        inlay_squash_text(migration->replaces, range);
        snprintf(replaced, sizeof replaced, "%zu", inlay_squash_count(migration->replaces));
    }
    int rc = run_query(run, &query, err);
    free(sql);
    return rc;
}

static int run_command(struct run *run, const char *command, struct inlay_error *err)
{
    return run_text(run, inlay_text_new("%s", command), 0, NULL, err);
}

/* What was half done or half undone is neither: somebody knows better. */
static int forget_progress(struct run *run, const struct inlay_migration *migration,
                           struct inlay_error *err)
{
    if (!run->known.snapshot.state_shape.exists)
        return INLAY_OK;
    return run_text(run, inlay_sql_progress_end(&run->request.name), 1, migration, err);
}

static int keep_down(struct run *run, const struct plan_entry *entry, enum keep keep,
                     struct inlay_error *err)
{
    struct keep_texts texts;
    struct message query;
    int rc = INLAY_OK;

    if (keep == KEEP_AS_IT_IS)
        return INLAY_OK;
    if (!inlay_keep_init(&texts, &run->request.name))
        rc = inlay_error_memory(err);
    inlay_keep_compose(&texts, keep, entry->version, entry->migration, &query);
    if (rc == INLAY_OK)
        rc = run_query(run, &query, err);
    inlay_keep_finish(&texts);
    return rc;
}

static int mark(struct run *run, const struct plan_entry *entry, struct inlay_error *err)
{
    int rc = entry->migration->replaces == NULL
                 ? run_text(run, inlay_sql_mark(&run->request.name), 2, entry->migration, err)
                 : run_text(run, inlay_sql_claim_replacing(&run->request.name), MARK_REPLACING,
                            entry->migration, err);

    if (rc == INLAY_OK)
        rc = forget_progress(run, entry->migration, err);
    if (rc == INLAY_OK)
        rc = keep_down(run, entry, inlay_goal_keep(&run->request.goal, entry), err);
    if (rc == INLAY_OK)
        inlay_log(&run->request.options, INLAY_LOG_INFO,
                  "recorded %s as applied, without running it", entry->migration->up.path);
    return rc;
}

/* Everything pending from `first` to `last` is recorded. */
static int mark_range(struct run *run, int64_t first, int64_t last, struct inlay_error *err)
{
    int rc = run_command(run, "BEGIN", err);

    if (rc == INLAY_OK)
        rc = inlay_tables_ensure_inside(run, err);
    for (size_t i = 0; rc == INLAY_OK && i < run->known.plan.count; i++) {
        const struct plan_entry *entry = &run->known.plan.entries[i];
        if (entry->version >= first && inlay_plan_is_due(entry, last) &&
            !inlay_squash_is_done(&run->known.plan, entry->version))
            rc = mark(run, entry, err);
    }
    return rc == INLAY_OK ? run_command(run, "COMMIT", err) : rc;
}

int inlay_edit_baseline(struct run *run, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(run);

    if (entry == NULL || entry->migration == NULL)
        return refuse_absent(run, "this binary", err);
    return mark_range(run, 0, run->request.goal.version, err);
}

int inlay_edit_mark(struct run *run, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(run);

    if (entry == NULL || entry->migration == NULL)
        return refuse_absent(run, "this binary", err);
    return mark_range(run, run->request.goal.version, run->request.goal.version, err);
}

int inlay_edit_unmark(struct run *run, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(run);

    if (entry == NULL || entry->row == NULL)
        return refuse_absent(run, "the history", err);
    int rc = run_command(run, "BEGIN", err);
    if (rc == INLAY_OK)
        rc = run_text(run, inlay_sql_unmark(&run->request.name), 1, NULL, err);
    if (rc == INLAY_OK)
        rc = forget_progress(run, NULL, err);
    if (rc == INLAY_OK && entry->down_kept)
        rc = keep_down(run, entry, KEEP_FORGET, err);
    if (rc == INLAY_OK)
        rc = run_command(run, "COMMIT", err);
    if (rc == INLAY_OK)
        inlay_log(&run->request.options, INLAY_LOG_INFO,
                  "version %lld (%s) counts as not applied; nothing of it was undone",
                  (long long)entry->version, entry->row->name);
    return rc;
}

/* The stored down script is that of the text that counts as applied. */
static int accept(struct run *run, const struct plan_entry *entry, struct inlay_error *err)
{
    struct goal goal = run->request.goal;
    int rc = run_command(run, "BEGIN", err);

    goal.keep_down = goal.keep_down || entry->down_kept;
    if (rc == INLAY_OK)
        rc = inlay_tables_ensure_inside(run, err);
    if (rc == INLAY_OK)
        rc = run_text(run, inlay_sql_accept(&run->request.name), 3, entry->migration, err);
    if (rc == INLAY_OK)
        rc = keep_down(run, entry, inlay_goal_keep(&goal, entry), err);
    return rc == INLAY_OK ? run_command(run, "COMMIT", err) : rc;
}

int inlay_edit_accept(struct run *run, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(run);
    char literal[300];

    if (entry == NULL || entry->row == NULL)
        return refuse_absent(run, "the history", err);
    if (entry->migration == NULL)
        return refuse_absent(run, "this binary", err);
    int rc = accept(run, entry, err);
    if (rc != INLAY_OK)
        return rc;
    inlay_text_quote(literal, sizeof literal, entry->migration->name, '\'');
    inlay_log(&run->request.options, INLAY_LOG_INFO, "version %lld was \"%s\" %s",
              (long long)entry->version, entry->row->name,
              entry->row->checksum != NULL ? entry->row->checksum : "(no checksum)");
    inlay_log(&run->request.options, INLAY_LOG_INFO, "version %lld  is \"%s\" %s",
              (long long)entry->version, entry->migration->name, entry->migration->sha256);
    inlay_log(&run->request.options, INLAY_LOG_INFO,
              "by hand: UPDATE %s SET name = %s, checksum = '%s' WHERE version = %lld;",
              run->request.name.quoted, literal, entry->migration->sha256,
              (long long)entry->version);
    return rc;
}

/* ---- where a no-transaction file goes on ---- */

/* A row that is there, with progress beside it: the down script is half done. */
static int find_script(const struct run *run, const struct plan_entry *entry, struct step *step,
                       struct inlay_error *err)
{
    bool down = entry->row != NULL;

    *step = (struct step){.migration = entry->migration,
                          .script = down ? &entry->migration->down : &entry->migration->up,
                          .down = down};
    if (down && inlay_history_progress(&run->known.snapshot.history, entry->version) == NULL) {
        inlay_error_set(err, INLAY_E_REFUSED, "version %lld (%s) is applied: nothing of it is open",
                        (long long)entry->version, entry->migration->name);
        inlay_text_put(err->hint, sizeof err->hint,
                       "--migrate-unmark %lld lets it run again, from its first statement",
                       (long long)entry->version);
    } else if ((step->script->flags & INLAY_SCRIPT_NO_TRANSACTION) == 0) {
        inlay_error_set(err, INLAY_E_ARGUMENT,
                        "version %lld (%s) runs in one transaction: as a whole or not at all",
                        (long long)entry->version, entry->migration->name);
    } else if (run->request.goal.count < 1 ||
               run->request.goal.count > step->script->statement_count + 1) {
        inlay_error_set(err, INLAY_E_ARGUMENT,
                        "version %lld (%s) has %zu statements: go on with one of them, or with %zu "
                        "behind the last",
                        (long long)entry->version, entry->migration->name,
                        step->script->statement_count, step->script->statement_count + 1);
    } else {
        return INLAY_OK;
    }
    err->version = entry->version;
    inlay_error_file(err, run->request.set, step->script);
    return err->code;
}

static int save_place(struct run *run, const struct step *step, struct inlay_error *err)
{
    const struct intent nothing = {.kind = INTENT_NONE, .index = ""};
    struct progress progress;
    int rc = inlay_tables_ensure(run, err);

    if (!inlay_progress_init(&progress, run, step))
        rc = inlay_error_memory(err);
    if (rc == INLAY_OK)
        rc = inlay_progress_save(&progress, &run->connection.session, run->request.goal.count - 1,
                                 &nothing, err);
    inlay_progress_finish(&progress);
    return rc;
}

int inlay_edit_resume_at(struct run *run, struct inlay_error *err)
{
    const struct plan_entry *entry = find_entry(run);
    struct step step;

    if (entry == NULL || entry->migration == NULL)
        return refuse_absent(run, "this binary", err);
    if (find_script(run, entry, &step, err) != INLAY_OK || save_place(run, &step, err) != INLAY_OK)
        return err->code;
    inlay_log(&run->request.options, INLAY_LOG_INFO,
              "%s: the next run goes on after statement %zu of %zu", step.script->path,
              run->request.goal.count - 1, step.script->statement_count);
    return INLAY_OK;
}

/* Finds out what became of the statement during which an earlier run ended: done, not done, or only
 * a person can tell. */
#include "apply/stepwise/resume.h"
#include "apply/stepwise/index.h"
#include "apply/transaction/failure.h"
#include "base/log.h"

#include <string.h>

/* The statement, if the file still has it as it was; else NULL. */
static const struct inlay_statement *find_statement(const struct stepwise *stepwise,
                                                    const struct intent *intent)
{
    const struct inlay_script *script = stepwise->step->script;

    return inlay_partial_unchanged(script, stepwise->step->down, stepwise->done, intent)
               ? inlay_script_statement(script, stepwise->done)
               : NULL;
}

static int refuse_to_resume(struct stepwise *stepwise, enum inlay_code code, const char *what)
{
    const struct inlay_script *script = stepwise->step->script;
    const struct inlay_migration *migration = stepwise->step->migration;
    struct inlay_error *err = stepwise->err;

    inlay_error_set(err, code, "statement %zu of version %lld (%s) %s", stepwise->done + 1,
                    (long long)migration->version, migration->name, what);
    if (stepwise->done < script->statement_count)
        inlay_failure_place(stepwise->run->request.set, stepwise->step, stepwise->done, NULL, err);
    inlay_progress_tell(&stepwise->progress, stepwise->done, "; this run ran none of it", err);
    inlay_statement_ways_out(stepwise);
    return code;
}

static int refuse_unknown_outcome(struct stepwise *stepwise)
{
    return refuse_to_resume(stepwise, INLAY_E_REFUSED,
                            "was begun, and how much of it is done is not known");
}

static int take_for_done(struct stepwise *stepwise, const char *how)
{
    inlay_log(&stepwise->run->request.options, INLAY_LOG_INFO, "%s: statement %zu is done: %s",
              stepwise->step->script->path, stepwise->done + 1, how);
    int rc = inlay_statement_save(stepwise, stepwise->done + 1);
    if (rc == INLAY_OK)
        stepwise->run->report.current_statement = ++stepwise->done;
    return rc;
}

/* There was no index of that name when the statement was begun. One that is valid now was built by
 * it, with the definition that its text had. */
static int settle_index(struct stepwise *stepwise, const struct intent *intent)
{
    const struct inlay_statement *statement = find_statement(stepwise, intent);
    struct index_look found;
    int rc = inlay_index_make_room(&stepwise->run->connection.session,
                                   statement != NULL ? statement->table : NULL, intent->index,
                                   &found, stepwise->err);

    if (rc != INLAY_OK || intent->kind == INTENT_FAILED)
        return rc;
    /* Another search_path, and the same words mean another table. */
    if (statement != NULL && found.name[0] != '\0' && strcmp(found.name, intent->index) != 0)
        return refuse_unknown_outcome(stepwise);
    if (found.state != INDEX_VALID)
        return INLAY_OK;
    if (statement != NULL)
        return take_for_done(stepwise, found.definition);
    rc = refuse_to_resume(stepwise, INLAY_E_MISMATCH, "has built its index, and was edited since");
    inlay_text_put(stepwise->err->detail, sizeof stepwise->err->detail, "%s", found.definition);
    return rc;
}

static int settle_drop(struct stepwise *stepwise, const struct intent *intent)
{
    struct index_look found;

    if (find_statement(stepwise, intent) == NULL)
        return refuse_unknown_outcome(stepwise);
    int rc = inlay_index_look(&stepwise->run->connection.session, NULL, intent->index, &found,
                              stepwise->err);
    if (rc == INLAY_OK && found.state == INDEX_ABSENT)
        rc = take_for_done(stepwise, "the index is gone");
    return rc;
}

static int settle_other(struct stepwise *stepwise, const struct intent *intent)
{
    const struct inlay_statement *statement = find_statement(stepwise, intent);

    if (statement != NULL && statement->kind == INLAY_STATEMENT_REINDEX_CONCURRENTLY)
        return inlay_index_drop_leftovers(&stepwise->run->connection.session, statement,
                                          stepwise->err);
    if (statement != NULL &&
        (statement->kind == INLAY_STATEMENT_REPEATABLE ||
         (statement->kind == INLAY_STATEMENT_INDEX_CONCURRENTLY && statement->index != NULL) ||
         statement->kind == INLAY_STATEMENT_DROP_INDEX_CONCURRENTLY))
        return INLAY_OK;
    return intent->kind == INTENT_FAILED ? INLAY_OK : refuse_unknown_outcome(stepwise);
}

static int settle(struct stepwise *stepwise, const struct intent *intent)
{
    if (intent->kind == INTENT_DROPPING)
        return settle_drop(stepwise, intent);
    return intent->index[0] != '\0' ? settle_index(stepwise, intent)
                                    : settle_other(stepwise, intent);
}

int inlay_resume(struct stepwise *stepwise, const struct intent *intent)
{
    return intent->kind == INTENT_NONE ? INLAY_OK
                                       : inlay_statement_without_timeouts(stepwise, settle, intent);
}

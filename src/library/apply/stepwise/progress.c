/* Writes the row of the state table that says how far a no-transaction migration got. */
#include "apply/stepwise/progress.h"
#include "history/sql.h"
#include "plan/steps.h"
#include "run/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool inlay_progress_init(struct progress *progress, const struct history_name *name,
                         const char *role, const struct step *step)
{
    *progress = (struct progress){.step = step, .sql = inlay_sql_progress(name)};
    snprintf(progress->version, sizeof progress->version, "%lld",
             (long long)step->migration->version);
    progress->values[0] = progress->version;
    progress->values[1] = progress->done;
    progress->values[2] = progress->checksum;
    progress->values[3] = NULL;
    progress->role[0] = role;
    return progress->sql != NULL;
}

void inlay_progress_finish(struct progress *progress)
{
    free(progress->sql);
}

/* The body may have become a role that may not write our tables, and its timeouts are not ours.
 * What is set here goes with the transaction, and the body has its own again. */
void inlay_progress_compose(struct progress *progress, size_t done, struct message *messages)
{
    snprintf(progress->done, sizeof progress->done, "%zu", done);
    inlay_partial_checksum(progress->step->script, progress->step->down, done, progress->checksum);
    messages[0] = (struct message){.sql = "SET LOCAL SESSION AUTHORIZATION DEFAULT"};
    messages[1] = (struct message){.sql = "SELECT pg_catalog.set_config('role', $1, true)",
                                   .parameter_count = 1,
                                   .parameters = progress->role};
    messages[2] = (struct message){.sql = "SET LOCAL lock_timeout = " INLAY_OWN_LOCK_TIMEOUT};
    messages[3] = (struct message){.sql = "SET LOCAL statement_timeout = 0"};
    messages[4] = (struct message){
        .sql = progress->sql, .parameter_count = 4, .parameters = progress->values};
}

static const char *write_body(struct progress *progress, size_t done, const struct intent *intent)
{
    char checksum[32];

    if (intent->kind == INTENT_NONE)
        return NULL;
    inlay_partial_checksum(progress->step->script, progress->step->down, done + 1, checksum);
    snprintf(progress->body, sizeof progress->body, "%s %zu %s%s%s",
             inlay_partial_word(intent->kind), done + 1, checksum,
             intent->index[0] != '\0' ? " " : "", intent->index);
    return progress->body;
}

bool inlay_progress_is_barred(struct inlay_error *err)
{
    if (strcmp(err->sqlstate, "25006") != 0)
        return false;
    inlay_text_put(err->message, sizeof err->message,
                   "the session became read-only: how far the file has got cannot be recorded");
    inlay_text_put(
        err->hint, sizeof err->hint,
        "take SET default_transaction_read_only, or what does the same, out of the file; "
        "if it has none, somebody set it for the server meanwhile");
    return true;
}

int inlay_progress_save(struct progress *progress, struct session *session, size_t done,
                        const struct intent *intent, struct inlay_error *err)
{
    enum { COUNT = PROGRESS_MESSAGES + 2 };
    struct message queries[COUNT] = {{.sql = "BEGIN"}, [COUNT - 1] = {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    inlay_progress_compose(progress, done, queries + 1);
    progress->values[3] = write_body(progress, done, intent);
    int rc = inlay_query_persist(session, queries, COUNT, results, err);
    inlay_results_clear(results, COUNT);
    progress->values[3] = NULL;
    if (rc == INLAY_E_FAILED && !inlay_progress_is_barred(err))
        inlay_text_add(err->context, sizeof err->context, "%swhile recording how far %s has got",
                       err->context[0] != '\0' ? "\n" : "", progress->step->script->path);
    return rc;
}

void inlay_progress_tell(const struct progress *progress, size_t done, const char *rest,
                         struct inlay_error *err)
{
    const struct inlay_script *script = progress->step->script;

    inlay_text_put(err->outcome, sizeof err->outcome,
                   "%s has no transaction: %zu of %zu statements done and kept%s", script->path,
                   done, script->statement_count, rest);
}

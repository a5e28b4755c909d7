#include "progress.h"
#include "sql.h"

#include <stdio.h>
#include <stdlib.h>

/* FNV-1a as for the lock: drift is to be noticed, not an attack. */
void inlay_progress_checksum(const struct inlay_script *script, size_t count, char checksum[32])
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < count; i++) {
        const struct inlay_statement *statement = &script->statements[i];
        for (size_t b = 0; b <= statement->length; b++) {
            char c = b < statement->length ? script->text[statement->offset + b] : ';';
            if (c == '\r')
                continue;
            hash ^= (unsigned char)c;
            hash *= UINT64_C(1099511628211);
        }
    }
    snprintf(checksum, 32, "fnv1a64:%016llx", (unsigned long long)hash);
}

bool inlay_progress_init(struct progress *progress, const struct run *run, const struct step *step)
{
    *progress = (struct progress){.step = step, .sql = inlay_sql_progress(&run->name)};
    snprintf(progress->version, sizeof progress->version, "%lld",
             (long long)step->migration->version);
    progress->values[0] = progress->version;
    progress->values[1] = progress->done;
    progress->values[2] = progress->checksum;
    progress->role[0] = run->look.role;
    return progress->sql != NULL;
}

void inlay_progress_finish(struct progress *progress)
{
    free(progress->sql);
}

/* The body may have become a role that may not write our tables. What is set here goes with the
 * transaction, and the body has its own again. */
void inlay_progress_compose(struct progress *progress, size_t done, struct message *messages)
{
    snprintf(progress->done, sizeof progress->done, "%zu", done);
    inlay_progress_checksum(progress->step->script, done, progress->checksum);
    messages[0] = (struct message){.sql = "SET LOCAL SESSION AUTHORIZATION DEFAULT"};
    messages[1] = (struct message){.sql = "SELECT pg_catalog.set_config('role', $1, true)",
                                   .parameter_count = 1,
                                   .parameters = progress->role};
    messages[2] = (struct message){
        .sql = progress->sql, .parameter_count = 3, .parameters = progress->values};
}

int inlay_progress_save(struct progress *progress, struct session *session, size_t done,
                        struct inlay_error *err)
{
    enum { COUNT = PROGRESS_MESSAGES + 2 };
    struct message queries[COUNT] = {{.sql = "BEGIN"}, [COUNT - 1] = {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    inlay_progress_compose(progress, done, queries + 1);
    int rc = inlay_session_ask(session, queries, COUNT, results, err);
    for (size_t i = 0; i < COUNT && rc == INLAY_OK; i++)
        if (inlay_result_failed(results[i]))
            rc = inlay_result_error(results[i], INLAY_E_FAILED, err);
    inlay_session_clear(results, COUNT);
    return rc;
}

void inlay_progress_tell(const struct progress *progress, size_t done, bool answered,
                         struct inlay_error *err)
{
    const struct inlay_script *script = progress->step->script;

    if (answered)
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "%s runs without a transaction: %zu of its %zu statements are done and "
                       "stay; the next run goes on with statement %zu",
                       script->path, done, script->statement_count, done + 1);
    else
        inlay_text_put(err->outcome, sizeof err->outcome,
                       "%s runs without a transaction: at least %zu of its %zu statements are done "
                       "and stay; the next run goes on after the last that was done",
                       script->path, done, script->statement_count);
}

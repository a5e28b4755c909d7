#include "apply/stepwise/progress.h"
#include "base/hash.h"
#include "history/sql.h"
#include "plan/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const intent_words[] = {"", "begun", "building", "dropping", "failed"};

void inlay_progress_checksum(const struct inlay_script *script, size_t count, char checksum[32])
{
    uint64_t hash = INLAY_HASH_EMPTY;

    for (size_t i = 0; i < count; i++) {
        const struct inlay_statement *statement = &script->statements[i];
        for (size_t b = 0; b <= statement->length; b++) {
            char c = b < statement->length ? script->text[statement->offset + b] : ';';
            if (c != '\r')
                hash = inlay_hash_add(hash, c);
        }
    }
    snprintf(checksum, 32, "fnv1a64:%016llx", (unsigned long long)hash);
}

bool inlay_progress_init(struct progress *progress, const struct run *run, const struct step *step)
{
    *progress = (struct progress){.step = step, .sql = inlay_sql_progress(&run->request.name)};
    snprintf(progress->version, sizeof progress->version, "%lld",
             (long long)step->migration->version);
    progress->values[0] = progress->version;
    progress->values[1] = progress->done;
    progress->values[2] = progress->checksum;
    progress->values[3] = NULL;
    progress->role[0] = run->known.snapshot.role;
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
    inlay_progress_checksum(progress->step->script, done, progress->checksum);
    messages[0] = (struct message){.sql = "SET LOCAL SESSION AUTHORIZATION DEFAULT"};
    messages[1] = (struct message){.sql = "SELECT pg_catalog.set_config('role', $1, true)",
                                   .parameter_count = 1,
                                   .parameters = progress->role};
    messages[2] = (struct message){.sql = "SET LOCAL lock_timeout = 0"};
    messages[3] = (struct message){.sql = "SET LOCAL statement_timeout = 0"};
    messages[4] = (struct message){
        .sql = progress->sql, .parameter_count = 4, .parameters = progress->values};
}

static const char *write_body(struct progress *progress, size_t done, const struct intent *intent)
{
    char checksum[32];

    if (intent->kind == INTENT_NONE)
        return NULL;
    inlay_progress_checksum(progress->step->script, done + 1, checksum);
    snprintf(progress->body, sizeof progress->body, "%s %zu %s%s%s", intent_words[intent->kind],
             done + 1, checksum, intent->index[0] != '\0' ? " " : "", intent->index);
    return progress->body;
}

int inlay_progress_save(struct progress *progress, struct session *session, size_t done,
                        const struct intent *intent, struct inlay_error *err)
{
    enum { COUNT = PROGRESS_MESSAGES + 2 };
    struct message queries[COUNT] = {{.sql = "BEGIN"}, [COUNT - 1] = {.sql = "COMMIT"}};
    PGresult *results[COUNT] = {0};

    inlay_progress_compose(progress, done, queries + 1);
    progress->values[3] = write_body(progress, done, intent);
    int rc = inlay_query_demand(session, queries, COUNT, results, INLAY_E_FAILED, err);
    inlay_results_clear(results, COUNT);
    progress->values[3] = NULL;
    return rc;
}

static enum intent_kind kind_of_word(const char *word)
{
    for (enum intent_kind kind = INTENT_BEGUN; kind <= INTENT_FAILED; kind++)
        if (strcmp(word, intent_words[kind]) == 0)
            return kind;
    return INTENT_NONE;
}

struct intent inlay_progress_intent(const struct history_progress *row)
{
    struct intent intent = {.kind = INTENT_NONE, .index = ""};
    char word[16];
    long long statement;
    int index = 0;

    if (row->body == NULL)
        return intent;
    if (sscanf(row->body, "%15s %lld %31s %n", word, &statement, intent.checksum, &index) < 3 ||
        kind_of_word(word) == INTENT_NONE)
        return (struct intent){.kind = INTENT_BEGUN, .index = ""};
    /* An older binary moves on without a look at it. */
    if (statement != row->done + 1)
        return intent;
    intent.kind = kind_of_word(word);
    intent.index = row->body + (index > 0 ? (size_t)index : strlen(row->body));
    return intent;
}

bool inlay_progress_unchanged(const struct inlay_script *script, size_t done,
                              const struct intent *intent)
{
    char checksum[32];

    if (done >= script->statement_count)
        return false;
    inlay_progress_checksum(script, done + 1, checksum);
    return strcmp(checksum, intent->checksum) == 0;
}

void inlay_progress_tell(const struct progress *progress, size_t done, const char *rest,
                         struct inlay_error *err)
{
    const struct inlay_script *script = progress->step->script;

    inlay_text_put(err->outcome, sizeof err->outcome,
                   "%s has no transaction: %zu of %zu statements done and kept%s", script->path,
                   done, script->statement_count, rest);
}

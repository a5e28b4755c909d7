#include "apply/transaction/blockers.h"
#include "history/sql.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* What a statement names is found in its beginning or not at all. */
#define STATEMENT_MOST 100000

static const char *text_at(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? "" : PQgetvalue(result, row, column);
}

/* "pid 4711 (psql, in its transaction for 42 s) holds AccessShareLock on public.plans" */
static void describe(const PGresult *result, int row, char *buffer, size_t size)
{
    const char *pid = text_at(result, row, BLOCKER_PID);
    const char *application = text_at(result, row, BLOCKER_APPLICATION);
    const char *age = text_at(result, row, BLOCKER_AGE);
    const char *more = text_at(result, row, BLOCKER_MORE);

    inlay_text_add(buffer, size, "%s", row > 0 ? "; " : "");
    if (pid[0] != '\0')
        inlay_text_add(buffer, size, "pid %s (%s%s", pid, application,
                       application[0] != '\0' ? ", " : "");
    else
        inlay_text_add(buffer, size, "the prepared transaction \"%s\" (", application);
    if (age[0] != '\0')
        inlay_text_add(buffer, size, "in its transaction for %s s)", age);
    else
        inlay_text_add(buffer, size, "of another role)");
    inlay_text_add(buffer, size, " holds %s", text_at(result, row, BLOCKER_LOCK));
    if (more[0] != '0')
        inlay_text_add(buffer, size, " and %s more", more);
}

/* A copy, for the bytes of a statement do not end with a NUL. */
static char *text_of(const struct step *step, const struct inlay_statement *statement)
{
    const char *text = step->script->text;

    if (statement == NULL)
        return inlay_text_new("%s", "");
    size_t most = statement->length < STATEMENT_MOST ? statement->length : STATEMENT_MOST;
    text += statement->offset;
    return inlay_text_new("%.*s", (int)inlay_text_fitting(text, most), text);
}

void inlay_blockers_find(struct run *run, const struct step *step,
                         const struct inlay_statement *statement, char *buffer, size_t size)
{
    char waited[24];
    char *text = text_of(step, statement);
    const char *const parameters[] = {text, waited};
    const struct message query = {
        .sql = inlay_sql_blockers, .parameter_count = 2, .parameters = parameters};
    struct inlay_error ignored;
    PGresult *result = NULL;

    snprintf(waited, sizeof waited, "%lld", (long long)inlay_limit_lock(run, step->script).ms);
    int rc = text == NULL ? INLAY_E_MEMORY
                          : inlay_session_ask(&run->session, &query, 1, &result, &ignored);
    if (rc == INLAY_OK && !inlay_result_failed(result) && PQntuples(result) > 0) {
        buffer[0] = '\0';
        for (int row = 0; row < PQntuples(result); row++)
            describe(result, row, buffer, size);
    }
    PQclear(result);
    free(text);
}

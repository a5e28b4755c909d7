/* Looks at many histories over one connection: the catalogs once for all, then a digest of each in
 * one pipeline, then the rows of those whose digest says nothing yet. */
#include "calls/many/look.h"
#include "calls/many/shapes.h"
#include "history/rows.h"
#include "history/sql.h"
#include "wire/session.h"

#include <stdlib.h>
#include <string.h>

/* What the server may take for one digest, and for all besides. */
#define DIGEST_MS 150
#define TOGETHER_MS 30000

struct together {
    struct survey *survey;
    const struct many_place *places;
    size_t count;
    struct session session;
    struct history_name *names;
    struct form *forms;
    bool *told;
    char **texts; /* that ask for the digests */
    PGresult **digests;
    bool pooled;
};

/* ---- what it needs ---- */

static void together_free(struct together *all)
{
    for (size_t i = 0; all->texts != NULL && i < all->count; i++)
        free(all->texts[i]);
    if (all->digests != NULL)
        inlay_results_clear(all->digests, all->count);
    free(all->names);
    free(all->forms);
    free(all->told);
    free(all->texts);
    free(all->digests);
}

static bool together_init(struct together *all, struct survey *survey,
                          const struct many_place *places, size_t count)
{
    *all = (struct together){.survey = survey, .places = places, .count = count};
    all->names = calloc(count, sizeof *all->names);
    all->forms = calloc(count, sizeof *all->forms);
    all->told = calloc(count, sizeof *all->told);
    all->texts = calloc(count, sizeof *all->texts);
    all->digests = calloc(count, sizeof *all->digests);
    return all->names != NULL && all->forms != NULL && all->told != NULL && all->texts != NULL &&
           all->digests != NULL;
}

/* One whose name cannot be is told so, and left out. */
static void name_all(struct together *all)
{
    struct aim aim;
    struct inlay_error own;

    for (size_t i = 0; i < all->count; i++) {
        int rc =
            inlay_aim(all->survey->set, &all->survey->options, all->places[i].target, &aim, &own);
        if (rc == INLAY_OK)
            rc = inlay_name_parse(aim.options.history != NULL ? aim.options.history
                                                              : all->survey->set->history,
                                  &all->names[i], &own);
        if (rc == INLAY_OK)
            continue;
        all->told[i] = true;
        inlay_survey_tell(all->survey, &all->places[i], false, 0, &own);
    }
}

/* ---- the digests ---- */

static int send_digests(struct together *all, struct message *asked, PGresult **answers,
                        struct inlay_error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < all->count; i++) {
        const struct form *form = &all->forms[i];
        if (all->told[i] || form->odd || !form->history)
            continue;
        all->texts[i] = inlay_digest_sql(&all->names[i], form->state);
        if (all->texts[i] == NULL)
            return inlay_error_memory(err);
        asked[count++] = (struct message){.sql = all->texts[i]};
    }
    if (count == 0)
        return INLAY_OK;
    all->session.answer_ms = TOGETHER_MS + (int64_t)count * DIGEST_MS;
    return inlay_query_ask(&all->session, asked, count, answers, err);
}

static int ask_digests(struct together *all, struct inlay_error *err)
{
    struct message *asked = calloc(all->count + 1, sizeof *asked);
    PGresult **answers = calloc(all->count + 1, sizeof *answers);
    int rc = INLAY_E_MEMORY;

    if (asked == NULL || answers == NULL)
        inlay_error_memory(err);
    else
        rc = send_digests(all, asked, answers, err);
    for (size_t i = 0, at = 0; answers != NULL && i < all->count; i++)
        if (all->texts[i] != NULL)
            all->digests[i] = answers[at++];
    free(asked);
    free(answers);
    return rc;
}

/* ---- the rows ---- */

/* The answers of one transaction, so that the digest is that of the rows. */
enum { READ_BEGIN, READ_DIGEST, READ_ROWS, READ_STATE, READ_COUNT };

static int take_many_rows(struct together *all, size_t i, PGresult *const *results,
                          struct inlay_error *err)
{
    struct history *history = &all->survey->run.known.snapshot.history;
    int rc = inlay_rows_read(results[READ_ROWS], &all->names[i], history, err);

    history->exists = true;
    if (rc == INLAY_OK && all->forms[i].state)
        rc = inlay_rows_read_state(results[READ_STATE], history, err);
    return rc;
}

/* Tells how it stands, unless the rows are such as only the ordinary way can speak of. */
static int judge_many_rows(struct together *all, size_t i, PGresult *const *results,
                           struct inlay_error *err)
{
    struct survey *survey = all->survey;
    struct inlay_error own;

    survey->run.request.name = all->names[i];
    if (take_many_rows(all, i, results, &own) != INLAY_OK)
        return own.code == INLAY_E_MEMORY ? inlay_error_memory(err) : INLAY_OK;
    if (inlay_survey_judge(survey, &own) != INLAY_OK)
        return inlay_error_memory(err);
    size_t pending = survey->run.known.plan.pending;
    if (own.code == INLAY_OK || own.code == INLAY_E_PENDING)
        inlay_seen_add(&survey->seen, PQgetvalue(results[READ_DIGEST], 0, 0), pending, &own);
    inlay_survey_tell(survey, &all->places[i], true, pending, &own);
    all->told[i] = true;
    return INLAY_OK;
}

static int read_many_rows(struct together *all, size_t i, struct inlay_error *err)
{
    const struct history_name *name = &all->names[i];
    char *rows = inlay_sql_rows(name, true);
    char *state = all->forms[i].state ? inlay_sql_state(name, true) : NULL;
    const struct message queries[READ_COUNT] = {
        [READ_BEGIN] = {.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
        [READ_DIGEST] = {.sql = all->texts[i]},
        [READ_ROWS] = {.sql = rows},
        [READ_STATE] = {.sql = state},
    };
    size_t count = all->forms[i].state ? READ_COUNT : READ_STATE;
    PGresult *results[READ_COUNT] = {0};
    int rc = INLAY_E_MEMORY;

    if (rows == NULL || (all->forms[i].state && state == NULL))
        inlay_error_memory(err);
    else
        rc = inlay_query_ask(&all->session, queries, count, results, err);
    if (rc == INLAY_OK && inlay_results_check(results, count, INLAY_E_REFUSED, err) == INLAY_OK)
        rc = judge_many_rows(all, i, results, err);
    inlay_knowledge_forget(&all->survey->run.known);
    inlay_results_clear(results, READ_COUNT);
    inlay_query_rollback(&all->session);
    free(rows);
    free(state);
    return rc;
}

/* ---- all of them ---- */

static int tell_new(struct together *all, size_t i, struct inlay_error *err)
{
    struct survey *survey = all->survey;
    struct inlay_error own;

    survey->run.request.name = all->names[i];
    int rc = inlay_survey_judge(survey, &own);
    if (rc != INLAY_OK)
        return inlay_error_memory(err);
    inlay_survey_tell(survey, &all->places[i], false, survey->run.known.plan.pending, &own);
    inlay_knowledge_forget(&survey->run.known);
    all->told[i] = true;
    return INLAY_OK;
}

/* What is odd, locked or gone meanwhile stays untold. */
static int tell_one(struct together *all, size_t i, struct inlay_error *err)
{
    const struct form *form = &all->forms[i];
    const PGresult *answer = all->digests[i];

    if (all->told[i] || form->odd)
        return INLAY_OK;
    if (!form->history)
        return form->state ? INLAY_OK : tell_new(all, i, err);
    if (answer == NULL || inlay_result_failed(answer))
        return INLAY_OK;
    const struct verdict_seen *seen = inlay_seen_find(&all->survey->seen, PQgetvalue(answer, 0, 0));
    if (seen == NULL)
        return read_many_rows(all, i, err);
    inlay_survey_tell(all->survey, &all->places[i], true, seen->pending, &seen->error);
    all->told[i] = true;
    return INLAY_OK;
}

static int look_connected(struct together *all, struct inlay_error *err)
{
    int rc = inlay_shapes_ask(&all->session, &all->survey->any, all->names, all->count, all->forms,
                              &all->pooled, err);

    if (rc != INLAY_OK || all->pooled)
        return rc;
    rc = ask_digests(all, err);
    for (size_t i = 0; rc == INLAY_OK && i < all->count; i++)
        rc = tell_one(all, i, err);
    return rc;
}

static bool ends_call(int rc)
{
    return rc == INLAY_E_STOPPED || rc == INLAY_E_MEMORY;
}

/* What was not told together: one by one. Where a connection fails, so do the others. */
static int look_alone(struct together *all, struct inlay_error *err)
{
    struct inlay_error own = {.code = INLAY_OK};

    for (size_t i = 0; i < all->count; i++) {
        if (all->told[i])
            continue;
        if (own.code == INLAY_E_CONNECTION)
            inlay_survey_tell(all->survey, &all->places[i], false, 0, &own);
        else if (ends_call(inlay_survey_alone(all->survey, &all->places[i], &own)))
            return inlay_error_give(own.code, &own, err);
    }
    return INLAY_OK;
}

static void tell_untold(const struct together *all, const struct inlay_error *err)
{
    for (size_t i = 0; i < all->count; i++)
        if (!all->told[i])
            inlay_survey_tell(all->survey, &all->places[i], false, 0, err);
}

static int look_all(struct together *all, bool *away, struct inlay_error *err)
{
    struct inlay_options options = all->survey->options;
    const char *conninfo = all->places[0].target->conninfo;

    name_all(all);
    options.conninfo = conninfo != NULL ? conninfo : options.conninfo;
    int rc = inlay_session_open(&all->session, &options, options.connect_wait_ms, err);
    *away = rc != INLAY_OK && !ends_call(rc);
    if (rc == INLAY_OK)
        rc = look_connected(all, err);
    inlay_session_close(&all->session);
    if (*away)
        tell_untold(all, err);
    if (*away || ends_call(rc))
        return rc;
    return look_alone(all, err);
}

int inlay_look_together(struct survey *survey, const struct many_place *places, size_t count,
                        bool *away, struct inlay_error *err)
{
    struct together all;
    int rc = INLAY_E_MEMORY;

    *away = false;
    if (together_init(&all, survey, places, count))
        rc = look_all(&all, away, err);
    else
        inlay_error_memory(err);
    together_free(&all);
    return rc;
}

#include "history/down_script.h"
#include "history/sql.h"
#include "run/run.h"

#include <stdio.h>
#include <stdlib.h>

bool inlay_keep_init(struct keep_texts *texts, const struct history_name *name)
{
    *texts = (struct keep_texts){.sql = {inlay_sql_keep_down(name), inlay_sql_forget_down(name)}};
    return texts->sql[0] != NULL && texts->sql[1] != NULL;
}

void inlay_keep_finish(struct keep_texts *texts)
{
    free(texts->sql[0]);
    free(texts->sql[1]);
}

/* Where both directions stand in one file, the way back is its end: whoever hands what we store to
 * psql must not go up first. */
static const char *own_text(const struct inlay_migration *migration)
{
    const struct inlay_script *down = &migration->down;

    return down->text == migration->up.text && down->statement_count > 0
               ? down->text + down->statements[0].offset
               : down->text;
}

void inlay_keep_compose(struct keep_texts *texts, enum keep keep, int64_t version,
                        const struct inlay_migration *migration, struct message *message)
{
    bool store = keep == KEEP_STORE;

    snprintf(texts->version, sizeof texts->version, "%lld", (long long)version);
    texts->values[0] = texts->version;
    texts->values[1] = store ? migration->sha256 : NULL;
    texts->values[2] = store ? own_text(migration) : NULL;
    *message = (struct message){
        .sql = texts->sql[!store], .parameter_count = store ? 3 : 1, .parameters = texts->values};
}

/* ---- reading ---- */

/* What the public struct points into: the caller gets its first member. */
struct owned_down {
    struct inlay_kept_down kept;
    struct run run;
    PGresult *result;
};

static int refuse_missing(const struct run *run, int64_t version, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "no down script of version %lld is stored in %s",
                    (long long)version, run->name.quoted_state);
    err->version = version;
    inlay_text_put(err->hint, sizeof err->hint,
                   "a program stores it with the migration if it is built with inlay embed "
                   "--keep-down or run with --migrate-keep-down");
    return err->code;
}

static int take_row(struct owned_down *owned, int64_t version, struct inlay_error *err)
{
    if (inlay_result_failed(owned->result))
        return inlay_result_error(owned->result, INLAY_E_REFUSED, err);
    if (PQntuples(owned->result) == 0 || inlay_result_text(owned->result, 0, 0) == NULL)
        return refuse_missing(&owned->run, version, err);
    owned->kept = (struct inlay_kept_down){.version = version,
                                           .text = inlay_result_text(owned->result, 0, 0),
                                           .checksum = inlay_result_text(owned->result, 0, 1),
                                           .kept_at = inlay_result_text(owned->result, 0, 2)};
    for (size_t i = 0; i < owned->run.plan.count; i++)
        if (owned->run.plan.entries[i].version == version && owned->run.plan.entries[i].row != NULL)
            owned->kept.name = owned->run.plan.entries[i].row->name;
    return INLAY_OK;
}

static int ask(struct owned_down *owned, int64_t version, struct inlay_error *err)
{
    char key[24];
    const char *const parameters[] = {key};
    char *sql = inlay_sql_kept_down(&owned->run.name);
    const struct message query = {.sql = sql, .parameter_count = 1, .parameters = parameters};

    if (sql == NULL)
        return inlay_error_memory(err);
    snprintf(key, sizeof key, "%lld", (long long)version);
    int rc = inlay_session_ask(&owned->run.session, &query, 1, &owned->result, err);
    if (rc == INLAY_OK)
        rc = take_row(owned, version, err);
    free(sql);
    return rc;
}

static int read_down(struct owned_down *owned, int64_t version, struct inlay_error *err)
{
    struct run *run = &owned->run;
    int rc = inlay_run_connect(run, run->options.connect_wait_ms, err);

    if (rc == INLAY_OK)
        rc = inlay_run_look(run, LOOK_ONLY, err);
    if (rc == INLAY_OK)
        rc = run->look.state_shape.exists ? ask(owned, version, err)
                                          : refuse_missing(run, version, err);
    return inlay_run_disconnect(run, rc, err);
}

int inlay_kept_down_read(const struct inlay_set *set, const struct inlay_options *options,
                         int64_t version, struct inlay_kept_down **kept, struct inlay_error *err)
{
    struct owned_down *owned = calloc(1, sizeof *owned);
    struct inlay_error own;

    inlay_error_clear(&own);
    if (owned == NULL)
        return inlay_error_give(inlay_error_memory(&own), &own, err);
    int rc = inlay_run_begin(&owned->run, set, options, &own);
    if (rc == INLAY_OK)
        rc = read_down(owned, version, &own);
    if (rc == INLAY_OK)
        *kept = &owned->kept;
    else
        inlay_kept_down_free(&owned->kept);
    return inlay_error_give(rc, &own, err);
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

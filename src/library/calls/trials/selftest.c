/* inlay_selftest: every migration goes up, down and up again on an empty database. */
#include "base/clock.h"
#include "base/log.h"
#include "calls/migrate.h"
#include "calls/trials/schema.h"
#include "run/prepare.h"

#include <inlay-admin.h>

struct selftest {
    struct run run;
    PGresult *base; /* the schema below the migrations that can be undone together */
    PGresult *now;
    size_t above; /* migrations above `base` */
    size_t tested;
    size_t untested;
};

static bool has_down(const struct inlay_migration *migration)
{
    return migration->down.text != NULL || migration->down.function != NULL;
}

/* ---- what must hold ---- */

static int refuse_filled(const char *database, const char *object, size_t count,
                         struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "database %s is not empty: %zu object%s, the first is %s",
                    database, count, count == 1 ? "" : "s", object);
    inlay_text_put(err->hint, sizeof err->hint,
                   "a self-test drops what it finds; give it a database that was made for it "
                   "(CREATE DATABASE) and is thrown away afterwards");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was run");
    return err->code;
}

static int check_empty(struct run *run, struct inlay_error *err)
{
    PGresult *lines = NULL;
    int rc = inlay_schema_read(&run->connection.session, &lines, err);

    if (rc == INLAY_OK) {
        size_t count;
        const char *object = inlay_schema_first(lines, &count);
        if (object != NULL)
            rc = refuse_filled(run->known.snapshot.database, object, count, err);
    }
    PQclear(lines);
    return rc;
}

static int check_downs(const struct request *request, struct inlay_error *err)
{
    char versions[256] = "";
    size_t missing = 0;

    for (size_t i = 0; i < request->set->migration_count; i++)
        if (!has_down(&request->set->migrations[i]) && missing++ < 20)
            inlay_text_add(versions, sizeof versions, "%s%lld", missing > 1 ? ", " : "",
                           (long long)request->set->migrations[i].version);
    if (missing == 0 || request->options.skip_missing_down)
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_REFUSED, "%zu of %zu migrations have no down script: %s%s",
                    missing, request->set->migration_count, versions, missing > 20 ? " ..." : "");
    inlay_text_put(err->hint, sizeof err->hint,
                   "write them, or test the others alone: --migrate-skip-missing-down");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was run");
    return err->code;
}

/* ---- going ---- */

/* Going back is never tried again where the connection was lost, and neither is a test. */
static int go(struct run *run, const struct goal *goal, struct inlay_error *err)
{
    const struct goal edit = run->request.goal;
    int rc = inlay_run_look(run, SNAPSHOT_ONLY, err);

    run->request.goal.kind = goal->kind;
    run->request.goal.version = goal->version;
    run->request.goal.count = goal->count;
    if (rc == INLAY_OK)
        rc = inlay_migrate_work(run, NULL, err);
    run->request.goal = edit;
    return rc;
}

/* Goes somewhere and puts the schema there in the place of `*lines`. */
static int go_and_read(struct run *run, struct goal goal, PGresult **lines, struct inlay_error *err)
{
    int rc = go(run, &goal, err);

    PQclear(*lines);
    *lines = NULL;
    return rc == INLAY_OK ? inlay_schema_read(&run->connection.session, lines, err) : rc;
}

/* ---- comparing ---- */

static void blame_one(const struct inlay_set *set, const struct inlay_migration *migration,
                      bool down, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_FAILED,
                    down ? "the down script of version %lld (%s) does not lead back to the schema "
                           "before it"
                         : "version %lld (%s) makes another schema when it is applied again",
                    (long long)migration->version, migration->name);
    err->version = migration->version;
    inlay_error_file(err, set, down ? &migration->down : &migration->up);
}

static int compare_schemas(const struct request *request, const struct inlay_migration *newest,
                           size_t count, bool down, const PGresult *before, const PGresult *now,
                           struct inlay_error *err)
{
    size_t lines = inlay_schema_compare(before, now, &request->options);

    if (lines == 0)
        return INLAY_OK;
    if (count == 1)
        blame_one(request->set, newest, down, err);
    else
        inlay_error_set(err, INLAY_E_FAILED,
                        down ? "undone together, the newest %zu migrations do not lead back to the "
                               "schema before them"
                             : "the newest %zu migrations make another schema when they are "
                               "applied again",
                        count);
    inlay_text_put(err->detail, sizeof err->detail,
                   "%zu line%s of the schema differ%s: - as it was, + as it is now", lines,
                   lines == 1 ? "" : "s", lines == 1 ? "s" : "");
    inlay_text_put(err->outcome, sizeof err->outcome, "the database is left as it is now");
    return err->code;
}

/* From the newest `count` migrations down to the schema below them, and up to where we are. */
static int round_trip(struct selftest *test, const struct inlay_migration *newest, size_t count,
                      const PGresult *below, struct inlay_error *err)
{
    struct run *run = &test->run;
    const struct goal down = {.kind = GOAL_DOWN, .count = count};
    const struct goal up = {.kind = GOAL_TO, .version = newest->version};
    PGresult *lines = NULL;
    int rc = go_and_read(run, down, &lines, err);

    if (rc == INLAY_OK)
        rc = compare_schemas(&run->request, newest, count, true, below, lines, err);
    if (rc == INLAY_OK)
        rc = go_and_read(run, up, &lines, err);
    if (rc == INLAY_OK)
        rc = compare_schemas(&run->request, newest, count, false, test->now, lines, err);
    PQclear(lines);
    return rc;
}

static int test_migration(struct selftest *test, const struct inlay_migration *migration,
                          struct inlay_error *err)
{
    const struct goal up = {.kind = GOAL_TO, .version = migration->version};
    bool back = has_down(migration);
    PGresult *below = test->now;

    test->now = NULL;
    int rc = go_and_read(&test->run, up, &test->now, err);
    if (rc == INLAY_OK && back)
        rc = round_trip(test, migration, 1, below, err);
    PQclear(below);
    if (rc != INLAY_OK)
        return rc;
    inlay_log(&test->run.request.options, INLAY_LOG_INFO,
              back ? "%s: up, down, up" : "%s: up; not tested, it has no down script",
              migration->up.path);
    if (back) {
        test->tested++;
        test->above++;
        return INLAY_OK;
    }
    test->untested++;
    test->above = 0;
    PQclear(test->base);
    return inlay_schema_read(&test->run.connection.session, &test->base, err);
}

static int test_versions(struct selftest *test, const struct inlay_set *set,
                         struct inlay_error *err)
{
    int rc = inlay_schema_read(&test->run.connection.session, &test->base, err);

    if (rc == INLAY_OK)
        rc = inlay_schema_read(&test->run.connection.session, &test->now, err);
    for (size_t i = 0; rc == INLAY_OK && i < set->migration_count; i++)
        rc = test_migration(test, &set->migrations[i], err);
    if (rc == INLAY_OK && test->above > 1)
        rc = round_trip(test, &set->migrations[set->migration_count - 1], test->above, test->base,
                        err);
    return rc;
}

/* Repeatables have no way back: they run once, at the end. */
static int test_all(struct selftest *test, struct inlay_error *err)
{
    const struct inlay_set *set = test->run.request.set;
    struct inlay_set versioned = *set;

    versioned.repeatables = NULL;
    versioned.repeatable_count = 0;
    test->run.request.set = &versioned;
    int rc = test_versions(test, &versioned, err);
    test->run.request.set = set;
    return rc == INLAY_OK ? go(&test->run, &(struct goal){.kind = GOAL_UP}, err) : rc;
}

static int selftest_work(struct run *run, void *context, struct inlay_error *err)
{
    struct selftest *test = context;

    run->connection.keeps_lock = true; /* there are several goals */
    int rc = check_downs(&run->request, err);
    if (rc == INLAY_OK)
        rc = check_empty(run, err);
    if (rc == INLAY_OK)
        rc = inlay_prepare(run, err);
    return rc == INLAY_OK ? test_all(test, err) : rc;
}

int inlay_selftest(const struct inlay_set *set, const struct inlay_options *options,
                   struct inlay_selftest_result *result, struct inlay_error *err)
{
    struct selftest test = {0};
    const struct task task = {.work = selftest_work, .context = &test};
    struct inlay_error own;

    inlay_error_clear(&own);
    int rc = inlay_run_begin(&test.run, set, options, &own);
    test.run.request.goal =
        (struct goal){.kind = GOAL_NONE,
                      .skip_missing_down = test.run.request.options.skip_missing_down,
                      .keep_down = test.run.request.options.keep_down};
    if (rc == INLAY_OK)
        rc = inlay_pursue_until_done(&test.run, &task, &own);
    PQclear(test.base);
    PQclear(test.now);
    if (rc == INLAY_OK && result != NULL)
        *result = (struct inlay_selftest_result){.tested = test.tested,
                                                 .untested = test.untested,
                                                 .elapsed_ms =
                                                     inlay_clock_ms() - test.run.report.begun_at};
    return inlay_error_give(rc, &own, err);
}

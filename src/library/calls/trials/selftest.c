/* inlay_selftest: every migration goes up, down and up again on an empty database. */
#include "base/clock.h"
#include "base/log.h"
#include "calls/migrate.h"
#include "run/look.h"
#include "run/prepare.h"
#include "schema/compare.h"
#include "schema/read.h"

#include <inlay-admin.h>

#include <stdlib.h>
#include <string.h>

/* Nobody else has such a database. */
enum { LOCK_MS = 10000 };

struct selftest {
    struct run run;
    char *base; /* the schema below the migrations that can be undone together */
    char *now;
    size_t above; /* migrations above `base` */
    size_t tested;
    size_t untested;
};

static bool has_down(const struct inlay_migration *migration)
{
    return migration->down.text != NULL || migration->down.function != NULL;
}

/* ---- what must hold ---- */

static int refuse_filled(const char *database, size_t count, const char *first, size_t length,
                         struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED,
                    "database %s is not empty: %zu object%s, the first is %.*s", database, count,
                    count == 1 ? "" : "s", (int)length, first);
    inlay_text_put(err->hint, sizeof err->hint,
                   "a self-test drops what it finds; give it a database that was made for it "
                   "(CREATE DATABASE) and is thrown away afterwards");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was run");
    return err->code;
}

/* The text leaves the history's own tables out. */
static int check_empty(struct selftest *test, struct inlay_error *err)
{
    struct run *run = &test->run;
    char first[256];
    char *text = NULL;
    int rc = inlay_schema_text(&run->connection.session, &run->request.name, LOCK_MS, &text, err);

    if (rc == INLAY_OK && run->known.snapshot.history.exists) {
        inlay_text_put(first, sizeof first, "table %s", run->request.name.text);
        rc = refuse_filled(run->known.snapshot.database, 1, first, strlen(first), err);
    } else if (rc == INLAY_OK) {
        const char *object = NULL;
        size_t length = 0;
        size_t count = inlay_schema_count(text, &object, &length);
        if (count > 0)
            rc = refuse_filled(run->known.snapshot.database, count, object, length, err);
    }
    free(text);
    return rc;
}

static int check_downs(const struct request *request, struct inlay_error *err)
{
    char versions[256] = "";
    size_t missing = 0;

    for (size_t i = 0; i < request->set->migration_count; i++)
        if (!has_down(inlay_set_migration(request->set, i)) && missing++ < 20)
            inlay_text_add(versions, sizeof versions, "%s%lld", missing > 1 ? ", " : "",
                           (long long)inlay_set_migration(request->set, i)->version);
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
static int go(struct selftest *test, const struct goal *goal, struct inlay_error *err)
{
    struct run *run = &test->run;
    const struct goal edit = run->request.goal;
    int rc = inlay_run_look(run, NULL, SNAPSHOT_ONLY, err);

    run->request.goal.kind = goal->kind;
    run->request.goal.version = goal->version;
    run->request.goal.count = goal->count;
    if (rc == INLAY_OK)
        rc = inlay_migrate_work(run, NULL, err);
    run->request.goal = edit;
    return rc;
}

/* Puts the schema in the place of `*text`. */
static int read_schema(struct selftest *test, char **text, struct inlay_error *err)
{
    free(*text);
    return inlay_schema_text(&test->run.connection.session, &test->run.request.name, LOCK_MS, text,
                             err);
}

/* Goes somewhere and puts the schema there in the place of `*text`. */
static int go_and_read(struct selftest *test, struct goal goal, char **text,
                       struct inlay_error *err)
{
    int rc = go(test, &goal, err);

    return rc == INLAY_OK ? read_schema(test, text, err) : rc;
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

struct shown {
    const struct inlay_options *options;
    size_t objects;
    size_t lines;
};

static void log_line(struct shown *shown, char sign, const char *object, const char *line,
                     size_t length)
{
    enum { SHOWN = 20 };

    if (shown->lines++ < SHOWN)
        inlay_log(shown->options, INLAY_LOG_INFO, "%c %s%s%.*s%s", sign, object,
                  length > 0 ? ": " : "", (int)length, line,
                  sign == '~' ? ", in another order" : "");
}

/* "- table public.t", "+ table public.t: name text": as it was, and as it is now. */
static bool log_difference(void *context, enum schema_change change, const char *object,
                           const char *lines)
{
    struct shown *shown = context;

    shown->objects++;
    if (change != SCHEMA_DIFFERENT)
        log_line(shown, change == SCHEMA_MISSING ? '-' : '+', object, "", 0);
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        size_t blanks = 2 + strspn(lines + 2, " ");
        log_line(shown, lines[0], object, lines + blanks, length > blanks ? length - blanks : 0);
        lines += length + 1;
    }
    return true;
}

static int compare_schemas(const struct request *request, const struct inlay_migration *newest,
                           size_t count, bool down, const char *before, const char *now,
                           struct inlay_error *err)
{
    struct shown shown = {.options = &request->options};
    const struct schema_comparison comparison = {
        .before = before, .now = now, .tell = log_difference, .context = &shown};
    int rc = inlay_schema_compare(&comparison, err);

    if (rc != INLAY_OK || shown.objects == 0)
        return rc;
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
                   "%zu object%s of the schema differ%s: - as it was, + as it is now",
                   shown.objects, shown.objects == 1 ? "" : "s", shown.objects == 1 ? "s" : "");
    inlay_text_put(err->outcome, sizeof err->outcome, "the database is left as it is now");
    return err->code;
}

/* From the newest `count` migrations down to the schema below them, and up to where we are. */
static int round_trip(struct selftest *test, const struct inlay_migration *newest, size_t count,
                      const char *below, struct inlay_error *err)
{
    const struct request *request = &test->run.request;
    const struct goal down = {.kind = GOAL_DOWN, .count = count};
    const struct goal up = {.kind = GOAL_TO, .version = newest->version};
    char *lines = NULL;
    int rc = go_and_read(test, down, &lines, err);

    if (rc == INLAY_OK)
        rc = compare_schemas(request, newest, count, true, below, lines, err);
    if (rc == INLAY_OK)
        rc = go_and_read(test, up, &lines, err);
    if (rc == INLAY_OK)
        rc = compare_schemas(request, newest, count, false, test->now, lines, err);
    free(lines);
    return rc;
}

static int test_migration(struct selftest *test, const struct inlay_migration *migration,
                          struct inlay_error *err)
{
    const struct goal up = {.kind = GOAL_TO, .version = migration->version};
    bool back = has_down(migration);
    char *below = test->now;

    test->now = NULL;
    int rc = go_and_read(test, up, &test->now, err);
    if (rc == INLAY_OK && back)
        rc = round_trip(test, migration, 1, below, err);
    free(below);
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
    return read_schema(test, &test->base, err);
}

static int test_versions(struct selftest *test, const struct inlay_set *set,
                         struct inlay_error *err)
{
    int rc = read_schema(test, &test->base, err);

    if (rc == INLAY_OK)
        rc = read_schema(test, &test->now, err);
    for (size_t i = 0; rc == INLAY_OK && i < set->migration_count; i++)
        rc = test_migration(test, inlay_set_migration(set, i), err);
    if (rc == INLAY_OK && test->above > 1)
        rc = round_trip(test, inlay_set_migration(set, set->migration_count - 1), test->above,
                        test->base, err);
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
    return rc == INLAY_OK ? go(test, &(struct goal){.kind = GOAL_UP}, err) : rc;
}

static int selftest_work(struct run *run, void *context, struct inlay_error *err)
{
    struct selftest *test = context;

    run->connection.keeps_lock = true; /* there are several goals */
    int rc = check_downs(&run->request, err);
    if (rc == INLAY_OK)
        rc = check_empty(test, err);
    if (rc == INLAY_OK)
        rc = inlay_prepare(&run->connection.session, &run->request, &run->known, err);
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
    free(test.base);
    free(test.now);
    if (rc == INLAY_OK && result != NULL)
        *result = (struct inlay_selftest_result){.tested = test.tested,
                                                 .untested = test.untested,
                                                 .elapsed_ms =
                                                     inlay_clock_ms() - test.run.report.begun_at};
    return inlay_error_give(rc, &own, err);
}

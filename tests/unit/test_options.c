/* Sets and options that make no sense: each call refuses them before it connects. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/run.h"
#include <inlay-admin.h>

/* A connection string that would fail in another way if anybody tried it. */
#define NOWHERE "host=/nowhere/at/all"

/* One with all that it needs. */
#define MIGRATION(number, named)                                                                   \
    {                                                                                              \
        .version = (number), .name = (named), .sha256 = "", .body = "", .up = {                    \
            .text = "",                                                                            \
            .path = ""                                                                             \
        }                                                                                          \
    }

static const struct inlay_migration one[] = {MIGRATION(1, "a")};

static const struct inlay_set good = {.abi = INLAY_SET_ABI,
                                      .directory = "migrations",
                                      .history = "public.applied_migrations",
                                      .digest = "",
                                      .migrations = one,
                                      .migration_count = 1};

static void assert_begins(const struct inlay_set *set, const struct inlay_options *options)
{
    struct inlay_error err;
    struct run run;

    assert_int_equal(inlay_run_begin(&run, set, options, &err), INLAY_OK);
    assert_ptr_equal(run.request.set, set);
    assert_int_equal(run.request.options.size, sizeof(struct inlay_options));
    inlay_run_end(&run);
}

static const struct inlay_set *given_set;
static const struct inlay_options *given_options;
static struct inlay_result untouched_result;
static struct inlay_status *untouched_status;

/* Every call that takes a set and options. */
static int call(size_t which, struct inlay_error *err)
{
    const struct inlay_set *set = given_set;
    const struct inlay_options *options = given_options;

    switch (which) {
    case 0:
        return inlay_check(set, options, err);
    case 1:
        return inlay_status_read(set, options, &untouched_status, err);
    case 2:
        return inlay_migrate(set, options, &untouched_result, err);
    case 3:
        return inlay_migrate_to(set, options, 1, &untouched_result, err);
    case 4:
        return inlay_undo(set, options, 1, &untouched_result, err);
    case 5:
        return inlay_undo_batch(set, options, &untouched_result, err);
    case 6:
        return inlay_redo(set, options, &untouched_result, err);
    case 7:
        return inlay_baseline(set, options, 1, err);
    case 8:
        return inlay_mark(set, options, 1, err);
    case 9:
        return inlay_unmark(set, options, 1, err);
    default:
        return inlay_accept(set, options, 1, err);
    }
}

enum { CALLS = 11 };

static void assert_refused(const struct inlay_set *set, const struct inlay_options *options,
                           const char *message)
{
    struct inlay_status somewhere;

    given_set = set;
    given_options = options;
    untouched_status = &somewhere;
    untouched_result = (struct inlay_result){.applied = 77};
    for (size_t i = 0; i < CALLS; i++) {
        struct inlay_error err;
        memset(&err, 'x', sizeof err);
        assert_int_equal(call(i, &err), INLAY_E_ARGUMENT);
        assert_int_equal(err.code, INLAY_E_ARGUMENT);
        assert_string_equal(err.message, message);
        assert_int_equal(err.version, -1);
        assert_int_equal(call(i, NULL), INLAY_E_ARGUMENT);
    }
    assert_int_equal(untouched_result.applied, 77);
    assert_ptr_equal(untouched_status, &somewhere);
}

static void takes_every_set_that_is_ascending(void **state)
{
    (void)state;
    static const struct inlay_migration ends[] = {MIGRATION(0, "a"), MIGRATION(INT64_MAX, "b")};
    struct inlay_set set = good;

    assert_begins(&set, NULL);
    set.migrations = NULL;
    set.migration_count = 0;
    assert_begins(&set, NULL);
    set.migrations = ends;
    set.migration_count = 2;
    assert_begins(&set, NULL);
}

static void refuses_no_set(void **state)
{
    (void)state;
    assert_refused(NULL, NULL, "there is no set of migrations");
}

static void refuses_a_set_of_another_abi(void **state)
{
    (void)state;
    struct inlay_set set = good;
    char message[128];

    for (uint32_t abi = 0; abi < 5; abi++) {
        if (abi == INLAY_ABI)
            continue;
        set.abi = abi;
        snprintf(message, sizeof message,
                 "the set was embedded for ABI %u, this library has ABI %d: build both from one "
                 "version",
                 abi, INLAY_ABI);
        assert_refused(&set, NULL, message);
    }
}

/* Written by hand with the number alone. */
static void refuses_a_set_without_its_sizes(void **state)
{
    (void)state;
    static const struct inlay_statement statements[] = {{0}};
    static const struct inlay_settings settings = {0};
    static const char message[] = "the set lacks its sizes: write INLAY_SET_ABI";
    struct inlay_migration row[] = {MIGRATION(1, "a")};
    struct inlay_set set = good;

    set.size = offsetof(struct inlay_set, reserved);
    assert_refused(&set, NULL, message);
    set = good;
    set.migration_size = offsetof(struct inlay_migration, verify);
    assert_refused(&set, NULL, message);
    set = good;
    set.range_size = 0;
    assert_refused(&set, NULL, message);
    set = good;
    set.migrations = row;
    row[0].up.statements = statements;
    row[0].up.statement_count = 1;
    assert_refused(&set, NULL, "set.migrations[0].up lacks its sizes: write INLAY_SCRIPT_SIZES");
    row[0].up.statement_size = sizeof statements[0];
    assert_begins(&set, NULL);
    row[0].down = row[0].up;
    row[0].down.settings = &settings;
    assert_refused(&set, NULL, "set.migrations[0].down lacks its sizes: write INLAY_SCRIPT_SIZES");
}

/* What is more than this library has members for; test_rules_abi.py has the rest. */
static void refuses_options_that_it_does_not_know(void **state)
{
    (void)state;
    static const char message[] = "options says what this library (" INLAY_VERSION
                                  ") does not know: build program and library from one version, or "
                                  "unset it";
    struct {
        struct inlay_options options;
        char more[8];
    } newer = {.options.size = sizeof newer};

    assert_begins(&good, &newer.options);
    newer.more[7] = 1;
    assert_refused(&good, &newer.options, message);
    newer.more[7] = 0;
    newer.options.reserved[2] = true;
    assert_refused(&good, &newer.options, message);
    newer.options.reserved[2] = false;
    newer.options.size = 65537;
    assert_refused(&good, &newer.options,
                   "options.size is 65537: set it to sizeof(struct inlay_options)");
}

static void refuses_a_set_that_is_not_ascending(void **state)
{
    (void)state;
    static const struct inlay_migration down[] = {MIGRATION(1, "a"), MIGRATION(3, "b"),
                                                  MIGRATION(2, "c")};
    static const struct inlay_migration twice[] = {MIGRATION(7, "a"), MIGRATION(7, "b")};
    static const struct inlay_migration negative[] = {MIGRATION(-1, "a"), MIGRATION(1, "b")};
    struct inlay_set set = good;

    set.migrations = down;
    set.migration_count = 3;
    assert_refused(&set, NULL, "the set is not ascending at version 2");
    set.migrations = twice;
    set.migration_count = 2;
    assert_refused(&set, NULL, "the set is not ascending at version 7");
    set.migrations = negative;
    assert_refused(&set, NULL, "the set is not ascending at version -1");
}

static void refuses_repeatables_that_are_not_ascending(void **state)
{
    (void)state;
    static const char message[] = "the repeatables of the set are not ascending by name";
    static const struct inlay_migration down[] = {MIGRATION(INLAY_REPEATABLE, "b"),
                                                  MIGRATION(INLAY_REPEATABLE, "a")};
    static const struct inlay_migration twice[] = {MIGRATION(INLAY_REPEATABLE, "a"),
                                                   MIGRATION(INLAY_REPEATABLE, "a")};
    struct inlay_set set = good;

    set.repeatable_count = 2;
    set.repeatables = down;
    assert_refused(&set, NULL, message);
    set.repeatables = twice;
    assert_refused(&set, NULL, message);
}

/* A set that was written by hand, and none of its members may be missing. */
static void refuses_a_set_with_a_hole(void **state)
{
    (void)state;
    static const struct inlay_statement statements[] = {{0}};
    static const struct inlay_range unknown = {.first = 1, .last = 2};
    static const struct inlay_range hole = {.first = 1, .last = 2, .version_count = 2};
    struct inlay_migration two[] = {MIGRATION(1, "a"), MIGRATION(2, "b")};
    struct inlay_set set = good;

    set.migrations = NULL;
    assert_refused(&set, NULL, "set.migrations is NULL");
    set.migrations = two;
    set.migration_count = 2;
    assert_begins(&set, NULL);
    two[1].name = NULL;
    assert_refused(&set, NULL, "set.migrations[1].name is NULL");
    two[1] = (struct inlay_migration){.version = 2, .name = "b", .up = {.text = "", .path = ""}};
    assert_refused(&set, NULL, "set.migrations[1].sha256 is NULL");
    two[1] = one[0];
    two[1].version = 2;
    two[1].up.path = NULL;
    assert_refused(&set, NULL, "set.migrations[1].up.path is NULL");
    two[1].up = (struct inlay_script){.path = ""};
    assert_refused(&set, NULL, "set.migrations[1].up.text is NULL");
    two[1].up = (struct inlay_script){
        .path = "", .text = "", .statement_count = 1, .statement_size = sizeof statements[0]};
    assert_refused(&set, NULL, "set.migrations[1].up.statements is NULL");
    two[1].up.statements = statements;
    two[1].down.text = "";
    assert_refused(&set, NULL, "set.migrations[1].down.path is NULL");
    two[1].down = (struct inlay_script){
        .path = "", .text = "", .statement_count = 1, .statement_size = sizeof statements[0]};
    assert_refused(&set, NULL, "set.migrations[1].down.statements is NULL");
    two[1].down = (struct inlay_script){.path = ""}; /* there is none */
    two[1].replaces = &unknown;
    assert_begins(&set, NULL);
    two[1].replaces = &hole;
    assert_refused(&set, NULL, "set.migrations[1].replaces->versions is NULL");
    set = good;
    set.repeatable_count = 1;
    assert_refused(&set, NULL, "set.repeatables is NULL");
    set = good;
    set.history = NULL;
    assert_refused(&set, NULL, "set.history is NULL");
    set = good;
    set.directory = NULL;
    assert_refused(&set, NULL, "set.directory is NULL");
    set = good;
    set.digest = NULL;
    assert_refused(&set, NULL, "set.digest is NULL");
    assert_null(inlay_set_find(NULL, 1));
    set.migrations = NULL;
    assert_null(inlay_set_find(&set, 1));
}

static void refuses_to_read_into_nothing(void **state)
{
    (void)state;
    const struct inlay_options options = {.size = sizeof options, .conninfo = NOWHERE};
    static const char end[] = " is NULL: there is nowhere to put the result";
    struct inlay_error err;

    assert_int_equal(inlay_status_read(&good, &options, NULL, &err), INLAY_E_ARGUMENT);
    assert_memory_equal(err.message, "status", 6);
    assert_string_equal(err.message + 6, end);
    assert_int_equal(inlay_kept_down_read(&good, &options, 1, NULL, &err), INLAY_E_ARGUMENT);
    assert_memory_equal(err.message, "kept", 4);
    assert_string_equal(err.message + 4, end);
    assert_int_equal(inlay_contents_read(&good, &options, NULL, &err), INLAY_E_ARGUMENT);
    assert_memory_equal(err.message, "contents", 8);
    assert_string_equal(err.message + 8, end);
    assert_int_equal(inlay_status_read(&good, &options, NULL, NULL), INLAY_E_ARGUMENT);
    assert_int_equal(inlay_adopt(&good, &options, NULL, NULL), INLAY_E_ARGUMENT);
    assert_int_equal(inlay_reset(&good, &options, NULL, NULL, NULL), INLAY_E_CONNECTION);
}

static void refuses_options_without_a_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, offsetof(struct inlay_options, conninfo) - 1};
    struct inlay_options options = {.conninfo = NOWHERE};
    char message[128];

    for (size_t i = 0; i < COUNT(sizes); i++) {
        options.size = sizes[i];
        snprintf(message, sizeof message,
                 "options.size is %zu: set it to sizeof(struct inlay_options)", sizes[i]);
        assert_refused(&good, &options, message);
    }
}

/* Memory of exactly `size` bytes, so that a sanitizer sees a byte read too many. */
static struct inlay_options *options_of(size_t size)
{
    struct inlay_options *options = malloc(size);

    assert_non_null(options);
    memset(options, 0, size);
    memcpy(options, &size, sizeof size);
    return options;
}

/* A program that was built when the struct had fewer fields: the others have their defaults. */
static void an_older_caller_gets_the_defaults(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        offsetof(struct inlay_options, conninfo),     offsetof(struct inlay_options, history),
        offsetof(struct inlay_options, lock_wait_ms), offsetof(struct inlay_options, strict),
        offsetof(struct inlay_options, pooler),       offsetof(struct inlay_options, log),
        offsetof(struct inlay_options, user),         sizeof(struct inlay_options)};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct inlay_options *options = options_of(sizes[i]);
        struct inlay_error err;
        struct run run;
        memset(&run, 'x', sizeof run);
        if (sizes[i] > offsetof(struct inlay_options, lock_wait_ms))
            options->lock_wait_ms = 1234;
        assert_int_equal(inlay_run_begin(&run, &good, options, &err), INLAY_OK);
        assert_int_equal(run.request.options.size, sizeof(struct inlay_options));
        assert_int_equal(run.request.options.lock_wait_ms,
                         sizes[i] > offsetof(struct inlay_options, lock_wait_ms) ? 1234 : 0);
        assert_null(run.request.options.conninfo);
        assert_null(run.request.options.user);
        assert_null(run.request.options.log);
        assert_int_equal(run.request.options.pooler, INLAY_POOLER_REFUSE);
        assert_false(run.request.options.strict);
        inlay_run_end(&run);
        free(options);
    }
}

/* A program that was built for a later library: what it sets beyond our end is not ours. */
static void a_newer_caller_is_understood_as_far_as_we_know(void **state)
{
    (void)state;
    struct inlay_options *options = options_of(sizeof *options + 64);

    options->strict = true;
    assert_begins(&good, options);
    free(options);
}

static void the_history_of_the_options_comes_first(void **state)
{
    (void)state;
    struct inlay_options options = {.size = sizeof options};
    struct inlay_error err;
    struct run run;

    assert_int_equal(inlay_run_begin(&run, &good, &options, &err), INLAY_OK);
    assert_string_equal(run.request.name.text, "public.applied_migrations");
    options.history = "tenant.history";
    assert_int_equal(inlay_run_begin(&run, &good, &options, &err), INLAY_OK);
    assert_string_equal(run.request.name.text, "tenant.history");
}

static void refuses_a_history_that_is_no_name(void **state)
{
    (void)state;
    struct inlay_options options = {
        .size = sizeof options, .conninfo = NOWHERE, .history = "history"};
    struct inlay_set set = good;

    assert_refused(&good, &options, "the history \"history\" is not SCHEMA.TABLE");
    options.history = "";
    assert_refused(&good, &options, "the history \"\" is not SCHEMA.TABLE");
    set.history = "a.b.c";
    assert_refused(&set, NULL, "the history \"a.b.c\" is not SCHEMA.TABLE");
}

static void refuses_a_connection_string_that_is_none(void **state)
{
    (void)state;
    struct inlay_options options = {.size = sizeof options,
                                    .conninfo = "postgresql://me:s3@cr3t@localhost/app"};

    assert_refused(&good, &options, "the connection string cannot be used: it has more than one @");
}

static void refuses_times_that_the_server_would(void **state)
{
    (void)state;
    static const int64_t good_times[] = {INLAY_NO_TIMEOUT, 0, 1, INT32_MAX};
    struct inlay_options options = {.size = sizeof options, .conninfo = NOWHERE};

    for (size_t i = 0; i < COUNT(good_times); i++) {
        options.lock_timeout_ms = options.statement_timeout_ms = good_times[i];
        assert_begins(&good, &options);
    }
    options.statement_timeout_ms = -2;
    assert_refused(&good, &options,
                   "options.statement_timeout_ms is -2: milliseconds up to 2147483647 (24 days), "
                   "0 or INLAY_NO_TIMEOUT");
    options.lock_timeout_ms = INT64_C(2147483648);
    assert_refused(&good, &options,
                   "options.lock_timeout_ms is 2147483648: milliseconds up to 2147483647 (24 "
                   "days), 0 or INLAY_NO_TIMEOUT");
}

static void refuses_an_isolation_that_is_none(void **state)
{
    (void)state;
    struct inlay_options options = {.size = sizeof options, .conninfo = NOWHERE};

    options.isolation = INLAY_ISOLATION_SERIALIZABLE;
    assert_begins(&good, &options);
    options.isolation = (enum inlay_isolation)4;
    assert_refused(&good, &options, "options.isolation is 4: no such level");
}

static void refuses_a_pooler_mode_that_is_none(void **state)
{
    (void)state;
    struct inlay_options options = {.size = sizeof options, .conninfo = NOWHERE};

    options.pooler = INLAY_POOLER_TRANSACTION;
    assert_begins(&good, &options);
    options.pooler = (enum inlay_pooler)3;
    assert_refused(&good, &options, "options.pooler is 3: no such mode");
    options.pooler = (enum inlay_pooler) - 1;
    assert_refused(&good, &options, "options.pooler is -1: no such mode");
}

/* What poll() would call readable at once. */
static void refuses_a_stop_fd_that_would_always_stop(void **state)
{
    (void)state;
    static const char *const files[] = {"/etc/passwd", "/"};
    struct inlay_options options = {.size = sizeof options, .conninfo = NOWHERE};
    char message[128];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    for (options.stop_fd = -1; options.stop_fd <= 0; options.stop_fd++)
        assert_begins(&good, &options);
    options.stop_fd = ends[0];
    assert_begins(&good, &options);
    close(ends[0]);
    close(ends[1]);
    snprintf(message, sizeof message, "options.stop_fd is %d: no descriptor of that number is open",
             ends[0]);
    assert_refused(&good, &options, message);
    for (size_t i = 0; i < COUNT(files); i++) {
        options.stop_fd = open(files[i], O_RDONLY);
        snprintf(message, sizeof message, "options.stop_fd is %d: a file, which is always readable",
                 options.stop_fd);
        assert_refused(&good, &options, message);
        close(options.stop_fd);
    }
}

static void refuses_a_history_among_the_servers_own(void **state)
{
    (void)state;
    struct inlay_options options = {.size = sizeof options, .conninfo = NOWHERE};

    options.history = "information_schema.h";
    assert_refused(&good, &options,
                   "the history \"information_schema.h\" is in a schema of the server's own");
    options.history = "pg_temp.h";
    assert_refused(&good, &options, "the history \"pg_temp.h\" is in a schema of the server's own");
    options.history = "information_schema2.h";
    assert_begins(&good, &options);
    options.history = "pgboss.h";
    assert_begins(&good, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_set_that_is_ascending),
        cmocka_unit_test(refuses_no_set),
        cmocka_unit_test(refuses_a_set_of_another_abi),
        cmocka_unit_test(refuses_a_set_without_its_sizes),
        cmocka_unit_test(refuses_options_that_it_does_not_know),
        cmocka_unit_test(refuses_a_set_that_is_not_ascending),
        cmocka_unit_test(refuses_repeatables_that_are_not_ascending),
        cmocka_unit_test(refuses_a_set_with_a_hole),
        cmocka_unit_test(refuses_to_read_into_nothing),
        cmocka_unit_test(refuses_options_without_a_size),
        cmocka_unit_test(an_older_caller_gets_the_defaults),
        cmocka_unit_test(a_newer_caller_is_understood_as_far_as_we_know),
        cmocka_unit_test(the_history_of_the_options_comes_first),
        cmocka_unit_test(refuses_a_history_that_is_no_name),
        cmocka_unit_test(refuses_a_connection_string_that_is_none),
        cmocka_unit_test(refuses_times_that_the_server_would),
        cmocka_unit_test(refuses_an_isolation_that_is_none),
        cmocka_unit_test(refuses_a_pooler_mode_that_is_none),
        cmocka_unit_test(refuses_a_stop_fd_that_would_always_stop),
        cmocka_unit_test(refuses_a_history_among_the_servers_own),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

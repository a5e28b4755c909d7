/* Whose timeout a migration runs under, and how it is written; how waits grow. */
#include "unit.h"

#include "apply/transaction/retry.h"
#include "base/backoff.h"
#include "run/limits.h"

static void says(struct limit limit, int64_t ms, const char *whose)
{
    assert_int_equal(limit.ms, ms);
    assert_string_equal(limit.whose, whose);
}

static void the_files_own_comes_first(void **state)
{
    (void)state;
    const struct inlay_settings settings = {.lock_timeout_ms = 1, .statement_timeout_ms = 0};
    const struct inlay_settings isolation = {.lock_timeout_ms = INLAY_UNSET,
                                             .statement_timeout_ms = INLAY_UNSET,
                                             .isolation = INLAY_ISOLATION_SERIALIZABLE};
    struct inlay_options options = {.lock_timeout_ms = 2, .statement_timeout_ms = 20};
    struct limits limits = {.options = &options,
                            .own = {.lock_timeout_ms = 3, .statement_timeout_ms = 30}};
    struct inlay_script script = unit_script("1_a.sql", "");

    script.settings = &settings;
    says(inlay_limit_lock(&limits, &script), 1, "the file's");
    says(inlay_limit_statement(&limits, &script), 0, "the file's");
    script.settings = &isolation;
    says(inlay_limit_lock(&limits, &script), 2, "the caller's");
    says(inlay_limit_statement(&limits, &script), 20, "the caller's");
    script.settings = NULL;
    says(inlay_limit_lock(&limits, &script), 2, "the caller's");
    options = (struct inlay_options){.lock_timeout_ms = INLAY_NO_TIMEOUT,
                                     .statement_timeout_ms = INLAY_NO_TIMEOUT};
    says(inlay_limit_lock(&limits, &script), 0, "the caller's");
    says(inlay_limit_statement(&limits, &script), 0, "the caller's");
    options = (struct inlay_options){0};
    says(inlay_limit_lock(&limits, &script), 3, "the role's");
    says(inlay_limit_statement(&limits, &script), 30, "the role's");
    limits.own = (struct inlay_settings){0};
    says(inlay_limit_lock(&limits, &script), 0, "the role's");
    limits.own.lock_timeout_ms = INLAY_UNSET;
    says(inlay_limit_lock(&limits, &script), 200, "inlay's");
}

/* What is tried again climbs, and nothing else that is sent with it. */
static void a_rung_belongs_to_one_migration(void **state)
{
    (void)state;
    struct inlay_options options = {0};
    struct inlay_script script = unit_script("1_a.sql", "");
    struct inlay_script other = unit_script("2_b.sql", "");
    struct limits limits = {.options = &options,
                            .own = {.lock_timeout_ms = INLAY_UNSET},
                            .climber = &script,
                            .rung_ms = 450};

    says(inlay_limit_lock(&limits, &script), 450, "inlay's");
    says(inlay_limit_lock(&limits, &other), 200, "inlay's");
    limits.once = true;
    says(inlay_limit_lock(&limits, &other), 800, "inlay's");
    options.lock_timeout_ms = 5000;
    says(inlay_limit_lock(&limits, &script), 5000, "the caller's");
}

/* An answer to inlay_limits_sql: each of our settings as we make it, but for those given. */
static PGresult *answer(const char *const (*others)[3], size_t count, const char *local)
{
    PGresAttDesc columns[4] = {{.name = (char[]){"name"}},
                               {.name = (char[]){"reset_val"}},
                               {.name = (char[]){"source"}},
                               {.name = (char[]){"local"}}};
    PGresult *result = unit_result(columns, COUNT(columns));

    for (int row = 0; row < INLAY_SETTINGS + 1; row++) {
        const struct own_setting *ours = &inlay_own_settings[row % INLAY_SETTINGS];
        const char *values[4] = {row < INLAY_SETTINGS ? ours->name : "synchronous_commit",
                                 row < INLAY_SETTINGS ? ours->value : "on", "default", local};
        for (size_t i = 0; i < count; i++)
            if (strcmp(others[i][0], values[0]) == 0)
                memcpy(values, others[i], sizeof others[i]);
        for (int column = 0; column < 4; column++) {
            char text[64];
            inlay_text_put(text, sizeof text, "%s", values[column]);
            assert_true(PQsetvalue(result, row, column, text, (int)strlen(text)));
        }
    }
    return result;
}

static struct limits limits_that_read(const char *const (*others)[3], size_t count,
                                      const char *local)
{
    static const struct inlay_options options = {.asynchronous = true};
    struct limits limits = {.settings = INLAY_SETTINGS, .options = &options};
    PGresult *result = answer(others, count, local);

    inlay_limits_read(&limits, result);
    PQclear(result);
    return limits;
}

#define TIMEOUTS "lock_timeout statement_timeout idle_in_transaction_session_timeout "

static void again(const struct limits *limits, const char *names)
{
    char text[512] = "";

    for (size_t i = 0; i < limits->again_count; i++)
        inlay_text_add(text, sizeof text, "%s ", inlay_own_settings[limits->again[i]].name);
    assert_string_equal(text, names);
}

static void a_reset_undoes_what_it_has_another_value_for(void **state)
{
    (void)state;
    static const char *const others[][3] = {
        {"client_encoding", "LATIN1", "client"},  {"tcp_keepalives_count", "0", "default"},
        {"statement_timeout", "8000", "user"},    {"lock_timeout", "0", "database user"},
        {"synchronous_commit", "off", "session"}, {"IntervalStyle", "iso_8601", "database"},
    };
    struct limits limits = limits_that_read(others, COUNT(others), "f");

    again(&limits, "IntervalStyle client_encoding tcp_keepalives_count " TIMEOUTS);
    assert_int_equal(limits.own.statement_timeout_ms, 8000);
    assert_int_equal(limits.own.lock_timeout_ms, 0); /* said on purpose */
    assert_false(limits.asynchronous);
    limits =
        limits_that_read(others, COUNT(others), "t"); /* a Unix socket: nothing to set for TCP */
    again(&limits, "IntervalStyle client_encoding " TIMEOUTS);
    static const char *const none[][3] = {{"lock_timeout", "0", "default"}};
    limits = limits_that_read(none, 1, "f"); /* of timeouts that may change */
    again(&limits, TIMEOUTS);
    assert_int_equal(limits.own.lock_timeout_ms, INLAY_UNSET);
    assert_true(limits.asynchronous);
}

/* What an old server does not have is not in its answer, and is not ours to set. */
static void a_setting_that_is_not_told_is_made_again(void **state)
{
    (void)state;
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    static const struct inlay_options options = {.asynchronous = false};
    struct limits limits = {.settings = 2, .options = &options};

    inlay_limits_read(&limits, result);
    PQclear(result);
    assert_int_equal(limits.again_count, 2);
    assert_int_equal(limits.own.lock_timeout_ms, INLAY_UNSET);
    assert_int_equal(limits.own.statement_timeout_ms, INLAY_UNSET);
}

static void a_time_reads_as_in_a_file(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{1, "1ms"},
                 {999, "999ms"},
                 {1000, "1s"},
                 {1500, "1500ms"},
                 {60000, "1min"},
                 {61000, "61s"},
                 {90000, "90s"},
                 {3600000, "1h"},
                 {86400000, "24h"},
                 {5000, "5s"},
                 {2147483647, "2147483647ms"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        inlay_limit_text(cases[i].ms, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void three_failures_pass_by_themselves(void **state)
{
    (void)state;
    static const char *const passing[] = {"55P03", "40P01", "40001"};
    static const char *const staying[] = {"", "57014", "23505", "40002", "55P04", "42P01"};
    struct inlay_error err = {0};

    for (size_t i = 0; i < COUNT(passing); i++) {
        memcpy(err.sqlstate, passing[i], 6);
        assert_true(inlay_error_passes(&err));
    }
    for (size_t i = 0; i < COUNT(staying); i++) {
        strcpy(err.sqlstate, staying[i]);
        assert_false(inlay_error_passes(&err));
    }
}

static void what_the_catalog_met_passes(void **state)
{
    (void)state;
    struct inlay_error err = {.sqlstate = "XX000", .message = "tuple concurrently updated"};

    assert_true(inlay_error_passes(&err));
    strcpy(err.message, "tuple concurrently deleted");
    assert_true(inlay_error_passes(&err));
    strcpy(err.message, "tuple already updated by self");
    assert_false(inlay_error_passes(&err));
    strcpy(err.sqlstate, "23505");
    assert_false(inlay_error_passes(&err));
    strcpy(err.context, "in the system catalog pg_catalog.pg_type\nSQL function \"f\"");
    assert_true(inlay_error_passes(&err));
    strcpy(err.context, "SQL function \"in the system catalog pg_catalog.pg_type\"");
    assert_false(inlay_error_passes(&err));
}

static void only_what_passes_is_a_lock_not_obtained(void **state)
{
    (void)state;
    struct inlay_error err = {.code = INLAY_E_FAILED, .sqlstate = "40P01"};

    assert_int_equal(inlay_error_settle(&err), INLAY_E_LOCKED);
    assert_int_equal(err.code, INLAY_E_LOCKED);
    err = (struct inlay_error){.code = INLAY_E_FAILED, .sqlstate = "42P01"};
    assert_int_equal(inlay_error_settle(&err), INLAY_E_FAILED);
    err = (struct inlay_error){.code = INLAY_E_REFUSED, .sqlstate = "55P03"};
    assert_int_equal(inlay_error_settle(&err), INLAY_E_REFUSED);
}

static void waits_grow_and_end(void **state)
{
    (void)state;
    struct backoff backoff = inlay_backoff_begin(100, 1000, 7);
    int64_t bound = 100;

    for (int i = 0; i < 50; i++) {
        int64_t delay = inlay_backoff_next(&backoff, 100000);
        assert_in_range(delay, bound / 2, bound);
        bound = bound * 3 / 2 < 1000 ? bound * 3 / 2 : 1000;
    }
    assert_int_equal(bound, 1000);
    assert_int_equal(inlay_backoff_next(&backoff, 3), 3);
}

static void processes_wait_differently(void **state)
{
    (void)state;
    struct backoff one = inlay_backoff_begin(100000, 100000, 4711);
    struct backoff other = inlay_backoff_begin(100000, 100000, 4712);

    assert_int_not_equal(inlay_backoff_next(&one, 100000), inlay_backoff_next(&other, 100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_own_comes_first),
        cmocka_unit_test(a_rung_belongs_to_one_migration),
        cmocka_unit_test(a_reset_undoes_what_it_has_another_value_for),
        cmocka_unit_test(a_setting_that_is_not_told_is_made_again),
        cmocka_unit_test(a_time_reads_as_in_a_file),
        cmocka_unit_test(three_failures_pass_by_themselves),
        cmocka_unit_test(what_the_catalog_met_passes),
        cmocka_unit_test(only_what_passes_is_a_lock_not_obtained),
        cmocka_unit_test(waits_grow_and_end),
        cmocka_unit_test(processes_wait_differently),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}

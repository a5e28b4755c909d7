/* --migrate-version: what is said of the binary, of the database and of what is linked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define LINKED "linked    inlay 0.1.7, libpq 15.20, OpenSSL 3.0.19 27 Jan 2026\n"
#define LINKED_JSON                                                                                \
    "\"linked\": {\"inlay\": \"0.1.7\", \"libpq\": \"15.20\", \"openssl\": \"OpenSSL 3.0.19 27 "   \
    "Jan 2026\"}, "

static struct inlay_status_entry entries[4];
static struct inlay_status status;

/* A database with the migrations of the set, then `newer`, then a repeatable. */
static void has(struct inlay_status_entry newer)
{
    setenv("DATABASE_URL", "postgresql://h/shop", 1);
    entries[0] = (struct inlay_status_entry){
        .version = 1, .recorded_name = "create_users", .migration = &fake_set.migrations[0]};
    entries[1] = (struct inlay_status_entry){
        .version = 2, .state = INLAY_STATE_PENDING, .migration = &fake_set.migrations[1]};
    entries[2] = newer;
    entries[3] =
        (struct inlay_status_entry){.version = INLAY_REPEATABLE, .recorded_name = "report"};
    status = (struct inlay_status){.database = "sh\x1bop", .entries = entries, .entry_count = 4};
    fake.status = &status;
}

static void needs_no_database(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-version", NULL);
    assert_int_equal(run->status, 0);
    assert_int_equal(fake.calls, 0);
    assert_string_equal(run->out, "binary    010_index_email\n"
                                  "database  not asked: none is named (--migrate-database, "
                                  "DATABASE_URL, PGHOST)\n" LINKED);
    assert_string_equal(run->err, "");
    run = run_main("--version", "--json", NULL);
    assert_int_equal(run->status, 0);
    assert_string_equal(run->out,
                        "{\"inlay\": \"0.1.0\", \"verb\": \"version\", \"code\": \"ok\", "
                        "\"exit\": 0, \"binary\": {\"version\": \"10\", \"name\": "
                        "\"index_email\"}, \"database\": null, \"applied\": null, " LINKED_JSON
                        "\"warnings\": [], \"error\": null}\n");
}

static void asks_a_database_that_is_named(void **state)
{
    (void)state;
    static const char *const variables[] = {"DATABASE_URL", "INLAY_DATABASE_URL", "PGHOST",
                                            "PGHOSTADDR",   "PGDATABASE",         "PGSERVICE"};
    has((struct inlay_status_entry){
        .version = 10, .recorded_name = "index_email", .migration = &fake_set.migrations[2]});
    unsetenv("DATABASE_URL");
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        setenv(variables[i], "x", 1);
        assert_int_equal(run_cli("--migrate-version", NULL)->status, 0);
        assert_int_equal(fake.calls, i + 1);
        assert_string_equal(fake.last_call, "status_read");
        setenv(variables[i], "", 1);
        run_cli("--migrate-version", NULL);
        assert_int_equal(fake.calls, i + 1);
    }
    const struct run *run = run_cli("--migrate-version", "--migrate-database=x", NULL);
    assert_string_equal(run->out, "binary    010_index_email\n"
                                  "database  sh\\x1bop: 010_index_email\n" LINKED);
}

static void the_database_may_have_another_one(void **state)
{
    (void)state;
    const struct {
        struct inlay_status_entry entry;
        const char *text, *json;
    } cases[] = {
        {{.version = 9, .state = INLAY_STATE_PENDING},
         "sh\\x1bop: 001_create_users\n",
         "{\"version\": \"1\", \"name\": \"create_users\"}"},
        {{.version = INT64_MAX, .state = INLAY_STATE_UNKNOWN, .recorded_name = "a\tb"},
         "sh\\x1bop: 9223372036854775807 (a\\x09b), which this binary lacks\n",
         "{\"version\": \"9223372036854775807\", \"name\": \"a\\tb\"}"},
        {{.version = 10,
          .state = INLAY_STATE_RENAMED,
          .recorded_name = "other",
          .migration = &fake_set.migrations[2]},
         "sh\\x1bop: 10 (other)\n",
         "{\"version\": \"10\", \"name\": \"other\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        has(cases[i].entry);
        const struct run *run = run_cli("--migrate-version", NULL);
        assert_int_equal(run->status, 0);
        assert_non_null(strstr(run->out, cases[i].text));
        run = run_cli("--migrate-version", "--migrate-json", NULL);
        assert_non_null(strstr(run->out, "\"database\": \"sh\\u001bop\", \"applied\": "));
        assert_non_null(strstr(run->out, cases[i].json));
    }
}

static void the_database_may_have_none(void **state)
{
    (void)state;
    has((struct inlay_status_entry){.version = 10, .state = INLAY_STATE_PENDING});
    status.entry_count = 0;
    assert_non_null(strstr(run_cli("--migrate-version", NULL)->out,
                           "\ndatabase  sh\\x1bop: nothing is applied\n"));
    assert_non_null(strstr(run_cli("--migrate-version", "--migrate-json", NULL)->out,
                           "\"database\": \"sh\\u001bop\", \"applied\": null, "));
}

/* The status is that of any other verb; what needs no database is printed all the same. */
static void a_database_that_cannot_be_read(void **state)
{
    (void)state;
    has((struct inlay_status_entry){.version = 10, .state = INLAY_STATE_PENDING});
    fake.codes[fake.code_count++] = INLAY_E_CONNECTION;
    const struct run *run = run_cli("--migrate-version", NULL);
    assert_int_equal(run->status, INLAY_EXIT_CONNECTION);
    assert_string_equal(run->out, "binary    010_index_email\n"
                                  "database  not read: as the test says\n" LINKED);
    assert_string_equal(run->err, "error: as the test says\n");
    run = run_cli("--migrate-version", "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_CONNECTION);
    assert_non_null(strstr(run->out, "\"database\": null, \"applied\": null, " LINKED_JSON));
    assert_non_null(strstr(run->out, "\"error\": {\"code\": \"connection\", "));
}

static void openssl_may_be_missing(void **state)
{
    (void)state;
    fake.linked.openssl = NULL;
    assert_non_null(strstr(run_cli("--migrate-version", NULL)->out,
                           "\nlinked    inlay 0.1.7, libpq 15.20, OpenSSL unknown\n"));
    assert_non_null(strstr(run_cli("--migrate-version", "--migrate-json", NULL)->out,
                           "\"libpq\": \"15.20\", \"openssl\": null}, "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
    const struct CMUnitTest tests[] = {
        TEST(needs_no_database),
        TEST(asks_a_database_that_is_named),
        TEST(the_database_may_have_another_one),
        TEST(the_database_may_have_none),
        TEST(a_database_that_cannot_be_read),
        TEST(openssl_may_be_missing),
    };
    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}

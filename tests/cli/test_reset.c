/* The reset and the backup as the command line has them: what is shown, what is called, and when
 * the library is told to ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include <inlay-admin.h>

static const struct inlay_contents *contents(void)
{
    static const struct inlay_schema_contents schemas[] = {
        {.name = "au\x1b[2Jdit", .tables = 1, .rows = 1234567},
        {.name = "public",
         .stays = true,
         .tables = 12,
         .views = 2,
         .functions = 3,
         .types = 4,
         .others = 5},
    };
    static struct inlay_contents found;
    found = (struct inlay_contents){.database = "sh\nop",
                                    .role = "owner",
                                    .schemas = schemas,
                                    .schema_count = 2,
                                    .besides = "extension \x1b"};
    return &found;
}

static void what_is_there_is_shown(void **state)
{
    (void)state;
    fake.contents = contents();
    const struct run *run = run_cli("--migrate-reset", NULL);
    assert_string_equal(
        run->err,
        "database sh\\x0aop holds\n"
        "schema        tables  views  functions  types  others           rows\n"
        "au\\x1b[2Jdit       1      0          0      0       0  about 1234567\n"
        "public            12      2          3      4       5              0  the schema itself "
        "stays\n"
        "and extension \\x1b\n"
        "error: not confirmed: no terminal to ask on; add --migrate-yes=DATABASE\n"
        "nothing was dropped\n");
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_int_equal(fake.calls, 1);
}

static void the_name_is_handed_on(void **state)
{
    (void)state;
    fake.contents = contents();
    fake.result = (struct inlay_result){.applied = 3, .batch = 1, .elapsed_ms = 34};
    const struct run *run = run_cli("--migrate-reset", "--migrate-yes=another", NULL);
    assert_string_equal(fake.last_call, "reset");
    assert_string_equal(fake.database, "another"); /* the library knows whether it is */
    assert_non_null(strstr(run->err, "\n3 migrations applied in batch 1 (34 ms)\n"));
    assert_int_equal(run->status, INLAY_EXIT_OK);
}

static void what_is_refused_is_not_called(void **state)
{
    (void)state;
    struct inlay_contents refused = *contents();
    refused.verdict =
        (struct inlay_error){.code = INLAY_E_REFUSED, .version = -1, .message = "no rights"};
    fake.contents = &refused;
    const struct run *run = run_cli("--migrate-reset", "--migrate-yes=x", "--migrate-json", NULL);
    assert_string_equal(run->err, "error: no rights\n");
    assert_int_equal(run->status, INLAY_EXIT_REFUSED);
    assert_int_equal(fake.calls, 1);
    assert_non_null(strstr(run->out,
                           "\"exit\": 7, \"database\": \"sh\\nop\", \"role\": \"owner\", "
                           "\"schemas\": [{\"name\": \"au\\u001b[2Jdit\", \"stays\": false, "
                           "\"tables\": 1, \"views\": 0, \"functions\": 0, \"types\": 0, "
                           "\"others\": 0, \"rows\": 1234567}, {\"name\": \"public\", "));
    assert_non_null(strstr(run->out, "\"besides\": \"extension \\u001b\", \"applied\": 0, "));
}

static void a_document_without_a_database(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_CONNECTION;
    const struct run *run = run_cli("--migrate-reset", "--migrate-json", NULL);
    assert_non_null(strstr(run->out, "\"exit\": 6, \"applied\": 0, "));
}

/* ---- when there is a backup to make ----  */

static int reset_all(void **state)
{
    unsetenv("INLAY_BACKUP_DIR");
    unsetenv("INLAY_BACKUP_KEEP");
    return fake_reset(state);
}

static void assert_asks(bool asks)
{
    assert_string_equal(fake.last_call, "migrate");
    assert_true((fake.options.before_run != NULL) == asks);
}

static void the_library_asks_where_a_directory_is_given(void **state)
{
    (void)state;
    run_cli("--migrate-only", NULL);
    assert_asks(false);
    run_cli("--migrate-only", "--migrate-backup=x", NULL);
    assert_asks(true);
    setenv("INLAY_BACKUP_DIR", "", 1);
    run_cli("--migrate-only", NULL);
    assert_asks(false);
    setenv("INLAY_BACKUP_DIR", "x", 1);
    run_cli("--migrate-only", "--migrate-backup-required", NULL);
    assert_asks(true);
    run_cli("--migrate-only", "--migrate-no-backup", NULL);
    assert_asks(false);
    run_cli("--migrate-only", "--migrate-no-backup", "--migrate-backup", "y", NULL);
    assert_asks(false);
}

static void the_hosts_own_options_have_none(void **state)
{
    (void)state;
    setenv("INLAY_BACKUP_DIR", "x", 1);
    const struct run *run = run_cli("--migrate-strict", NULL);
    assert_false(run->ended);
    assert_null(run->options.before_run);
    assert_null(run->options.user);
}

static void how_many_are_kept(void **state)
{
    (void)state;
    setenv("INLAY_BACKUP_DIR", "x", 1);
    setenv("INLAY_BACKUP_KEEP", "none", 1);
    const struct run *run = run_cli("--migrate-only", NULL);
    assert_string_equal(run->err, "error: INLAY_BACKUP_KEEP needs how many: a whole number from 1; "
                                  "see --migrate-help\n");
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    /* What is not used is not looked at. */
    assert_int_equal(run_cli("--migrate-only", "--migrate-backup-keep=3", NULL)->status, 0);
    assert_int_equal(run_cli("--migrate-only", "--migrate-no-backup", NULL)->status, 0);
    setenv("INLAY_BACKUP_KEEP", "", 1);
    assert_int_equal(run_cli("--migrate-only", NULL)->status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset_all)
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_shown),
        TEST(the_name_is_handed_on),
        TEST(what_is_refused_is_not_called),
        TEST(a_document_without_a_database),
        TEST(the_library_asks_where_a_directory_is_given),
        TEST(the_hosts_own_options_have_none),
        TEST(how_many_are_kept),
    };
    return cmocka_run_group_tests_name("reset", tests, NULL, NULL);
}

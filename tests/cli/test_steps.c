/* The command line in two steps, and what stands where it says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static const char *find(void *user, struct inlay_error *err)
{
    (void)err;
    return user;
}

static void leaves_the_words_to_the_program_and_runs_later(void **state)
{
    (void)state;
    char words[][24] = {"/opt/server",    "-v", "--migrate-database", "postgresql:///a", "file",
                        "--migrate-down", "2",  "--migrate-yes",      "--listen",        "--",
                        "--migrate-json"};
    char *argv[12] = {NULL};
    int argc = 0;
    struct inlay_cli_command command;
    struct inlay_cli_outcome outcome;

    for (; argc < 11; argc++)
        argv[argc] = words[argc];
    assert_false(inlay_cli_take(&argc, argv, &command));
    assert_string_equal(command.verb, "down");
    assert_int_equal(fake.calls, 0);
    assert_int_equal(argc, 6);
    const char *const left[] = {"/opt/server", "-v", "file", "--listen", "--", "--migrate-json"};
    for (int i = 0; i < 6; i++)
        assert_string_equal(argv[i], left[i]);
    assert_null(argv[6]);

    argv[1] = words[4]; /* as getopt_long reorders them */
    argv[2] = words[1];
    assert_true(inlay_cli_run(&command, &fake_set, NULL, &outcome));
    assert_int_equal(outcome.exit_status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "undo");
    assert_int_equal(fake.argument, 2);
    assert_string_equal(fake.options.conninfo, "postgresql:///a");
    size_t calls = fake.calls;
    assert_true(inlay_cli_run(&command, &fake_set, NULL, &outcome)); /* of another set, perhaps */
    assert_int_equal(fake.calls, 2 * calls);
}

static void a_program_without_our_words_continues(void **state)
{
    (void)state;
    const struct inlay_options defaults = {.size = sizeof defaults, .strict = true};
    const struct run *run = run_steps(&defaults, "--listen", ":80", NULL);
    assert_false(run->ended);
    assert_null(run->verb);
    assert_int_equal(run->argc, 3);
    assert_null(run->argv[3]);
    assert_true(run->options.strict);
    assert_int_equal(fake.calls, 0);
}

static void mistakes_and_help_come_first(void **state)
{
    (void)state;
    struct inlay_cli_command command;
    char *none[] = {NULL};
    int argc = 0;

    const struct run *run = run_steps(NULL, "--migrate-onyl", NULL);
    assert_true(run->ended);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_non_null(strstr(run->err, "unknown option --migrate-onyl"));
    run = run_steps(NULL, "--migrate-help", "down", NULL);
    assert_true(run->ended);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_non_null(strstr(run->out, "usage: server --migrate-down"));
    assert_int_equal(fake.calls, 0);
    assert_false(inlay_cli_take(&argc, none, &command));
    assert_int_equal(command.word_count, 0);
}

/* ---- what the program knows ---- */

static void defaults_stand_where_nothing_is_said(void **state)
{
    (void)state;
    const struct inlay_options defaults = {
        .size = sizeof defaults,
        .conninfo = "postgresql:///configured",
        .history = "app.done",
        .lock_wait_ms = 7,
        .retry_ms = 8,
        .keep_down = true,
    };
    setenv("INLAY_DATABASE_URL", "postgresql:///elsewhere", 1);
    run_steps(&defaults, "--migrate-only", "--migrate-lock-wait", "2s", NULL);
    assert_string_equal(fake.options.conninfo, "postgresql:///configured");
    assert_string_equal(fake.options.history, "app.done");
    assert_int_equal(fake.options.lock_wait_ms, 2000);
    assert_int_equal(fake.options.retry_ms, 8);
    assert_true(fake.options.keep_down);
    run_steps(&defaults, "--migrate-only", "--migrate-database", "postgresql:///said", NULL);
    assert_string_equal(fake.options.conninfo, "postgresql:///said");
    const struct inlay_options silent = {.size = sizeof silent, .strict = true};
    run_steps(&silent, "--migrate-only", NULL);
    assert_string_equal(fake.options.conninfo, "postgresql:///elsewhere");
    unsetenv("INLAY_DATABASE_URL");
}

static void the_command_line_goes_before_every_connection(void **state)
{
    (void)state;
    static char memory;
    char place[] = "postgresql:///found";
    struct inlay_options defaults = {.size = sizeof defaults};

    setenv("DATABASE_URL", "postgresql:///elsewhere", 1);
    defaults.find_conninfo = find;
    defaults.find_conninfo_user = place;
    fake.codes[0] = INLAY_E_CONNECTION;
    fake.code_count = 1;
    run_steps(&defaults, "--migrate-version", NULL);
    assert_int_equal(fake.calls, 1); /* it counts as named */
    assert_null(fake.options.conninfo);
    assert_string_equal(fake.options.find_conninfo(fake.options.find_conninfo_user, NULL), place);
    defaults.find_conninfo = NULL;
    defaults.connection = (struct pg_conn *)(void *)&memory;
    run_steps(&defaults, "--migrate-version", NULL);
    assert_ptr_equal(fake.options.connection, &memory);
    assert_null(fake.options.conninfo);
    run_steps(&defaults, "--migrate-version", "--migrate-database", "postgresql:///said", NULL);
    assert_null(fake.options.connection);
    assert_string_equal(fake.options.conninfo, "postgresql:///said");
    unsetenv("DATABASE_URL");
}

static int note(void *user, const struct inlay_event *event, struct inlay_error *err)
{
    int *asked = user;
    (void)event;
    (void)err;
    ++*asked;
    return INLAY_E_REFUSED;
}

static void ask(const struct inlay_options *options)
{
    const struct inlay_event event = {.kind = INLAY_EVENT_BEGIN};
    struct inlay_error err = {.code = INLAY_OK};
    assert_int_equal(options->before_run(options->user, &event, &err), INLAY_E_REFUSED);
    assert_int_equal(options->before_migration(options->user, &event, &err), INLAY_E_REFUSED);
    options->log(options->user, INLAY_LOG_INFO, "said");
}

static void the_program_is_asked_with_what_is_its_own(void **state)
{
    (void)state;
    int asked = 0;
    const struct inlay_options defaults = {
        .size = sizeof defaults, .before_run = note, .before_migration = note, .user = &asked};
    fake.during = ask;
    const struct run *run = run_steps(&defaults, "--migrate-only", NULL);
    assert_int_equal(asked, 2);
    assert_non_null(strstr(run->err, "said\n"));
    fake.during = NULL;
    run = run_steps(&defaults, "--listen", NULL);
    assert_ptr_equal(run->options.before_run, note);
    assert_ptr_equal(run->options.user, &asked);
}

static void programs_of_another_age(void **state)
{
    (void)state;
    struct {
        struct inlay_options options;
        long later;
    } grown = {.options = {.size = sizeof grown, .strict = true}};
    struct inlay_options defaults = {.size = 0};

    assert_true(run_steps(&grown.options, NULL)->options.strict);
    grown.later = 1;
    const struct run *run = run_steps(&grown.options, NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_non_null(strstr(run->err, "the program's options say what this inlay ("));
    run = run_steps(&defaults, "--migrate-only", NULL);
    assert_int_equal(run->status, INLAY_EXIT_USAGE);
    assert_non_null(strstr(run->err, "have the size 0, not sizeof(struct inlay_options)"));
    defaults.size = offsetof(struct inlay_options, application_name);
    defaults.conninfo = "postgresql:///old";
    defaults.history = "not.read";
    run_steps(&defaults, "--migrate-only", NULL);
    assert_string_equal(fake.options.conninfo, "postgresql:///old");
    assert_null(fake.options.history);
}

#define TEST(name) cmocka_unit_test_setup(name, fake_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(leaves_the_words_to_the_program_and_runs_later),
        TEST(a_program_without_our_words_continues),
        TEST(mistakes_and_help_come_first),
        TEST(defaults_stand_where_nothing_is_said),
        TEST(the_command_line_goes_before_every_connection),
        TEST(the_program_is_asked_with_what_is_its_own),
        TEST(programs_of_another_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

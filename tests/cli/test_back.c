/* Going back and changing the history alone: who is asked, what is called and what is said. Nobody
 * is there to answer: the database tests have a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"

static const struct inlay_status_entry *entries(void)
{
    static struct inlay_status_entry all[4];
    const struct inlay_migration *embedded = fake_set.migrations;
    for (size_t i = 0; i < 3; i++)
        all[i] = (struct inlay_status_entry){
            .version = embedded[i].version,
            .name = embedded[i].name,
            .migration = &embedded[i],
            .recorded_name = embedded[i].name,
            .batch = i == 0 ? 3 : 4,
            .elapsed_ms = -1,
            .statements_done = -1,
        };
    all[3] = (struct inlay_status_entry){
        .version = 11,
        .state = INLAY_STATE_PENDING,
        .name = "pending",
        .batch = -1,
        .statements_done = -1,
    };
    return all;
}

static struct inlay_status *applied_status(void)
{
    static struct inlay_status status;
    status = (struct inlay_status){
        .database = "sh\nop", .history_exists = true, .entries = entries(), .entry_count = 4};
    return &status;
}

static const struct {
    const char *words[2];
    const char *call;
    int64_t argument;
    const char *would; /* what is undone, as it is shown */
} ways[] = {
    {{"--migrate-down=1"}, "undo", 1, "undo 1 migration of database sh\\x0aop: 010_index_email"},
    {{"--migrate-down", "2"},
     "undo",
     2,
     "undo 2 migrations of database sh\\x0aop: 010_index_email, 002_add_email"},
    {{"--migrate-down=99"},
     "undo",
     99,
     "undo 3 migrations of database sh\\x0aop: 010_index_email, 002_add_email, 001_create_users"},
    {{"--migrate-to=2"},
     "migrate_to",
     2,
     "undo 1 migration of database sh\\x0aop: 010_index_email"},
    {{"--migrate-to", "0"},
     "migrate_to",
     0,
     "undo 3 migrations of database sh\\x0aop: 010_index_email, 002_add_email, 001_create_users"},
    {{"--migrate-down", "batch"},
     "undo_batch",
     -1,
     "undo 2 migrations of database sh\\x0aop: 010_index_email, 002_add_email"},
    {{"--migrate-redo"}, "redo", -1, "redo 1 migration of database sh\\x0aop: 010_index_email"},
};
#define WAY_COUNT (sizeof ways / sizeof ways[0])

/* The words of an answer without the notes that are tested apart. */
static void without_notes(char *text)
{
    static const char note[] = " (no down script)";
    for (char *at = strstr(text, note); at; at = strstr(text, note))
        memmove(at, at + sizeof note - 1, strlen(at + sizeof note - 1) + 1);
}

static void nothing_is_undone_that_nobody_agreed_to(void **state)
{
    (void)state;
    fake.status = applied_status();
    for (size_t i = 0; i < WAY_COUNT; i++) {
        char said[1024], expected[1024];
        const struct run *run = run_cli(ways[i].words[0], ways[i].words[1], NULL);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_string_equal(fake.last_call, "status_read");
        strcpy(said, run->err);
        without_notes(said);
        snprintf(expected, sizeof expected,
                 "would %s\nerror: not confirmed: no terminal to ask on; add --migrate-yes\n"
                 "nothing was undone\n",
                 ways[i].would);
        assert_string_equal(said, expected);
    }
}

static void with_yes_nothing_is_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        fake.calls = 0;
        const struct run *run = run_cli("--migrate-yes", ways[i].words[0], ways[i].words[1], NULL);
        assert_int_equal(run->status, INLAY_EXIT_OK);
        assert_int_equal(fake.calls, 1);
        assert_string_equal(fake.last_call, ways[i].call);
        assert_int_equal(fake.argument, ways[i].argument);
        assert_string_equal(run->err, "nothing to do\n");
    }
}

/* Only up, or nothing at all: the library is called, once the status has been looked at. */
static void where_nothing_is_undone_nothing_is_asked(void **state)
{
    (void)state;
    struct inlay_status *status = applied_status();
    fake.status = status;
    fake.result = (struct inlay_result){.applied = 1, .batch = 5, .elapsed_ms = 7};
    const struct run *run = run_cli("--migrate-to", "10", "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "migrate_to");
    assert_string_equal(run->err, "1 migration applied in batch 5 (7 ms)\n");
    /* No row has a batch: the library knows what to say. */
    struct inlay_status_entry one = entries()[0];
    one.batch = -1;
    status->entries = &one;
    status->entry_count = 1;
    assert_int_equal(run_cli("--migrate-down", "batch", NULL)->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "undo_batch");
    status->entry_count = 0;
    assert_int_equal(run_cli("--migrate-down", "1", NULL)->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "undo");
    assert_int_equal(run_cli("--migrate-redo", NULL)->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "redo");
}

static void a_version_that_is_not_embedded_is_no_question(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_ARGUMENT;
    assert_int_equal(run_cli("--migrate-to", "3", NULL)->status, INLAY_EXIT_USAGE);
    assert_string_equal(fake.last_call, "migrate_to");
    assert_int_equal(fake.calls, 1);
}

static void what_will_not_be_undone_is_said_so(void **state)
{
    (void)state;
    struct inlay_status *status = applied_status();
    struct inlay_status_entry all[4];
    memcpy(all, entries(), sizeof all);
    all[3].state = INLAY_STATE_UNKNOWN;
    all[3].name = all[3].recorded_name = "new\033";
    status->entries = all;
    fake.status = status;
    assert_non_null(strstr(run_cli("--migrate-down=9", NULL)->err,
                           ": 11_new\\x1b (not in this binary), 010_index_email (no down script), "
                           "002_add_email (no down script), 001_create_users\n"));
    assert_non_null(strstr(run_cli("--migrate-down=9", "--migrate-skip-missing-down", NULL)->err,
                           " 010_index_email (its row only), 002_add_email (its row only), "
                           "001_create_users\n"));
}

static void a_status_that_cannot_be_read_ends_it(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_REFUSED;
    const struct run *run = run_cli("--migrate-redo", NULL);
    assert_int_equal(run->status, INLAY_EXIT_REFUSED);
    assert_string_equal(run->err, "error: as the test says\n");
    assert_int_equal(fake.calls, 1);
}

static void tell(const struct inlay_options *options, enum inlay_event_kind kind, size_t migration,
                 bool down)
{
    struct inlay_event event = {
        .kind = kind,
        .migration = &fake_set.migrations[migration],
        .index = 1,
        .count = 3,
        .batch = 7,
        .elapsed_ms = 12,
        .down = down,
    };
    options->event(options->user, &event);
}

static void undo_two_and_apply_one(const struct inlay_options *options)
{
    tell(options, INLAY_EVENT_BEGIN, 0, false);
    tell(options, INLAY_EVENT_APPLIED, 1, true);
    tell(options, INLAY_EVENT_APPLIED, 0, true);
    if (fake.codes[0] == INLAY_OK)
        tell(options, INLAY_EVENT_APPLIED, 0, false);
    else
        tell(options, INLAY_EVENT_SKIPPED, 0, true);
}

static void a_line_for_each_step_and_a_summary(void **state)
{
    (void)state;
    fake.during = undo_two_and_apply_one;
    fake.result = (struct inlay_result){.undone = 2, .applied = 1, .batch = 7, .elapsed_ms = 3400};
    const struct run *run = run_cli("--migrate-redo", "--migrate-yes", NULL);
    assert_string_equal(run->out, "");
    assert_string_equal(run->err, "undone 002_add_email (its row only, 12 ms)\n"
                                  "undone 001_create_users (12 ms)\n"
                                  "applied 001_create_users (12 ms)\n"
                                  "2 migrations undone, 1 applied in batch 7 (3.4 s)\n");
    fake.result = (struct inlay_result){.undone = 1, .elapsed_ms = 34};
    run = run_cli("--migrate-down=1", "--migrate-yes", NULL);
    assert_non_null(strstr(run->err, "\n1 migration undone (34 ms)\n"));
}

static void a_document_has_what_was_undone(void **state)
{
    (void)state;
    fake.codes[fake.code_count++] = INLAY_E_MISMATCH;
    fake.during = undo_two_and_apply_one;
    const struct run *run = run_cli("--migrate-to=0", "--migrate-json", "--migrate-yes", NULL);
    assert_non_null(strstr(run->err, "skipped 001_create_users: another process has undone it\n"));
    assert_non_null(
        strstr(run->out,
               "{\"inlay\": \"0.1.0\", \"verb\": \"to\", \"code\": \"mismatch\", \"exit\": 4, "
               "\"undone\": 2, \"applied\": 0, \"skipped\": 1, \"batch\": null, \"migrations\": ["
               "{\"version\": \"2\", \"name\": \"add_email\", \"result\": \"undone\", "
               "\"elapsed_ms\": 12}, "
               "{\"version\": \"1\", \"name\": \"create_users\", \"result\": \"undone\", "
               "\"elapsed_ms\": 12}, "
               "{\"version\": \"1\", \"name\": \"create_users\", \"result\": \"skipped\", "
               "\"elapsed_ms\": 12}], \"backup\": null, \"warnings\": [], \"error\": {"));
}

static void the_history_alone_is_changed(void **state)
{
    (void)state;
    static const struct {
        const char *option, *call, *said;
    } cases[] = {
        {"--migrate-baseline=2", "baseline",
         "every migration up to 002_add_email counts as applied\n"},
        {"--migrate-mark=2", "mark", "002_add_email counts as applied\n"},
        {"--migrate-unmark=2", "unmark", ""},
        {"--migrate-accept=2", "accept", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake.code_count = 0;
        const struct run *run = run_cli(cases[i].option, "--migrate-json", NULL);
        assert_int_equal(run->status, INLAY_EXIT_OK);
        assert_string_equal(fake.last_call, cases[i].call);
        assert_int_equal(fake.argument, 2);
        assert_string_equal(run->err, cases[i].said);
        assert_non_null(
            strstr(run->out, "\"exit\": 0, \"version\": \"2\", \"log\": [], \"warnings\": []"));
        fake.code_count = 1;
        fake.codes[0] = INLAY_E_ARGUMENT;
        run = run_cli(cases[i].option, NULL);
        assert_int_equal(run->status, INLAY_EXIT_USAGE);
        assert_string_equal(run->err, "error: as the test says\n");
    }
}

static void another_tool_is_adopted(void **state)
{
    (void)state;
    const struct run *run = run_cli("--migrate-adopt=goose=public.g", "--migrate-allow-missing",
                                    "--migrate-json", NULL);
    assert_int_equal(run->status, INLAY_EXIT_OK);
    assert_string_equal(fake.last_call, "adopt");
    assert_string_equal(fake.source, "goose=public.g");
    assert_true(fake.options.allow_missing);
    assert_non_null(strstr(run->out, "\"exit\": 0, \"source\": \"goose=public.g\", \"warn"));
    run = run_cli("--migrate-adopt", "goose", NULL);
    assert_string_equal(fake.source, "goose");
    assert_false(fake.options.allow_missing);
    assert_string_equal(run->err, "");
}

static void half_undone_is_not_half_done(void **state)
{
    (void)state;
    struct inlay_status *status = applied_status();
    struct inlay_status_entry one = entries()[0];
    one.statements_done = 0;
    status->entries = &one;
    status->entry_count = 1;
    status->role = status->history = "x";
    fake.status = status;
    assert_non_null(strstr(run_cli("--migrate-status", NULL)->out, "half undone, 0 of 1\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_undone_that_nobody_agreed_to),
        TEST(with_yes_nothing_is_asked),
        TEST(where_nothing_is_undone_nothing_is_asked),
        TEST(a_version_that_is_not_embedded_is_no_question),
        TEST(what_will_not_be_undone_is_said_so),
        TEST(a_status_that_cannot_be_read_ends_it),
        TEST(a_line_for_each_step_and_a_summary),
        TEST(a_document_has_what_was_undone),
        TEST(the_history_alone_is_changed),
        TEST(another_tool_is_adopted),
        TEST(half_undone_is_not_half_done),
    };
    return cmocka_run_group_tests_name("back", tests, NULL, NULL);
}

/* The conversation about a migration as a sequence of messages. */
#include "unit.h"

#include "apply/transaction/phases.h"
#include "plan/steps.h"
#include "run/settings.h"

static const char *const phase_names[PHASE_COUNT] = {
    "begin", "quiet",  "claim",        "limits", "body",       "constraints", "reset",  "prepare",
    "ours",  "verify", "asynchronous", "seal",   "deallocate", "keep",        "forget", "commit"};

static const struct inlay_migration migration;

static const struct inlay_statement statements[300];

static int in_c(struct inlay_tx *tx, struct inlay_error *err)
{
    (void)tx;
    (void)err;
    return INLAY_OK;
}

static struct inlay_script script(size_t statement_count)
{
    struct inlay_script script = unit_script("1_a.sql", "");

    script.statements = statements;
    script.statement_count = statement_count;
    script.statement_size = sizeof statements[0];
    return script;
}

/* All messages of the steps: "begin claim limits*2 body*3 ... commit | begin ...". */
static void walk(const struct inlay_script *scripts, size_t count, bool bare, size_t asynchronous,
                 char *text, size_t size)
{
    struct step steps[4] = {{0}};
    struct course course = {
        .steps = steps, .again = 3, .limits = 2, .bare = bare, .asynchronous = asynchronous};
    struct cursor cursor = {0};
    size_t run = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        steps[i] = (struct step){.migration = &migration, .script = &scripts[i]};
    while (cursor.step < count) {
        struct cursor before = cursor;
        inlay_phases_advance(&cursor, &course);
        run++;
        if (cursor.phase == before.phase && cursor.step == before.step) {
            assert_int_equal(cursor.item, before.item + 1);
            continue;
        }
        assert_int_equal(cursor.item, 0);
        inlay_text_add(text, size, "%s%s", text[0] != '\0' ? " " : "", phase_names[before.phase]);
        if (run > 1)
            inlay_text_add(text, size, "*%zu", run);
        run = 0;
        if (cursor.step > before.step) {
            assert_int_equal(before.phase, PHASE_COMMIT);
            assert_int_equal(cursor.phase, PHASE_BEGIN);
            assert_int_equal(cursor.step, before.step + 1);
            inlay_text_add(text, size, "%s", cursor.step < count ? " |" : "");
        }
    }
}

static void one(struct inlay_script script, bool bare, const char *expected)
{
    char text[512];

    walk(&script, 1, bare, 0, text, sizeof text);
    assert_string_equal(text, expected);
}

enum { WHOLE = false, BARE = true };

static void sends_a_message_for_each_statement(void **state)
{
    (void)state;
    one(script(0), WHOLE, "begin claim limits*2 constraints reset*8 ours*3 seal commit");
    one(script(1), WHOLE, "begin claim limits*2 body constraints reset*8 ours*3 seal commit");
    one(script(2), WHOLE, "begin claim limits*2 body*2 constraints reset*8 ours*3 seal commit");
    one(script(300), WHOLE, "begin claim limits*2 body*300 constraints reset*8 ours*3 seal commit");
}

/* Behind a pooler in transaction mode the session is somebody else's. */
static void leaves_the_session_alone_where_it_must(void **state)
{
    (void)state;
    one(script(2), BARE, "begin quiet claim limits*2 body*2 constraints ours seal commit");
    one(script(0), BARE, "begin quiet claim limits*2 constraints ours seal commit");
}

/* The function is called where its body would be; its statements, if it had any, are not sent. */
static void a_migration_in_c_has_no_body_to_send(void **state)
{
    (void)state;
    struct inlay_script function = script(3);

    function.function = in_c;
    one(function, WHOLE, "begin claim limits*2 constraints reset*8 ours*3 seal commit");
}

static void goes_from_one_migration_to_the_next(void **state)
{
    (void)state;
    struct inlay_script scripts[3] = {script(2), script(0), script(1)};
    char text[512];

    walk(scripts, 3, WHOLE, 0, text, sizeof text);
    assert_string_equal(text,
                        "begin claim limits*2 body*2 constraints reset*8 ours*3 seal commit | "
                        "begin claim limits*2 constraints reset*8 ours*3 seal commit | "
                        "begin claim limits*2 body constraints reset*8 ours*3 seal commit");
}

/* All but the last. */
static void some_commits_need_not_wait_for_the_disk(void **state)
{
    (void)state;
    struct inlay_script scripts[2] = {script(0), script(0)};
    char text[512];

    walk(scripts, 2, WHOLE, 1, text, sizeof text);
    assert_string_equal(text,
                        "begin claim limits*2 constraints reset*8 ours*3 asynchronous seal commit"
                        " | begin claim limits*2 constraints reset*8 ours*3 seal commit");
    walk(scripts, 2, BARE, 1, text, sizeof text);
    assert_string_equal(text,
                        "begin quiet claim limits*2 constraints ours asynchronous seal commit |"
                        " begin quiet claim limits*2 constraints ours seal commit");
}

/* With a savepoint and what makes the transaction read before them, and their end after them. */
static void asks_what_verifies_it(void **state)
{
    (void)state;
    struct inlay_script one = script(1);
    struct inlay_script questions = script(3);
    const struct inlay_migration verified = {.verify = &questions};
    static const size_t expected[] = {VERIFY_BEFORE + 3 + VERIFY_AFTER, 0, 0};
    const struct step steps[] = {{.migration = &verified, .script = &one},
                                 {.migration = &verified, .script = &one, .down = true},
                                 {.migration = &verified, .script = &one, .recorded = true}};
    const struct course course = {.steps = steps};

    for (struct cursor at = {0}; at.step < COUNT(steps);) {
        size_t step = at.step;
        size_t count = 0;
        for (; at.step == step; inlay_phases_advance(&at, &course))
            count += at.phase == PHASE_VERIFY;
        assert_int_equal(count, expected[step]);
    }
}

/* By a statement that is prepared behind the first body and gone behind the last. */
static void seals_many_by_a_prepared_statement(void **state)
{
    (void)state;
    struct inlay_script one = script(1);
    struct step steps[5];
    struct course course = {.steps = steps, .first = 1, .sealed = 4, .again = 3};
    static const char *const expected[] = {"reset*8", "reset*8 prepare", "reset*7", "reset*7",
                                           "reset*8"};

    for (size_t i = 0; i < COUNT(steps); i++)
        steps[i] = (struct step){.migration = &migration, .script = &one};
    for (struct cursor at = {0}; at.step < COUNT(steps);) {
        size_t step = at.step;
        size_t counts[PHASE_COUNT] = {0};
        char text[64];

        for (; at.step == step; inlay_phases_advance(&at, &course))
            counts[at.phase]++;
        inlay_text_put(text, sizeof text, "reset*%zu%s", counts[PHASE_RESET],
                       counts[PHASE_PREPARE] == 1 ? " prepare" : "");
        assert_string_equal(text, expected[step]);
        assert_int_equal(counts[PHASE_SEAL], 1);
    }
    assert_string_equal(inlay_reset_statements[inlay_reset_count - 1], "DEALLOCATE ALL");
}

/* One that was prepared ahead is gone behind the first, with what its body has prepared. */
static void seals_the_first_by_what_was_prepared_ahead(void **state)
{
    (void)state;
    struct inlay_script one = script(1);
    struct step steps[2] = {{.migration = &migration, .script = &one},
                            {.migration = &migration, .script = &one}};
    struct course course = {.steps = steps, .sealed = 1, .ahead = true};
    static const char *const expected[] = {"reset*7 prepare*0 deallocate*1",
                                           "reset*8 prepare*0 deallocate*0"};

    for (struct cursor at = {0}; at.step < COUNT(steps);) {
        size_t step = at.step;
        size_t counts[PHASE_COUNT] = {0};
        char text[64];

        for (; at.step == step; inlay_phases_advance(&at, &course))
            counts[at.phase]++;
        inlay_text_put(text, sizeof text, "reset*%zu prepare*%zu deallocate*%zu",
                       counts[PHASE_RESET], counts[PHASE_PREPARE], counts[PHASE_DEALLOCATE]);
        assert_string_equal(text, expected[step]);
    }
}

static void resets_what_a_body_may_have_done_to_the_session(void **state)
{
    (void)state;
    static const char *const expected[] = {"RESET SESSION AUTHORIZATION",
                                           "RESET ROLE",
                                           "RESET ALL",
                                           "UNLISTEN *",
                                           "CLOSE ALL",
                                           "DISCARD TEMP",
                                           "DISCARD SEQUENCES",
                                           "DEALLOCATE ALL"};

    assert_int_equal(inlay_reset_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(inlay_reset_statements[i], expected[i]);
}

/* What a server does not know is an error there. */
static void sets_what_a_server_takes(void **state)
{
    (void)state;
    size_t oldest = inlay_setting_count(130000, true);

    assert_int_equal(oldest, inlay_setting_count(130022, false));
    assert_string_equal(inlay_own_settings[oldest].statement, "SET idle_session_timeout = '0'");
    assert_int_equal(inlay_setting_count(140000, false), oldest + 1);
    assert_int_equal(inlay_setting_count(180000, true), INLAY_SETTINGS);
    for (size_t i = 0; i < INLAY_SETTINGS; i++)
        assert_memory_equal(inlay_own_settings[i].statement, "SET ", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_a_message_for_each_statement),
        cmocka_unit_test(leaves_the_session_alone_where_it_must),
        cmocka_unit_test(a_migration_in_c_has_no_body_to_send),
        cmocka_unit_test(asks_what_verifies_it),
        cmocka_unit_test(goes_from_one_migration_to_the_next),
        cmocka_unit_test(some_commits_need_not_wait_for_the_disk),
        cmocka_unit_test(seals_many_by_a_prepared_statement),
        cmocka_unit_test(seals_the_first_by_what_was_prepared_ahead),
        cmocka_unit_test(resets_what_a_body_may_have_done_to_the_session),
        cmocka_unit_test(sets_what_a_server_takes),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}

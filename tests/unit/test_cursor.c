/* The conversation about a migration as a sequence of messages. */
#include "unit.h"

#include "compose.h"
#include "cursor.h"

static const char *const phase_names[PHASE_COUNT] = {
    "begin", "claim", "settings", "body", "constraints", "reset", "ours", "seal", "commit"};

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
    return script;
}

/* All messages of the steps: "begin claim body*3 ... commit | begin ...". */
static void walk(const struct inlay_script *scripts, size_t count, struct cursor_shape shape,
                 char *text, size_t size)
{
    struct step steps[4] = {{0}};
    struct cursor cursor = {0};
    size_t run = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        steps[i].script = &scripts[i];
    while (cursor.step < count) {
        struct cursor before = cursor;
        inlay_cursor_advance(&cursor, steps, &shape);
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

static void one(struct inlay_script script, struct cursor_shape shape, const char *expected)
{
    char text[512];

    walk(&script, 1, shape, text, sizeof text);
    assert_string_equal(text, expected);
}

static const struct cursor_shape whole = {.resets = 8, .settings = 1};
static const struct cursor_shape bare = {0};

static void sends_a_message_for_each_statement(void **state)
{
    (void)state;
    one(script(0), whole, "begin claim constraints reset*8 ours seal commit");
    one(script(1), whole, "begin claim body constraints reset*8 ours seal commit");
    one(script(2), whole, "begin claim body*2 constraints reset*8 ours seal commit");
    one(script(300), whole, "begin claim body*300 constraints reset*8 ours seal commit");
}

static void makes_settings_where_the_file_has_some(void **state)
{
    (void)state;
    static const int64_t values[] = {INLAY_UNSET, 0, 5000};

    for (size_t l = 0; l < COUNT(values); l++)
        for (size_t s = 0; s < COUNT(values); s++) {
            const struct inlay_settings settings = {.lock_timeout_ms = values[l],
                                                    .statement_timeout_ms = values[s]};
            struct inlay_script with = script(1);
            with.settings = &settings;
            one(with, whole,
                l == 0 && s == 0
                    ? "begin claim body constraints reset*8 ours seal commit"
                    : "begin claim settings body constraints reset*8 ours seal commit");
        }
    /* An isolation level is the BEGIN's, not a message. */
    const struct inlay_settings serializable = {.lock_timeout_ms = INLAY_UNSET,
                                                .statement_timeout_ms = INLAY_UNSET,
                                                .isolation = INLAY_ISOLATION_SERIALIZABLE};
    struct inlay_script isolated = script(1);
    isolated.settings = &serializable;
    one(isolated, whole, "begin claim body constraints reset*8 ours seal commit");
}

/* Behind a pooler in transaction mode the session is somebody else's. */
static void leaves_the_session_alone_where_it_must(void **state)
{
    (void)state;
    const struct inlay_settings settings = {.lock_timeout_ms = 1,
                                            .statement_timeout_ms = INLAY_UNSET};
    struct inlay_script with = script(2);

    one(script(2), bare, "begin claim body*2 constraints seal commit");
    with.settings = &settings;
    one(with, bare, "begin claim settings body*2 constraints seal commit");
    one(script(0), bare, "begin claim constraints seal commit");
}

/* The function is called where its body would be; its statements, if it had any, are not sent. */
static void a_migration_in_c_has_no_body_to_send(void **state)
{
    (void)state;
    struct inlay_script function = script(3);

    function.function = in_c;
    one(function, whole, "begin claim constraints reset*8 ours seal commit");
}

static void goes_from_one_migration_to_the_next(void **state)
{
    (void)state;
    struct inlay_script scripts[3] = {script(2), script(0), script(1)};
    const struct cursor_shape shape = {.resets = 2, .settings = 1};
    const struct inlay_settings settings = {.lock_timeout_ms = INLAY_UNSET,
                                            .statement_timeout_ms = 0};
    char text[512];

    scripts[2].settings = &settings;
    walk(scripts, 3, shape, text, sizeof text);
    assert_string_equal(text, "begin claim body*2 constraints reset*2 ours seal commit | "
                              "begin claim constraints reset*2 ours seal commit | "
                              "begin claim settings body constraints reset*2 ours seal commit");
}

static void resets_what_a_body_may_have_done_to_the_session(void **state)
{
    (void)state;
    static const char *const expected[] = {"RESET SESSION AUTHORIZATION",
                                           "RESET ROLE",
                                           "RESET ALL",
                                           "UNLISTEN *",
                                           "DEALLOCATE ALL",
                                           "CLOSE ALL",
                                           "DISCARD TEMP",
                                           "DISCARD SEQUENCES"};

    assert_int_equal(inlay_reset_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(inlay_reset_statements[i], expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_a_message_for_each_statement),
        cmocka_unit_test(makes_settings_where_the_file_has_some),
        cmocka_unit_test(leaves_the_session_alone_where_it_must),
        cmocka_unit_test(a_migration_in_c_has_no_body_to_send),
        cmocka_unit_test(goes_from_one_migration_to_the_next),
        cmocka_unit_test(resets_what_a_body_may_have_done_to_the_session),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}

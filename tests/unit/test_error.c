/* Errors: filling them, and writing them as a compiler would. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static const struct inlay_set set = {.directory = "migrations"};

static void every_code_has_a_name(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *name;
    } cases[] = {
        {INLAY_OK, "ok"},
        {INLAY_E_FAILED, "failed"},
        {INLAY_E_ARGUMENT, "argument"},
        {INLAY_E_PENDING, "pending"},
        {INLAY_E_MISMATCH, "mismatch"},
        {INLAY_E_LOCKED, "locked"},
        {INLAY_E_CONNECTION, "connection"},
        {INLAY_E_REFUSED, "refused"},
        {INLAY_E_LOST, "lost"},
        {INLAY_E_STOPPED, "stopped"},
        {INLAY_E_MEMORY, "memory"},
        {INLAY_E_MEMORY - 1, "unknown"},
        {1, "unknown"},
        {INT32_MAX, "unknown"},
        {INT32_MIN, "unknown"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(inlay_code_name(cases[i].code), cases[i].name);
}

static void setting_forgets_what_was_there(void **state)
{
    (void)state;
    struct inlay_error err;

    memset(&err, 'x', sizeof err);
    assert_int_equal(inlay_error_set(&err, INLAY_E_FAILED, "%d of %s", 3, "them"), INLAY_E_FAILED);
    assert_int_equal(err.code, INLAY_E_FAILED);
    assert_string_equal(err.message, "3 of them");
    assert_int_equal(err.version, -1);
    assert_int_equal(err.line, 0);
    assert_int_equal(err.column, 0);
    assert_string_equal(err.sqlstate, "");
    assert_string_equal(err.path, "");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.context, "");
    assert_string_equal(err.excerpt, "");
    assert_string_equal(err.outcome, "");
}

static void says_that_memory_is_out(void **state)
{
    (void)state;
    struct inlay_error err;

    assert_int_equal(inlay_error_memory(&err), INLAY_E_MEMORY);
    assert_int_equal(err.code, INLAY_E_MEMORY);
    assert_string_equal(err.message, "out of memory");
}

static void a_caller_need_not_want_the_error(void **state)
{
    (void)state;
    struct inlay_error err;
    struct inlay_error copy;

    inlay_error_set(&err, INLAY_E_REFUSED, "no");
    assert_int_equal(inlay_error_give(INLAY_E_REFUSED, &err, NULL), INLAY_E_REFUSED);
    assert_int_equal(inlay_error_give(INLAY_E_REFUSED, &err, &copy), INLAY_E_REFUSED);
    assert_int_equal(copy.code, INLAY_E_REFUSED);
    assert_string_equal(copy.message, "no");
}

static void nothing_is_left_of_what_was_overcome(void **state)
{
    (void)state;
    struct inlay_error err;
    struct inlay_error copy;

    inlay_error_set(&err, INLAY_E_LOST, "for a while");
    assert_int_equal(inlay_error_give(INLAY_OK, &err, &copy), INLAY_OK);
    assert_int_equal(copy.code, INLAY_OK);
    assert_string_equal(copy.message, "");
    assert_int_equal(copy.version, -1);
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    struct inlay_error err;
    char text[2 * sizeof err.message];
    uint32_t seed = 1;

    for (size_t i = 0; i < 500; i++) {
        unit_random_text(&seed, text, sizeof text - 1);
        inlay_error_set(&err, INLAY_E_FAILED, "%s", text);
        size_t length = unit_cut(text, sizeof err.message - 1);
        assert_int_equal(strlen(err.message), length);
        assert_memory_equal(err.message, text, length);
    }
}

static void a_long_path_is_cut_between_characters(void **state)
{
    (void)state;
    struct inlay_error err;
    char text[2 * sizeof err.path] = "";
    char whole[2 * sizeof err.path + 16];

    for (size_t i = 0; i < 100; i++) {
        struct inlay_script script = unit_script(text, "");
        inlay_error_clear(&err);
        inlay_error_file(&err, &set, &script);
        snprintf(whole, sizeof whole, "migrations/%s", text);
        whole[unit_cut(whole, sizeof err.path - 1)] = '\0';
        assert_string_equal(err.path, whole);
        inlay_text_add(text, sizeof text, "%s", i % 3 == 0 ? "\xF0\x9F\x90\x98" : "\xE2\x82\xAC");
    }
}

/* The error of which the examples below are variations. */
static struct inlay_error failed_update(void)
{
    static const char text[] = "UPDATE accounts\n   SET seats = 1\n WHERE sets > 0;\n";
    const struct inlay_script script = unit_script("0042_add_seats.up.sql", text);
    struct inlay_error err;

    inlay_error_set(&err, INLAY_E_FAILED, "column \"sets\" does not exist");
    inlay_error_place(&err, &set, &script, (size_t)(strstr(text, "sets") - text));
    memcpy(err.sqlstate, "42703", 6);
    return err;
}

#define HEADLINE                                                                                   \
    "migrations/0042_add_seats.up.sql:3:8: error: column \"sets\" does not exist [42703]\n"
#define EXCERPT "    3 |  WHERE sets > 0;\n      |        ^\n"

static void reads_as_a_compiler_error(void **state)
{
    (void)state;
    struct inlay_error err = failed_update();
    char text[INLAY_ERROR_TEXT_MAX];

    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, HEADLINE EXCERPT);

    inlay_text_put(err.hint, sizeof err.hint, "Perhaps you meant \"seats\".");
    inlay_text_put(err.outcome, sizeof err.outcome, "nothing was kept; fix the file");
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, HEADLINE EXCERPT "  hint: Perhaps you meant \"seats\".\n"
                                               "nothing was kept; fix the file\n");

    inlay_text_put(err.detail, sizeof err.detail, "one line\nanother\n");
    inlay_text_put(err.context, sizeof err.context, "PL/pgSQL function f()\n\nin: SELECT 1");
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, HEADLINE EXCERPT "  detail: one line\n"
                                               "    another\n"
                                               "  context: PL/pgSQL function f()\n"
                                               "    \n"
                                               "    in: SELECT 1\n"
                                               "  hint: Perhaps you meant \"seats\".\n"
                                               "nothing was kept; fix the file\n");
}

static void leaves_out_what_is_not_known(void **state)
{
    (void)state;
    struct inlay_error err;
    char text[INLAY_ERROR_TEXT_MAX];

    inlay_error_set(&err, INLAY_E_CONNECTION, "nobody there");
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, "error: nobody there\n");

    memcpy(err.sqlstate, "57P03", 6);
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, "error: nobody there [57P03]\n");

    inlay_text_put(err.path, sizeof err.path, "migrations/1_a.sql");
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, "migrations/1_a.sql: error: nobody there [57P03]\n");

    inlay_text_put(err.message, sizeof err.message, "first\nnothing was kept");
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, "migrations/1_a.sql: error: first\n    nothing was kept [57P03]\n");

    inlay_error_clear(&err);
    inlay_error_format(&err, text, sizeof text);
    assert_string_equal(text, "error: \n");
}

/* Each size on a heap block of that size, so that a sanitizer sees a byte too many. */
static void writes_no_more_than_it_may(void **state)
{
    (void)state;
    struct inlay_error err = failed_update();
    char whole[INLAY_ERROR_TEXT_MAX];

    inlay_text_put(err.detail, sizeof err.detail, "one line\nanother");
    inlay_text_put(err.hint, sizeof err.hint, "Perhaps.");
    inlay_text_put(err.outcome, sizeof err.outcome, "nothing was kept");
    size_t length = inlay_error_format(&err, whole, sizeof whole);
    assert_int_equal(length, strlen(whole));
    assert_int_equal(inlay_error_format(&err, NULL, 0), length);
    for (size_t size = 1; size <= length + 2; size++) {
        char *part = malloc(size);
        assert_non_null(part);
        memset(part, 'x', size);
        assert_int_equal(inlay_error_format(&err, part, size), length);
        size_t fits = size - 1 < length ? size - 1 : length;
        assert_memory_equal(part, whole, fits);
        assert_int_equal(part[fits], '\0');
        free(part);
    }
}

static void formats_no_error_as_nothing(void **state)
{
    (void)state;
    char text[8] = "before";

    assert_int_equal(inlay_error_format(NULL, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(inlay_error_format(NULL, NULL, 0), 0);
}

static void a_host_need_not_say_why_it_refuses(void **state)
{
    (void)state;
    struct inlay_error err;

    assert_int_equal(inlay_refuse(NULL, "no"), INLAY_E_REFUSED);
    assert_int_equal(inlay_refuse(&err, NULL), INLAY_E_REFUSED);
    assert_string_equal(err.message, "the program refused, and did not say why");
}

static void fill(char *text, size_t size)
{
    memset(text, 'x', size - 1);
    text[size - 1] = '\0';
    for (size_t i = 40; i + 1 < size; i += 40)
        text[i] = '\n';
}

/* The longest of each text, in lines of 40 characters. */
static void the_published_size_holds_a_full_error(void **state)
{
    (void)state;
    struct inlay_error err = {.line = UINT32_MAX, .column = UINT32_MAX, .sqlstate = "XX000"};
    char text[INLAY_ERROR_TEXT_MAX];

    fill(err.path, sizeof err.path);
    fill(err.message, sizeof err.message);
    fill(err.detail, sizeof err.detail);
    fill(err.hint, sizeof err.hint);
    fill(err.context, sizeof err.context);
    fill(err.excerpt, sizeof err.excerpt);
    fill(err.outcome, sizeof err.outcome);
    assert_in_range(inlay_error_format(&err, text, sizeof text), 1, sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name),
        cmocka_unit_test(setting_forgets_what_was_there),
        cmocka_unit_test(says_that_memory_is_out),
        cmocka_unit_test(a_caller_need_not_want_the_error),
        cmocka_unit_test(nothing_is_left_of_what_was_overcome),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(a_long_path_is_cut_between_characters),
        cmocka_unit_test(reads_as_a_compiler_error),
        cmocka_unit_test(leaves_out_what_is_not_known),
        cmocka_unit_test(writes_no_more_than_it_may),
        cmocka_unit_test(formats_no_error_as_nothing),
        cmocka_unit_test(a_host_need_not_say_why_it_refuses),
        cmocka_unit_test(the_published_size_holds_a_full_error),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}

/* Text made safe and measured, and JSON strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inlay.h>
#include <string.h>

#include "writing/json.h"
#include "writing/table.h"
#include "writing/text.h"

static const char *escaped(const char *text)
{
    static struct buffer out;
    inlay_cli_buffer_clear(&out);
    inlay_cli_buffer_text(&out, "");
    inlay_cli_text_escape(&out, text, "\n");
    return out.data;
}

static void spells_out_what_steers_a_terminal(void **state)
{
    (void)state;
    assert_string_equal(escaped("plain \xC3\xA9 \xE6\x97\xA5 \xF0\x9F\x90\x98"),
                        "plain \xC3\xA9 \xE6\x97\xA5 \xF0\x9F\x90\x98");
    assert_string_equal(escaped("\033[31m\a\x7F\r\t"), "\\x1b[31m\\x07\\x7f\\x0d\\x09");
    assert_string_equal(escaped("\xC2\x9B"), "\\u009b");
    assert_string_equal(escaped("\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x8F"), "\\u202e\\u2066\\u200f");
    assert_string_equal(escaped("kept\n"), "kept\n");
    assert_string_equal(escaped("ti\xE2\x80\x8Bme\xC2\xAD \xEF\xBB\xBF\xF3\xA0\x81\x81"),
                        "ti\\u200bme\\u00ad \\ufeff\\ue0041");
}

#define FFFD "\xEF\xBF\xBD"

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"\x80", FFFD},
        {"a\xFFz", "a" FFFD "z"},
        {"\xC3", FFFD},                            /* cut */
        {"\xC3z", FFFD "z"},                       /* no continuation */
        {"\xC0\xAF", FFFD FFFD},                   /* longer than needed */
        {"\xE0\x80\xAF", FFFD FFFD FFFD},          /* longer than needed */
        {"\xED\xA0\x80", FFFD FFFD FFFD},          /* surrogate */
        {"\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD}, /* above U+10FFFF */
        {"\xF0\x9F\x90", FFFD FFFD FFFD},          /* cut */
        {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},  /* U+10FFFF itself */
        {"\xED\x9F\xBF\xEE\x80\x80", "\xED\x9F\xBF\xEE\x80\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(escaped(cases[i].bytes), cases[i].text);
}

static void measures_columns(void **state)
{
    (void)state;
    assert_int_equal(inlay_cli_text_width(""), 0);
    assert_int_equal(inlay_cli_text_width("abc"), 3);
    assert_int_equal(inlay_cli_text_width("\xC3\xA9"), 1);
    assert_int_equal(inlay_cli_text_width("e\xCC\x81"), 1);                /* e, acute */
    assert_int_equal(inlay_cli_text_width("\xE6\x97\xA5\xE6\x9C\xAC"), 4); /* two ideographs */
    assert_int_equal(inlay_cli_text_width("\xF0\x9F\x90\x98"), 2);         /* an elephant */
    assert_int_equal(inlay_cli_text_width("\xED\x95\x9C"), 2);             /* Hangul */
}

static void cuts_between_characters(void **state)
{
    (void)state;
    struct buffer out = {0};
    inlay_cli_text_cut(&out, "a\xE6\x97\xA5z", 2);
    assert_string_equal(out.data, "a");
    inlay_cli_buffer_clear(&out);
    inlay_cli_text_cut(&out, "a\xE6\x97\xA5z", 3);
    assert_string_equal(out.data, "a\xE6\x97\xA5");
    inlay_cli_buffer_clear(&out);
    inlay_cli_text_cut(&out, "e\xCC\x81x", 1);
    assert_string_equal(out.data, "e\xCC\x81");
    inlay_cli_buffer_free(&out);
}

static void shortens_in_the_middle(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
        const char *shortened;
    } cases[] = {
        {"001_add_roles", 13, "001_add_roles"},
        {"001_add_roles", 12, "001_a...oles"},
        {"001_add_roles", 11, "001_...oles"},
        {"001_add_roles", 4, "0..."},
        {"001_add_roles", 3, "001"},
        {"001_add_roles", 0, ""},
        {"a\xE6\x97\xA5\xE6\x97\xA5z", 5, "a...z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        inlay_cli_text_shorten(&out, cases[i].text, cases[i].columns);
        assert_string_equal(out.data, cases[i].shortened);
        inlay_cli_buffer_free(&out);
    }
}

/* The first rank goes at once, then the names give way, then the other ranks. */
static void a_table_fits_its_terminal(void **state)
{
    (void)state;
    static const struct column columns[] = {
        {.title = "name", .shortens = true},
        {.title = "ms", .right = true, .rank = 2},
        {.title = "sum", .rank = 1},
        {.title = "note"},
    };
    static const struct {
        size_t width;
        const char *text;
    } cases[] = {
        {0, "name                   ms  sum   note\n001_add_more_columns  123  6097  late\n"},
        {37, "name                   ms  sum   note\n001_add_more_columns  123  6097  late\n"},
        {36, "name                   ms  note\n001_add_more_columns  123  late\n"},
        {30, "name                  ms  note\n001_add_..._columns  123  late\n"},
        {27, "name               ms  note\n001_add...olumns  123  late\n"},
        {24, "name                note\n001_add_...columns  late\n"},
        {10, "name              note\n001_add...olumns  late\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table table = {.columns = columns, .column_count = 4, .width = cases[i].width};
        struct buffer out = {0};
        inlay_cli_table_cell(&table, STYLE_PLAIN, "001_add_more_columns");
        inlay_cli_table_cell(&table, STYLE_PLAIN, "123");
        inlay_cli_table_cell(&table, STYLE_PLAIN, "6097");
        inlay_cli_table_cell(&table, STYLE_PLAIN, "late");
        inlay_cli_table_print(&table, &out);
        assert_string_equal(out.data, cases[i].text);
        inlay_cli_buffer_free(&out);
    }
}

static void writes_durations(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0 ms"},
        {999, "999 ms"},
        {1000, "1.0 s"},
        {59999, "59.9 s"},
        {60000, "1 min 0 s"},
        {3599999, "59 min 59 s"},
        {3600000, "1 h 0 min"},
        {90061000, "25 h 1 min"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        inlay_cli_text_duration(&out, cases[i].ms);
        assert_string_equal(out.data, cases[i].text);
        inlay_cli_buffer_free(&out);
    }
}

static void writes_json(void **state)
{
    (void)state;
    struct json json = {0};
    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "a\"b", "\"\\/\b\f\n\r\t\x01\x1F\x7F\xE2\x80\xA8");
    inlay_cli_json_text(&json, "none", NULL);
    inlay_cli_json_text_or_null(&json, "empty", "");
    inlay_cli_json_number(&json, "least", INT64_MIN);
    inlay_cli_json_number_or_null(&json, "unset", -1);
    inlay_cli_json_version(&json, "version", INT64_MAX);
    inlay_cli_json_version(&json, "no version", -1);
    inlay_cli_json_open(&json, "list", '[');
    inlay_cli_json_bool(&json, NULL, true);
    inlay_cli_json_open(&json, NULL, '[');
    inlay_cli_json_close(&json, ']');
    inlay_cli_json_bool(&json, NULL, false);
    inlay_cli_json_close(&json, ']');
    inlay_cli_json_text(&json, "tag", "a\xF3\xA0\x81\x81");
    inlay_cli_json_null(&json, "last");
    inlay_cli_json_close(&json, '}');
    assert_string_equal(
        json.text.data,
        "{\"a\\\"b\": \"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u2028\", "
        "\"none\": null, \"empty\": null, \"least\": -9223372036854775808, "
        "\"unset\": null, \"version\": \"9223372036854775807\", "
        "\"no version\": null, \"list\": [true, [], false], \"tag\": \"a\\udb40\\udc41\", "
        "\"last\": null}");
    inlay_cli_json_free(&json);
}

static void labels_a_migration_as_its_file_is_called(void **state)
{
    (void)state;
    static const struct {
        struct inlay_migration migration;
        const char *label;
    } cases[] = {
        {{.version = 3, .name = "a_b", .up = {.path = "003_a_b.up.sql"}}, "003_a_b"},
        {{.version = 3, .name = "a b", .up = {.path = "deep/03_a_b.sql"}}, "03_a b"},
        {{.version = 3, .name = "a", .up = {.path = "V3__a.sql"}}, "3_a"},
        {{.version = INLAY_REPEATABLE, .name = "a", .up = {.path = "R__a.sql"}}, "R__a"},
        {{.version = INLAY_REPEATABLE, .name = "a", .up = {.path = "9/R__a.sql"}}, "R__a"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        inlay_cli_text_label(&out, &cases[i].migration);
        assert_string_equal(out.data, cases[i].label);
        inlay_cli_buffer_free(&out);
    }
}

static void counts_the_migrations_of_a_set(void **state)
{
    (void)state;
    static const struct {
        size_t migrations, repeatables;
        const char *text;
    } cases[] = {
        {0, 0, "0 migrations"},
        {1, 0, "1 migration"},
        {2, 1, "2 migrations and 1 repeatable"},
        {0, 2, "2 repeatables"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct inlay_set set = {.migration_count = cases[i].migrations,
                                      .repeatable_count = cases[i].repeatables};
        struct buffer out = {0};
        inlay_cli_text_size(&out, &set);
        assert_string_equal(out.data, cases[i].text);
        inlay_cli_buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spells_out_what_steers_a_terminal),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(measures_columns),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(shortens_in_the_middle),
        cmocka_unit_test(a_table_fits_its_terminal),
        cmocka_unit_test(writes_durations),
        cmocka_unit_test(writes_json),
        cmocka_unit_test(labels_a_migration_as_its_file_is_called),
        cmocka_unit_test(counts_the_migrations_of_a_set),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

/* Places in a script: line, column and the excerpt with its caret. */
#include "unit.h"

#include "base/error.h"

static const struct inlay_set set = {.directory = "migrations"};

static struct inlay_error place(const char *text, size_t offset)
{
    const struct inlay_script script = unit_script("001_a.sql", text);
    struct inlay_error err;

    inlay_error_clear(&err);
    inlay_error_place(&err, &set, &script, offset);
    assert_string_equal(err.path, "migrations/001_a.sql");
    return err;
}

struct example {
    const char *text;
    size_t offset;
    uint32_t line, column;
    const char *excerpt;
};

static void shows(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct inlay_error err = place(examples[i].text, examples[i].offset);
        assert_string_equal(err.excerpt, examples[i].excerpt);
        assert_int_equal(err.line, examples[i].line);
        assert_int_equal(err.column, examples[i].column);
    }
}

static void counts_lines_and_characters(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT 1", 0, 1, 1, "    1 | SELECT 1\n      | ^\n"},
        {"SELECT 1", 7, 1, 8, "    1 | SELECT 1\n      |        ^\n"},
        {"a;\nbc;\n", 3, 2, 1, "    2 | bc;\n      | ^\n"},
        {"a;\nbc;\n", 5, 2, 3, "    2 | bc;\n      |   ^\n"},
        {"a\n\n\nb", 2, 2, 1, "    2 | \n      | ^\n"},
        {"a\n\n\nb", 4, 4, 1, "    4 | b\n      | ^\n"},
        /* Two, three and four bytes are one character each. */
        {"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x98 x", 12, 1, 7,
         "    1 | \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x98 x\n      |       ^\n"},
        {"-- \xC3\xA9\n\xC3\xA9x", 8, 2, 2, "    2 | \xC3\xA9x\n      |  ^\n"},
        /* A byte order mark is not in the text; one in the middle is a character. */
        {"\xEF\xBB\xBFx", 3, 1, 2, "    1 | \xEF\xBB\xBFx\n      |  ^\n"},
    };

    shows(examples, COUNT(examples));
}

static void finds_the_ends_of_lines_and_texts(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"", 0, 1, 1, "    1 | \n      | ^\n"},
        {"", 9, 1, 1, "    1 | \n      | ^\n"},
        {"ab", 2, 1, 3, "    1 | ab\n      |   ^\n"},
        {"ab", 99, 1, 3, "    1 | ab\n      |   ^\n"}, /* beyond the end is the end */
        {"ab\n", 2, 1, 3, "    1 | ab\n      |   ^\n"},
        {"ab\n", 3, 2, 1, "    2 | \n      | ^\n"},
        {"\n", 0, 1, 1, "    1 | \n      | ^\n"},
        {"\n", 1, 2, 1, "    2 | \n      | ^\n"},
    };

    shows(examples, COUNT(examples));
}

static void a_carriage_return_belongs_to_the_line_break(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"ab\r\ncd\r\n", 1, 1, 2, "    1 | ab\n      |  ^\n"},
        {"ab\r\ncd\r\n", 2, 1, 3, "    1 | ab\n      |   ^\n"}, /* at it */
        {"ab\r\ncd\r\n", 5, 2, 2, "    2 | cd\n      |  ^\n"},
        {"ab\r\ncd\r\n", 8, 3, 1, "    3 | \n      | ^\n"},
        {"ab\r", 1, 1, 2, "    1 | ab\n      |  ^\n"},
        {"\r\n", 0, 1, 1, "    1 | \n      | ^\n"},
        /* Alone it breaks no line: the server does not count it either. */
        {"a\rb", 2, 1, 3, "    1 | a b\n      |   ^\n"},
    };

    shows(examples, COUNT(examples));
}

static void tabs_stand_in_both_lines(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"\tx", 0, 1, 1, "    1 | \tx\n      | ^\n"},
        {"\tx", 1, 1, 2, "    1 | \tx\n      | \t^\n"},
        {"a\tb\t\tx", 5, 1, 6, "    1 | a\tb\t\tx\n      |  \t \t\t^\n"},
    };

    shows(examples, COUNT(examples));
}

static void leaves_the_terminal_in_peace(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"\033[31mx", 5, 1, 6, "    1 |  [31mx\n      |      ^\n"},
        {"a\x01\x1F\b\f\vx", 6, 1, 7, "    1 | a     x\n      |       ^\n"},
        {"a\x7Fx", 2, 1, 3, "    1 | a x\n      |   ^\n"},
        {"\x1Bx", 0, 1, 1, "    1 |  x\n      | ^\n"},
        /* U+009B is what ESC [ is; U+0080 and U+009F are the ends of its kind. */
        {"a\xC2\x9B"
         "31mx",
         6, 1, 6, "    1 | a 31mx\n      |      ^\n"},
        {"\xC2\x80\xC2\x9F\xC2\xA0x", 6, 1, 4, "    1 |   \xC2\xA0x\n      |    ^\n"},
        {"x\xC2\x9B", 0, 1, 1, "    1 | x \n      | ^\n"},
    };

    shows(examples, COUNT(examples));
}

static void line_numbers_line_up(void **state)
{
    (void)state;
    static char text[100001];
    memset(text, '\n', sizeof text - 1);

    assert_string_equal(place(text, 41).excerpt, "   42 | \n      | ^\n");
    assert_string_equal(place(text, 99998).excerpt, "99999 | \n      | ^\n");
    assert_int_equal(place(text, 99999).line, 100000);
}

/* What an excerpt shows, taken apart again. */
struct shown {
    char line[512];
    size_t indent; /* bytes before the caret: a space or tab for each character */
    size_t at;     /* the byte above the caret */
};

static struct shown take_apart(const char *excerpt)
{
    struct shown shown;
    const char *end = strchr(excerpt, '\n');
    const char *caret = strchr(end, '|') + 2;

    memcpy(shown.line, excerpt + 8, (size_t)(end - excerpt) - 8);
    shown.line[end - excerpt - 8] = '\0';
    shown.indent = strspn(caret, " \t");
    assert_string_equal(caret + shown.indent, "^\n");
    shown.at = 0;
    for (size_t i = 0; i < shown.indent; i++) {
        assert_int_equal(caret[i] == '\t', shown.line[shown.at] == '\t');
        shown.at += inlay_text_character(shown.line + shown.at, 4);
    }
    return shown;
}

static void shows_the_surroundings_in_a_long_line(void **state)
{
    (void)state;
    static char text[5001];
    memset(text, 'x', sizeof text - 1);
    text[2500] = '!';

    struct inlay_error err = place(text, 2500);
    assert_int_equal(err.column, 2501);
    struct shown shown = take_apart(err.excerpt);
    assert_int_equal(shown.indent, 100);
    assert_int_equal(strlen(shown.line), 200);
    assert_int_equal(shown.line[shown.at], '!');

    shown = take_apart(place(text, 0).excerpt);
    assert_int_equal(shown.indent, 0);
    assert_int_equal(strlen(shown.line), 100);
    shown = take_apart(place(text, 5000).excerpt);
    assert_int_equal(shown.indent, 100);
    assert_int_equal(strlen(shown.line), 100);
}

/* Wherever the place is, the caret stands under its character, and no character is split. */
static void the_caret_stands_under_the_character(void **state)
{
    (void)state;
    uint32_t seed = 42;
    char text[700];

    for (size_t round = 0; round < 200; round++) {
        unit_random_text(&seed, text, unit_random(&seed, sizeof text - 1));
        uint32_t column = 1;
        for (size_t at = 0; text[at] != '\0'; at += inlay_text_character(text + at, 4)) {
            struct inlay_error err = place(text, at);
            struct shown shown = take_apart(err.excerpt);
            assert_int_equal(err.column, column++);
            assert_true(unit_is_utf8(err.excerpt));
            assert_memory_equal(shown.line + shown.at, text + at,
                                inlay_text_character(text + at, 4));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_lines_and_characters),
        cmocka_unit_test(finds_the_ends_of_lines_and_texts),
        cmocka_unit_test(a_carriage_return_belongs_to_the_line_break),
        cmocka_unit_test(tabs_stand_in_both_lines),
        cmocka_unit_test(leaves_the_terminal_in_peace),
        cmocka_unit_test(line_numbers_line_up),
        cmocka_unit_test(shows_the_surroundings_in_a_long_line),
        cmocka_unit_test(the_caret_stands_under_the_character),
    };
    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}

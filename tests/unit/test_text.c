/* Bounded text: what fits is kept, what does not is cut between characters. Much of it on random
 * texts and on buffers of exactly their size, for the sanitizers. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static char *exactly(size_t size)
{
    char *buffer = malloc(size);

    assert_non_null(buffer);
    memset(buffer, 'x', size);
    return buffer;
}

static void puts_what_fits(void **state)
{
    (void)state;
    uint32_t seed = 11;
    char text[64];

    for (size_t round = 0; round < 300; round++) {
        unit_random_text(&seed, text, unit_random(&seed, sizeof text));
        for (size_t size = 1; size <= strlen(text) + 2; size++) {
            char *buffer = exactly(size);
            inlay_text_put(buffer, size, "%s", text);
            size_t length = unit_cut(text, size - 1);
            assert_int_equal(strlen(buffer), length);
            assert_memory_equal(buffer, text, length);
            inlay_text_set(buffer, size, text);
            assert_int_equal(strlen(buffer), length);
            assert_memory_equal(buffer, text, length);
            free(buffer);
        }
    }
}

static void adds_what_fits(void **state)
{
    (void)state;
    uint32_t seed = 12;
    char first[32];
    char second[32];

    for (size_t round = 0; round < 300; round++) {
        unit_random_text(&seed, first, unit_random(&seed, sizeof first));
        unit_random_text(&seed, second, unit_random(&seed, sizeof second));
        for (size_t size = 1; size <= strlen(first) + strlen(second) + 2; size++) {
            char *buffer = exactly(size);
            inlay_text_put(buffer, size, "%s", first);
            size_t length = strlen(buffer);
            inlay_text_add(buffer, size, "%s", second);
            assert_memory_equal(buffer, first, length);
            size_t more = unit_cut(second, size - 1 - length);
            assert_int_equal(strlen(buffer), length + more);
            assert_memory_equal(buffer + length, second, more);
            free(buffer);
        }
    }
}

/* What is not UTF-8 at all must do no harm. */
static void survives_bytes_that_are_no_characters(void **state)
{
    (void)state;
    uint32_t seed = 13;
    char text[24];

    for (size_t round = 0; round < 5000; round++) {
        size_t length = unit_random(&seed, sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(0x80 + unit_random(&seed, 0x80));
        text[length] = '\0';
        size_t size = 1 + unit_random(&seed, sizeof text);
        char *buffer = exactly(size);
        inlay_text_put(buffer, size, "%s", text);
        assert_memory_equal(buffer, text, strlen(buffer));
        size_t fits = length < size ? length : size - 1;
        assert_in_range(strlen(buffer) + 3, fits, fits + 3);
        free(buffer);
    }
}

static void formats_onto_the_heap(void **state)
{
    (void)state;
    char *text = inlay_text_new("%s-%d", "a", 7);

    assert_string_equal(text, "a-7");
    free(text);
    text = inlay_text_new("%09000d", 1);
    assert_int_equal(strlen(text), 9000);
    free(text);
    text = inlay_text_new("%05000d", 1);
    assert_int_equal(strlen(text), 5000);
    free(text);
    text = inlay_text_new("%s", "");
    assert_string_equal(text, "");
    free(text);
}

static void copies_a_text_that_may_be_null(void **state)
{
    (void)state;
    char buffer[] = "text";
    char *copy = buffer;

    assert_true(inlay_text_copy(NULL, &copy));
    assert_null(copy);
    assert_true(inlay_text_copy("100 %s", &copy));
    assert_string_equal(copy, "100 %s");
    free(copy);
}

static void quotes_literals_and_identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char quote;
        const char *quoted;
    } cases[] = {
        {"", '\'', "''"},
        {"plain", '"', "\"plain\""},
        {"it's", '\'', "'it''s'"},
        {"it's", '"', "\"it's\""},
        {"'", '\'', "''''"},
        {"\"\"", '"', "\"\"\"\"\"\""},
        {"back\\slash", '\'', "'back\\slash'"},
        {"\xC3\xA9", '\'', "'\xC3\xA9'"},
        {"\xFF'; --", '\'', "'\xFF''; --'"}, /* not UTF-8: a quote is one all the same */
        {"\xE2\x82\"", '"', "\"\xE2\x82\"\"\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char quoted[32];
        inlay_text_quote(quoted, sizeof quoted, cases[i].text, cases[i].quote);
        assert_string_equal(quoted, cases[i].quoted);
    }
}

/* Takes the quotes off again; asserts that none stands alone. */
static void unquote(const char *quoted, char quote, char *text)
{
    size_t length = strlen(quoted);

    assert_true(length >= 2 && quoted[0] == quote && quoted[length - 1] == quote);
    for (size_t i = 1; i < length - 1; i++) {
        *text++ = quoted[i];
        if (quoted[i] == quote) {
            i++;
            assert_true(i < length - 1 && quoted[i] == quote);
        }
    }
    *text = '\0';
}

static size_t quoted_length(const char *text, char quote)
{
    size_t length = strlen(text) + 2;

    for (; *text != '\0'; text++)
        length += *text == quote;
    return length;
}

static void a_quoted_text_that_is_cut_is_still_one(void **state)
{
    (void)state;
    uint32_t seed = 14;
    char text[40];
    char back[100];

    for (size_t round = 0; round < 500; round++) {
        unit_random_text(&seed, text, unit_random(&seed, sizeof text));
        for (size_t size = 3; size <= 2 * sizeof text + 3; size++) {
            char *quoted = exactly(size);
            inlay_text_quote(quoted, size, text, '"');
            unquote(quoted, '"', back);
            assert_memory_equal(back, text, strlen(back));
            assert_true(unit_is_utf8(quoted));
            assert_int_equal(size > quoted_length(text, '"'), strcmp(back, text) == 0);
            free(quoted);
        }
    }
}

static void measures_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t left, length;
    } cases[] = {
        {"a", 1, 1},
        {"a", 9, 1},
        {"\xC3\xA9", 2, 2},
        {"\xDF\xBF", 2, 2},     /* the last of two bytes */
        {"\xE0\xA0\x80", 3, 3}, /* the first of three */
        {"\xE2\x82\xAC", 3, 3},
        {"\xEF\xBF\xBF", 3, 3},
        {"\xF0\x9F\x90\x98", 4, 4},
        {"\xF0\x9F\x90\x98", 2, 2}, /* no more than there is */
        {"\xC3", 1, 1},
        {"\x80", 4, 1}, /* the middle of one */
        {"\xFF", 4, 1},
        {"\xC3'", 2, 1}, /* begun, and not gone on with */
        {"\xF0\x9F'", 3, 2},
        {"", 1, 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(inlay_text_character(cases[i].text, cases[i].left), cases[i].length);
}

static void knows_how_much_fits(void **state)
{
    (void)state;
    uint32_t seed = 16;
    char text[64];

    for (size_t round = 0; round < 300; round++) {
        unit_random_text(&seed, text, unit_random(&seed, sizeof text));
        for (size_t most = 0; most <= strlen(text) + 2; most++)
            assert_int_equal(inlay_text_fitting(text, most), unit_cut(text, most));
    }
}

static void reads_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
    } cases[] = {
        {"0", 0},
        {"7", 7},
        {"-1", -1},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t number = 99;
        assert_true(inlay_text_number(cases[i].text, &number));
        assert_true(number == cases[i].number);
    }
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const cases[] = {NULL,
                                        "",
                                        "-",
                                        "+",
                                        "a",
                                        "1a",
                                        "1 ",
                                        " 1",
                                        "+1",
                                        "--1",
                                        "0x1",
                                        "1.0",
                                        "1e3",
                                        "\t1",
                                        "\n1",
                                        "9223372036854775808",
                                        "1\n2",
                                        "- 1",
                                        "NaN",
                                        "inf",
                                        "- ",
                                        "-a",
                                        "\xD9\xA1",
                                        "-9223372036854775809",
                                        "99999999999999999999999999"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t number = 99;
        assert_false(inlay_text_number(cases[i], &number));
        assert_true(number == 99);
    }
}

static void reads_back_every_number_that_it_prints(void **state)
{
    (void)state;
    uint32_t seed = 15;

    for (size_t round = 0; round < 10000; round++) {
        uint64_t bits = (uint64_t)unit_random(&seed, UINT32_MAX) << 32;
        int64_t number =
            (int64_t)((bits | unit_random(&seed, UINT32_MAX)) >> unit_random(&seed, 63));
        int64_t back = 0;
        char text[INLAY_DECIMAL_MAX];
        char expected[INLAY_DECIMAL_MAX];
        number = round % 2 == 0 ? number : -number;
        snprintf(expected, sizeof expected, "%lld", (long long)number);
        inlay_text_decimal(number, text);
        assert_string_equal(text, expected);
        assert_true(inlay_text_number(text, &back));
        assert_true(back == number);
    }
    char lowest[INLAY_DECIMAL_MAX];
    inlay_text_decimal(INT64_MIN, lowest);
    assert_string_equal(lowest, "-9223372036854775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_what_fits),
        cmocka_unit_test(adds_what_fits),
        cmocka_unit_test(survives_bytes_that_are_no_characters),
        cmocka_unit_test(formats_onto_the_heap),
        cmocka_unit_test(copies_a_text_that_may_be_null),
        cmocka_unit_test(quotes_literals_and_identifiers),
        cmocka_unit_test(a_quoted_text_that_is_cut_is_still_one),
        cmocka_unit_test(measures_characters),
        cmocka_unit_test(knows_how_much_fits),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(reads_back_every_number_that_it_prints),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

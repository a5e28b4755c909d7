/* The checksum of what a no-transaction migration has done: what may change in its file between
 * two runs, and what may not. */
#include "unit.h"

#include "progress.h"

/* Cuts a text at its semicolons, and white space around the pieces away, as the generator does with
 * a text that quotes none. */
static size_t split(const char *text, struct inlay_statement *statements)
{
    size_t count = 0;
    size_t start = 0;

    while (text[start += strspn(text + start, " \r\n;")] != '\0') {
        size_t length = strcspn(text + start, ";");
        size_t kept = length;
        while (kept > 0 && strchr(" \r\n", text[start + kept - 1]) != NULL)
            kept--;
        assert_true(count < UNIT_MOST);
        statements[count++] = (struct inlay_statement){.offset = start, .length = kept};
        start += length;
    }
    return count;
}

struct sum {
    char text[32];
};

static struct sum sum_of(const char *text, size_t count)
{
    struct inlay_statement statements[UNIT_MOST];
    struct inlay_script script = unit_script("1_a.sql", text);
    struct sum sum;

    script.statements = statements;
    script.statement_count = split(text, statements);
    assert_true(count <= script.statement_count);
    inlay_progress_checksum(&script, count, sum.text);
    return sum;
}

static void assert_same(const char *a, const char *b, size_t count)
{
    assert_string_equal(sum_of(a, count).text, sum_of(b, count).text);
}

static void assert_differ(const char *a, const char *b, size_t count)
{
    assert_string_not_equal(sum_of(a, count).text, sum_of(b, count).text);
}

/* Other releases read what this one has written. */
static void has_the_same_value_for_ever(void **state)
{
    (void)state;
    assert_string_equal(sum_of("SELECT 1; SELECT 2;", 0).text, "fnv1a64:cbf29ce484222325");
    assert_string_equal(sum_of("SELECT 1; SELECT 2;", 1).text, "fnv1a64:72d121e7c77fa18b");
    assert_string_equal(sum_of("SELECT 1; SELECT 2;", 2).text, "fnv1a64:371cb928fc6498a6");
}

static void what_is_not_done_yet_may_change(void **state)
{
    (void)state;
    assert_same("SELECT 1; SELECT 2", "SELECT 1; SELECT 3; SELECT 4", 1);
    assert_same("SELECT 1", "SELECT 9", 0);
    assert_same("SELECT 1; SELECT 2", "SELECT 1", 1);
}

static void what_is_done_may_not(void **state)
{
    (void)state;
    assert_differ("SELECT 1; SELECT 2", "SELECT 9; SELECT 2", 1);
    assert_differ("SELECT 1; SELECT 2", "SELECT 1; SELECT 9", 2);
    assert_differ("SELECT 1; SELECT 2", "SELECT 2; SELECT 1", 2);
    assert_differ("SELECT 1", "SELECT  1", 1);
    assert_differ("SELECT 1", "select 1", 1);
    /* Moved from one statement to the next. */
    assert_differ("a b; c", "a; b c", 2);
    assert_differ("a; b", "ab; c", 2);
    /* Put in front, and taken away. */
    assert_differ("b; c", "a; b; c", 2);
    assert_differ("a; b; c", "a; c", 2);
}

static void line_ends_and_what_stands_between_do_not_count(void **state)
{
    (void)state;
    assert_same("SELECT\n 1;\nSELECT\n 2;\n", "SELECT\r\n 1;\r\nSELECT\r\n 2;\r\n", 2);
    assert_same("SELECT 1;\n\n\nSELECT 2;", "SELECT 1;SELECT 2", 2);
    assert_same("\n\n  SELECT 1", "SELECT 1", 1);
    assert_differ("SELECT\n1", "SELECT 1", 1); /* another white space may be in a string */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_same_value_for_ever),
        cmocka_unit_test(what_is_not_done_yet_may_change),
        cmocka_unit_test(what_is_done_may_not),
        cmocka_unit_test(line_ends_and_what_stands_between_do_not_count),
    };
    return cmocka_run_group_tests_name("stepwise", tests, NULL, NULL);
}

/* The checksum of what a no-transaction migration has done: what may change in its file between
 * two runs, and what may not. */
#include "unit.h"

#include "apply/stepwise/progress.h"

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
    script.statement_size = sizeof statements[0];
    script.statement_count = split(text, statements);
    assert_true(count <= script.statement_count);
    inlay_partial_checksum(&script, false, count, sum.text);
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

static void assert_intent(char *body, int64_t done, enum intent_kind kind, const char *index)
{
    struct history_progress row = {.version = 1, .done = done, .body = body};
    struct intent intent = inlay_partial_intent(&row);

    assert_int_equal(intent.kind, kind);
    assert_string_equal(intent.index, index);
}

/* In the form that other releases write. */
static void reads_what_was_begun(void **state)
{
    char named[] = "building 4 fnv1a64:72d121e7c77fa18b public.\"my index\"";
    char dropping[] = "dropping 4 fnv1a64:72d121e7c77fa18b public.i";
    char begun[] = "begun 4 fnv1a64:72d121e7c77fa18b";
    char failed[] = "failed 4 fnv1a64:72d121e7c77fa18b";
    (void)state;
    assert_intent(NULL, 3, INTENT_NONE, "");
    assert_intent(named, 3, INTENT_BUILDING, "public.\"my index\"");
    assert_intent(dropping, 3, INTENT_DROPPING, "public.i");
    assert_intent(begun, 3, INTENT_BEGUN, "");
    assert_intent(failed, 3, INTENT_FAILED, "");
    assert_intent(named, 4, INTENT_NONE, ""); /* an older binary has gone on */
}

static void takes_what_it_cannot_read_for_begun(void **state)
{
    char texts[][60] = {"",
                        "begun",
                        "begun 4",
                        "begun x fnv1a64:0",
                        "finished 4 fnv1a64:0 public.i",
                        "a word that is much too long 4 fnv1a64:0"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_intent(texts[i], 3, INTENT_BEGUN, "");
}

static void knows_an_edit_of_what_was_begun(void **state)
{
    struct inlay_statement statements[UNIT_MOST];
    struct inlay_script script = unit_script("1_a.sql", "SELECT 1; SELECT 2;");
    struct intent intent = {.checksum = "fnv1a64:371cb928fc6498a6"};

    (void)state;
    script.statements = statements;
    script.statement_size = sizeof statements[0];
    script.statement_count = split(script.text, statements);
    assert_true(inlay_partial_unchanged(&script, false, 1, &intent));
    assert_false(inlay_partial_unchanged(&script, false, 0, &intent));
    assert_false(
        inlay_partial_unchanged(&script, false, 2, &intent)); /* there is no such statement */
    intent.checksum[8] = '4';
    assert_false(inlay_partial_unchanged(&script, false, 1, &intent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_same_value_for_ever),
        cmocka_unit_test(what_is_not_done_yet_may_change),
        cmocka_unit_test(what_is_done_may_not),
        cmocka_unit_test(line_ends_and_what_stands_between_do_not_count),
        cmocka_unit_test(reads_what_was_begun),
        cmocka_unit_test(takes_what_it_cannot_read_for_begun),
        cmocka_unit_test(knows_an_edit_of_what_was_begun),
    };
    return cmocka_run_group_tests_name("stepwise", tests, NULL, NULL);
}

/* The plan: set and history side by side. */
#include "unit.h"

#include <stdio.h>

#include "plan/merge.h"
#include "plan/plan.h"

/* The plan in words: "1 applied, 2 pending late". */
static void describe(const struct plan *plan, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < plan->count; i++)
        inlay_text_add(
            text, size, "%s%lld %s%s", i > 0 ? ", " : "", (long long)plan->entries[i].version,
            inlay_state_name(plan->entries[i].state), plan->entries[i].late ? " late" : "");
}

static void puts_set_and_history_side_by_side(void **state)
{
    (void)state;
    static const struct {
        const char *set, *history, *plan;
    } cases[] = {
        {"", "", ""},
        {"1:a 2:b", "", "1 pending, 2 pending"},
        {"1:a 2:b", "1:a 2:b", "1 applied, 2 applied"},
        {"1:a 2:b 3:c", "1:a", "1 applied, 2 pending, 3 pending"},
        {"1:a 2:b 3:c", "1:a 3:c", "1 applied, 2 pending late, 3 applied"},
        {"1:a 2:b 3:c 4:d", "3:c", "1 pending late, 2 pending late, 3 applied, 4 pending"},
        {"1:a 2:b", "1:a 2:b 3:c", "1 applied, 2 applied, 3 unknown"},
        {"1:a 3:c", "1:a 2:b 3:c", "1 applied, 2 unknown, 3 applied"},
        {"2:b", "1:a 3:c", "1 unknown, 2 pending late, 3 unknown"},
        {"", "1:a 2:b", "1 unknown, 2 unknown"},
        {"1:a", "1:z", "1 renamed"},
        {"1:a", "1:z:NULL", "1 renamed"},
        {"1:a", "1:a:other", "1 edited"},
        {"1:a", "1:z:sum-of-a", "1 renamed"},
        {"1:a", "1:z:other", "1 renamed"}, /* and edited: the name tells more */
        {"1:a", "1:a:NULL", "1 applied"},
        {"1:a", "1:A", "1 renamed"}, /* case counts */
        {"1:a 2:b", "2:z", "1 pending late, 2 renamed"},
        {"1:a 2:b", "2:b:other", "1 pending late, 2 edited"},
        {"0:a", "0:a", "0 applied"},
        {"0:a 9223372036854775807:z", "0:a 9223372036854775807:z",
         "0 applied, 9223372036854775807 applied"},
        {"9223372036854775806:y", "9223372036854775807:z",
         "9223372036854775806 pending late, 9223372036854775807 unknown"},
        {"20260124000001:a", "1:a", "1 unknown, 20260124000001 pending"},
        {"5:a", "-3:a 5:a", "-3 unknown, 5 applied"}, /* a row made by hand */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct unit_set set;
        struct history history;
        struct plan plan;
        struct inlay_error err;
        char text[512];
        memset(&plan, 'x', sizeof plan);
        unit_set_parse(&set, cases[i].set);
        unit_history_parse(&history, cases[i].history);
        assert_int_equal(inlay_merge(&set.set, &history, &plan, &err), INLAY_OK);
        describe(&plan, text, sizeof text);
        assert_string_equal(text, cases[i].plan);
        inlay_plan_free(&plan);
        inlay_history_free(&history);
    }
}

static void points_into_set_and_history(void **state)
{
    (void)state;
    struct unit_set set;
    struct history history;
    struct plan plan;
    struct inlay_error err;

    unit_set_parse(&set, "1:a 2:b");
    unit_history_parse(&history, "2:b 3:c");
    assert_int_equal(inlay_merge(&set.set, &history, &plan, &err), INLAY_OK);
    assert_int_equal(plan.count, 3);
    assert_ptr_equal(plan.entries[0].migration, &set.migrations[0]);
    assert_null(plan.entries[0].row);
    assert_ptr_equal(plan.entries[1].migration, &set.migrations[1]);
    assert_ptr_equal(plan.entries[1].row, &history.rows[0]);
    assert_null(plan.entries[2].migration);
    assert_ptr_equal(plan.entries[2].row, &history.rows[1]);
    inlay_plan_free(&plan);
    assert_null(plan.entries);
    assert_int_equal(plan.count, 0);
    inlay_plan_free(&plan); /* twice does no harm */
    inlay_history_free(&history);
}

static void counts_each_state(void **state)
{
    (void)state;
    struct unit_set set;
    struct history history;
    struct plan plan;
    struct inlay_error err;
    char versions[64];

    unit_set_parse(&set, "1:a 2:b 3:c 4:d 5:e 6:f 7:g 8:h");
    unit_history_parse(&history, "2:b 3:c:NULL 4:z 5:e:other 6:f:other 9:i 10:j 11:k");
    assert_int_equal(inlay_merge(&set.set, &history, &plan, &err), INLAY_OK);
    assert_int_equal(plan.applied, 2);
    assert_int_equal(plan.pending, 3);
    assert_int_equal(inlay_plan_late(&plan, INT64_MAX, versions, sizeof versions), 3);
    assert_string_equal(versions, "1, 7, 8");
    /* What is to stay below a version counts only what is applied below it. */
    assert_int_equal(inlay_plan_late(&plan, 8, versions, sizeof versions), 1);
    assert_string_equal(versions, "1");
    assert_int_equal(inlay_plan_late(&plan, 1, versions, sizeof versions), 0);
    assert_int_equal(inlay_plan_late(&plan, -1, versions, sizeof versions), 0);
    assert_int_equal(inlay_plan_newest(&plan, 8), 6);
    assert_int_equal(inlay_plan_newest(&plan, 1), -1);
    assert_int_equal(plan.renamed, 1);
    assert_int_equal(plan.edited, 2);
    assert_int_equal(plan.unknown, 3);
    assert_int_equal(inlay_plan_first(&plan, INLAY_STATE_PENDING)->version, 1);
    assert_int_equal(inlay_plan_first(&plan, INLAY_STATE_APPLIED)->version, 2);
    assert_int_equal(inlay_plan_first(&plan, INLAY_STATE_RENAMED)->version, 4);
    assert_int_equal(inlay_plan_first(&plan, INLAY_STATE_EDITED)->version, 5);
    assert_int_equal(inlay_plan_first(&plan, INLAY_STATE_UNKNOWN)->version, 9);
    inlay_plan_free(&plan);
    assert_null(inlay_plan_first(&plan, INLAY_STATE_PENDING));
    inlay_history_free(&history);
}

static void numbers_the_batch_behind_the_newest(void **state)
{
    (void)state;
    static const struct {
        const char *rows;
        int64_t batches[3];
        int64_t next;
    } cases[] = {
        {"", {0}, 1},
        {"1:a", {-1}, 1}, /* NULL */
        {"1:a", {0}, 1},
        {"1:a 2:b", {1, 1}, 2},
        {"1:a 2:b 3:c", {7, 3, -1}, 8},
        {"1:a 2:b 3:c", {-1, -1, 2}, 3},
        {"1:a", {INT64_MAX - 1}, INT64_MAX},
        {"1:a", {INT64_MAX}, INT64_MAX}, /* there is no higher one */
        {"1:a", {INT64_MIN}, 1},
    };
    struct unit_set set;

    unit_set_parse(&set, "1:a");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct history history;
        struct plan plan;
        struct inlay_error err;
        unit_history_parse(&history, cases[i].rows);
        for (size_t r = 0; r < history.row_count; r++)
            history.rows[r].batch = cases[i].batches[r];
        assert_int_equal(inlay_merge(&set.set, &history, &plan, &err), INLAY_OK);
        assert_int_equal(plan.next_batch, cases[i].next);
        inlay_plan_free(&plan);
        inlay_history_free(&history);
    }
}

static void names_ten_versions_and_counts_the_rest(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        const char *text;
    } cases[] = {
        {0, ""},
        {1, "100"},
        {2, "100, 101"},
        {10, "100, 101, 102, 103, 104, 105, 106, 107, 108, 109"},
        {11, "100, 101, 102, 103, 104, 105, 106, 107, 108, 109 and 1 more"},
        {500, "100, 101, 102, 103, 104, 105, 106, 107, 108, 109 and 490 more"},
    };
    static struct plan_entry entries[501];

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = {.entries = entries, .count = COUNT(entries)};
        char text[256];
        for (size_t e = 0; e < COUNT(entries); e++)
            entries[e] = (struct plan_entry){.version = 100 + (int64_t)e,
                                             .state = e < cases[i].count ? INLAY_STATE_UNKNOWN
                                                                         : INLAY_STATE_PENDING};
        inlay_plan_versions(&plan, INLAY_STATE_UNKNOWN, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void names_ten_of_the_longest_versions(void **state)
{
    (void)state;
    struct plan_entry entries[12];
    struct plan plan = {.entries = entries, .count = COUNT(entries)};
    char text[256];
    const char *last = "9223372036854775805 and 2 more";

    for (size_t e = 0; e < COUNT(entries); e++)
        entries[e] = (struct plan_entry){.version = INT64_MAX - 11 + (int64_t)e,
                                         .state = INLAY_STATE_UNKNOWN};
    inlay_plan_versions(&plan, INLAY_STATE_UNKNOWN, text, sizeof text);
    assert_string_equal(text + strlen(text) - strlen(last), last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_set_and_history_side_by_side),
        cmocka_unit_test(points_into_set_and_history),
        cmocka_unit_test(counts_each_state),
        cmocka_unit_test(numbers_the_batch_behind_the_newest),
        cmocka_unit_test(names_ten_versions_and_counts_the_rest),
        cmocka_unit_test(names_ten_of_the_longest_versions),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

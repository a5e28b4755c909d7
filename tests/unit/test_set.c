/* Finding things in sets and histories, and the names of states. */
#include "unit.h"

#include <stdlib.h>

static void finds_a_migration_by_its_version(void **state)
{
    (void)state;
    struct unit_set set;

    unit_set_parse(&set, "0:a 1:b 5:c 20260124000001:d 9223372036854775807:e");
    for (size_t count = 0; count <= 5; count++) {
        set.set.migration_count = count;
        for (size_t i = 0; i < 5; i++)
            assert_ptr_equal(inlay_set_find(&set.set, set.migrations[i].version),
                             i < count ? &set.migrations[i] : NULL);
        assert_null(inlay_set_find(&set.set, -1));
        assert_null(inlay_set_find(&set.set, 2));
        assert_null(inlay_set_find(&set.set, 4));
        assert_null(inlay_set_find(&set.set, 6));
        assert_null(inlay_set_find(&set.set, INT64_MAX - 1));
        assert_null(inlay_set_find(&set.set, INT64_MIN));
    }
    unit_set_parse(&set, "");
    assert_null(set.set.migrations);
    assert_null(inlay_set_find(&set.set, 0));
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(inlay_state_name(INLAY_STATE_APPLIED), "applied");
    assert_string_equal(inlay_state_name(INLAY_STATE_PENDING), "pending");
    assert_string_equal(inlay_state_name(INLAY_STATE_UNKNOWN), "unknown");
    assert_string_equal(inlay_state_name(INLAY_STATE_RENAMED), "renamed");
    assert_string_equal(inlay_state_name(INLAY_STATE_EDITED), "edited");
    assert_string_equal(inlay_state_name(INLAY_STATE_REPLACED), "replaced");
    assert_string_equal(inlay_state_name((enum inlay_state)6), "unknown");
    assert_string_equal(inlay_state_name((enum inlay_state)INT32_MAX), "unknown");
}

static void finds_the_progress_of_a_version(void **state)
{
    (void)state;
    struct history_progress progress[] = {{.version = 3, .done = 1}, {.version = 0, .done = 2}};
    const struct history history = {.progress = progress, .progress_count = 2};
    const struct history none = {0};

    assert_ptr_equal(inlay_history_progress(&history, 3), &progress[0]);
    assert_ptr_equal(inlay_history_progress(&history, 0), &progress[1]);
    assert_null(inlay_history_progress(&history, 1));
    assert_null(inlay_history_progress(&none, 3));
}

/* That nothing is left is for the sanitizers to say. */
static void frees_all_that_a_history_owns(void **state)
{
    (void)state;
    struct history history = {0};

    inlay_history_free(&history); /* an empty one */
    unit_history_parse(&history, "1:a 2:b:NULL");
    assert_true(inlay_text_copy("2026-01-24T00:00:01+00:00", &history.rows[0].applied_at));
    history.progress = calloc(2, sizeof *history.progress);
    assert_non_null(history.progress);
    history.progress_count = 2;
    assert_true(inlay_text_copy("fnv1a64:0", &history.progress[0].checksum));
    assert_true(inlay_text_copy("fnv1a64:1", &history.progress[1].checksum));
    history.covers = calloc(1, sizeof *history.covers);
    history.repeatables = calloc(1, sizeof *history.repeatables);
    assert_true(history.covers != NULL && history.repeatables != NULL);
    history.repeatable_count = 1;
    assert_true(inlay_text_copy("report", &history.repeatables[0].name));
    assert_true(inlay_text_copy("0", &history.repeatables[0].checksum));
    assert_true(inlay_text_copy("2026", &history.repeatables[0].applied_at));
    inlay_history_free(&history);
    assert_null(history.rows);
    assert_null(history.progress);
    assert_int_equal(history.row_count + history.progress_count, 0);
    inlay_history_free(&history);
    inlay_status_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_migration_by_its_version),
        cmocka_unit_test(every_state_has_a_name),
        cmocka_unit_test(finds_the_progress_of_a_version),
        cmocka_unit_test(frees_all_that_a_history_owns),
    };
    return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}

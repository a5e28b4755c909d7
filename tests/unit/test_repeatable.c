/* Repeatable migrations: what is pending of them, and when they run. */
#include "unit.h"

#include <stdlib.h>

#include "plan/goal.h"
#include "plan/merge.h"
#include "plan/repeatable.h"
#include "plan/steps.h"

struct scene {
    struct unit_set set;
    struct unit_set repeatables; /* "-1:name:SUM" */
    struct history history;
    struct plan plan;
};

/* "name:SUM name:SUM", with a batch each */
static void parse_recorded(struct history *history, const char *text, const int64_t *batches)
{
    struct history rows;

    unit_history_parse(&rows, text);
    history->repeatables = calloc(UNIT_MOST, sizeof *history->repeatables);
    assert_non_null(history->repeatables);
    for (size_t i = 0; i < rows.row_count; i++) {
        struct history_repeatable *to = &history->repeatables[history->repeatable_count++];
        assert_true(inlay_text_copy(rows.rows[i].name, &to->name));
        assert_true(inlay_text_copy(rows.rows[i].checksum, &to->checksum));
        to->batch = batches != NULL ? batches[i] : -1;
    }
    inlay_history_free(&rows);
}

static void set_scene(struct scene *scene, const char *const *texts, const int64_t *batches)
{
    struct inlay_error err;

    unit_set_parse(&scene->set, texts[0]);
    unit_set_parse(&scene->repeatables, texts[1]);
    scene->set.set.repeatables = scene->repeatables.migrations;
    scene->set.set.repeatable_count = scene->repeatables.set.migration_count;
    unit_history_parse(&scene->history, texts[2]);
    parse_recorded(&scene->history, texts[3], batches);
    assert_int_equal(inlay_merge(&scene->set.set, &scene->history, &scene->plan, &err), INLAY_OK);
}

static void clear_scene(struct scene *scene)
{
    inlay_plan_free(&scene->plan);
    inlay_history_free(&scene->history);
}

static void compares_by_name_and_checksum(void **state)
{
    (void)state;
    static const struct {
        const char *texts[4]; /* set, repeatables, history, recorded */
        const char *plan;
        size_t pending;
    } cases[] = {
        {{"", "", "", ""}, "", 0},
        {{"", "-1:a -1:b", "", ""}, "a pending, b pending", 2},
        {{"", "-1:a -1:b", "", "-1:a"}, "a applied, b pending", 1},
        {{"", "-1:a -1:b", "", "-1:b"}, "a pending, b applied", 1},
        {{"", "-1:a", "", "-1:a:other"}, "a pending", 1},
        {{"", "-1:a", "", "-1:a:NULL"}, "a pending", 1},
        {{"", "-1:b", "", "-1:a -1:c"}, "a unknown, b pending, c unknown", 1},
        {{"", "", "", "-1:a"}, "a unknown", 0},
        {{"", "-1:B -1:a", "", "-1:B -1:a"}, "B applied, a applied", 0}, /* bytes */
        {{"1:x", "-1:a", "", ""}, "a pending", 2},
        {{"1:x", "-1:a", "1:x", "-1:a"}, "a applied", 0},
        /* The database is newer. */
        {{"1:x", "-1:a -1:b", "1:x 2:y", "-1:a:other"}, "a replaced, b replaced", 0},
        {{"1:x", "-1:a", "1:x 2:y", "-1:a"}, "a applied", 0},
        {{"1:x 3:z", "-1:a", "1:x 2:y 3:z", ""}, "a replaced", 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        char text[256] = "";
        set_scene(&scene, cases[i].texts, NULL);
        for (size_t r = 0; r < scene.plan.repeatable_count; r++) {
            const struct plan_repeatable *found = &scene.plan.repeatables[r];
            inlay_text_add(text, sizeof text, "%s%s %s", r > 0 ? ", " : "",
                           found->migration != NULL ? found->migration->name : found->row->name,
                           inlay_state_name(found->state));
        }
        assert_string_equal(text, cases[i].plan);
        assert_int_equal(scene.plan.pending, cases[i].pending);
        clear_scene(&scene);
    }
}

static void run_last(void **state)
{
    (void)state;
    static const struct {
        const char *texts[4];
        struct goal goal;
        const char *steps;
    } cases[] = {
        {{"1:x", "-1:a -1:b", "", ""}, {.kind = GOAL_UP}, "x, a, b"},
        {{"1:x", "-1:a -1:b", "1:x", "-1:a"}, {.kind = GOAL_UP}, "b"},
        {{"", "-1:a", "", ""}, {.kind = GOAL_UP}, "a"},
        {{"1:x", "-1:a", "1:x 2:y", ""}, {.kind = GOAL_UP}, ""},
        {{"1:x 2:y", "-1:a", "", ""}, {.kind = GOAL_TO, .version = 1}, "x"},
        {{"1:x 2:y", "-1:a", "", ""}, {.kind = GOAL_TO, .version = 2}, "x, y, a"},
        {{"1:x 2:y", "-1:a", "1:x 2:y", ""}, {.kind = GOAL_TO, .version = 0}, "y, x"},
        {{"1:x", "-1:a", "1:x", ""}, {.kind = GOAL_REDO}, "x, x, a"},
        {{"1:x 2:y", "-1:a", "1:x", ""}, {.kind = GOAL_REDO}, "x, x"},
        {{"1:x", "-1:a", "1:x", ""}, {.kind = GOAL_DOWN, .count = 1}, "x"},
        {{"", "-1:a", "", ""}, {.kind = GOAL_TO, .version = 0}, ""},
        {{"", "-1:a", "", ""}, {.kind = GOAL_DOWN, .count = 1}, ""},
        {{"1:x", "-1:a", "", ""}, {.kind = GOAL_NONE}, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct steps steps;
        struct inlay_error err;
        char text[256] = "";
        set_scene(&scene, cases[i].texts, NULL);
        for (size_t m = 0; m < scene.set.set.migration_count; m++)
            scene.set.migrations[m].down = unit_script("down.sql", "SELECT 1");
        assert_int_equal(
            inlay_steps_list(&scene.set.set, &scene.plan, &cases[i].goal, &steps, &err), INLAY_OK);
        for (size_t s = 0; s < steps.count; s++)
            inlay_text_add(text, sizeof text, "%s%s", s > 0 ? ", " : "",
                           steps.list[s].migration->name);
        assert_string_equal(text, cases[i].steps);
        free(steps.list);
        clear_scene(&scene);
    }
}

static void nothing_pending_is_nothing_to_do(void **state)
{
    (void)state;
    static const char *const pending[4] = {"1:x", "-1:a", "1:x", ""};
    static const char *const done[4] = {"1:x", "-1:a", "1:x", "-1:a"};
    const struct goal goal = {.kind = GOAL_UP};
    struct scene scene;

    set_scene(&scene, pending, NULL);
    assert_false(inlay_goal_reached(&scene.plan, &goal));
    clear_scene(&scene);
    set_scene(&scene, done, NULL);
    assert_true(inlay_goal_reached(&scene.plan, &goal));
    clear_scene(&scene);
}

/* A run of nothing else has a number too, and going back behind it is said in so many words. */
static void has_a_batch(void **state)
{
    (void)state;
    static const char *const texts[4] = {"1:x", "-1:a", "1:x", "-1:a"};
    static const int64_t batches[] = {7};
    const struct goal goal = {.kind = GOAL_ROLLBACK};
    struct scene scene;
    struct steps steps;
    struct inlay_error err;

    set_scene(&scene, texts, batches);
    scene.history.rows[0].batch = 6;
    assert_int_equal(scene.plan.next_batch, 8);
    assert_int_equal(inlay_steps_list(&scene.set.set, &scene.plan, &goal, &steps, &err),
                     INLAY_E_REFUSED);
    assert_non_null(strstr(err.message, "batch 7, only repeatable migrations are left (a)"));
    free(steps.list);
    clear_scene(&scene);
}

/* What ran in the batch that is undone, or later, may use what that made. */
static void may_stand_on_what_is_undone(void **state)
{
    (void)state;
    static const int64_t batches[] = {1, 2, 3};
    static const char *const texts[] = {"1:x 2:y 3:z", "-1:a -1:b", "1:x 2:y 3:z",
                                        "-1:a -1:b -1:c"};
    static const struct {
        struct goal goal;
        int64_t batch; /* of version 3; those before have one less each */
        const char *names;
    } cases[] = {
        {{.kind = GOAL_DOWN, .count = 1}, 3, "R__c.sql"},
        {{.kind = GOAL_DOWN, .count = 2}, 3, "-1_b.sql, R__c.sql"},
        {{.kind = GOAL_DOWN, .count = 3}, 3, "-1_a.sql, -1_b.sql, R__c.sql"},
        {{.kind = GOAL_REDO}, 3, "R__c.sql"},
        {{.kind = GOAL_REDO}, 4, ""},
        {{.kind = GOAL_REDO}, -1, "-1_a.sql, -1_b.sql, R__c.sql"}, /* not known */
        {{.kind = GOAL_UP}, 3, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct steps steps;
        struct inlay_error err;
        char names[80];
        set_scene(&scene, texts, batches);
        for (size_t m = 0; m < 3; m++) {
            scene.set.migrations[m].down = unit_script("down.sql", "SELECT 1");
            scene.history.rows[m].batch = cases[i].batch < 0 ? -1 : cases[i].batch - 2 + (int64_t)m;
        }
        assert_int_equal(
            inlay_steps_list(&scene.set.set, &scene.plan, &cases[i].goal, &steps, &err), INLAY_OK);
        inlay_steps_left_standing(&steps, &scene.plan, names, sizeof names);
        assert_string_equal(names, cases[i].names);
        free(steps.list);
        clear_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_by_name_and_checksum),    cmocka_unit_test(run_last),
        cmocka_unit_test(nothing_pending_is_nothing_to_do), cmocka_unit_test(has_a_batch),
        cmocka_unit_test(may_stand_on_what_is_undone),
    };
    return cmocka_run_group_tests_name("repeat", tests, NULL, NULL);
}

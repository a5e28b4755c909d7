/* Goals: which may be pursued with which plan, and that their steps, taken one by one in all kinds
 * of histories, lead where they should. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/goal.h"
#include "plan/merge.h"
#include "plan/steps.h"

static int judge(const char *embedded, const char *recorded, struct goal goal, bool strict,
                 struct inlay_error *err)
{
    struct unit_set set;
    struct history history;
    struct history_name name;
    struct plan plan;

    inlay_error_clear(err);
    assert_int_equal(inlay_name_parse("app.history", &name, err), INLAY_OK);
    unit_set_parse(&set, embedded);
    unit_history_parse(&history, recorded);
    assert_int_equal(inlay_merge(&set.set, &history, &plan, err), INLAY_OK);
    int rc = inlay_goal_verdict(&set.set, &plan, &goal, &name, strict, err);
    inlay_plan_free(&plan);
    inlay_history_free(&history);
    return rc;
}

enum { UP, TO, BACK, EDIT, KINDS };

static void asks_of_each_goal_what_concerns_it(void **state)
{
    (void)state;
    enum { OK = INLAY_OK, NO = INLAY_E_MISMATCH };
    static const struct {
        const char *set, *history;
        bool strict;
        int codes[KINDS];
    } cases[] = {
        {"1:a 2:b", "", false, {OK, OK, OK, OK}},
        {"1:a 2:b", "1:a 2:b", true, {OK, OK, OK, OK}},
        {"1:a 2:b", "1:a 2:b:edited", false, {NO, NO, OK, OK}}, /* back is the way out */
        {"1:a", "1:a:edited", false, {NO, NO, OK, OK}},
        {"1:a 2:b", "1:a 2:z", false, {NO, NO, NO, OK}},
        {"1:a 2:b", "1:y 2:z", false, {NO, NO, NO, OK}}, /* another set's */
        {"1:a 3:c", "1:a 2:b", false, {NO, NO, OK, OK}}, /* diverged: undo what is ours */
        {"1:a 3:c", "2:b", false, {NO, NO, NO, OK}},     /* nothing is */
        {"1:a", "1:a 2:b", false, {OK, OK, OK, OK}},
        {"1:a", "1:a 2:b", true, {NO, NO, OK, OK}},
    };
    static const enum goal_kind back[] = {GOAL_DOWN, GOAL_ROLLBACK, GOAL_REDO};

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct goal up = {.kind = GOAL_UP};
        const struct goal to = {.kind = GOAL_TO, .version = 1};
        const struct goal edit = {.kind = GOAL_NONE, .version = 99};
        const char *set = cases[i].set;
        const char *history = cases[i].history;
        bool strict = cases[i].strict;
        struct inlay_error err;
        assert_int_equal(judge(set, history, up, strict, &err), cases[i].codes[UP]);
        assert_int_equal(judge(set, history, to, strict, &err), cases[i].codes[TO]);
        assert_int_equal(judge(set, history, edit, strict, &err), cases[i].codes[EDIT]);
        for (size_t k = 0; k < COUNT(back); k++) {
            const struct goal goal = {.kind = back[k], .count = 1};
            assert_int_equal(judge(set, history, goal, strict, &err), cases[i].codes[BACK]);
        }
    }
}

static void goes_to_no_version_that_is_not_embedded(void **state)
{
    (void)state;
    static const int64_t absent[] = {-1, 2, 4, INT64_MAX, INT64_MIN};
    static const int64_t present[] = {0, 1, 3};
    struct inlay_error err;

    for (size_t i = 0; i < COUNT(absent); i++) {
        const struct goal goal = {.kind = GOAL_TO, .version = absent[i]};
        char message[80];
        snprintf(message, sizeof message, "version %lld is not in this binary",
                 (long long)absent[i]);
        assert_int_equal(judge("1:a 3:c", "1:a 2:b 3:c", goal, false, &err), INLAY_E_ARGUMENT);
        assert_string_equal(err.message, message);
        assert_string_equal(err.hint,
                            "--migrate-show shows what is; 0 stands for before the first");
    }
    for (size_t i = 0; i < COUNT(present); i++) {
        const struct goal goal = {.kind = GOAL_TO, .version = present[i]};
        assert_int_equal(judge("1:a 3:c", "1:a 2:b 3:c", goal, false, &err), INLAY_OK);
    }
}

static void only_an_upward_goal_is_reached_without_a_look_at_the_steps(void **state)
{
    (void)state;
    const struct plan done = {.applied = 3, .unknown = 1};
    const struct plan pending = {.applied = 2, .pending = 1};

    for (enum goal_kind kind = GOAL_UP; kind <= GOAL_NONE; kind++) {
        const struct goal goal = {.kind = kind};
        assert_int_equal(inlay_goal_reached(&done, &goal), kind == GOAL_UP);
        assert_false(inlay_goal_reached(&pending, &goal));
    }
}

/* ---- taking the steps ---- */

enum { VERSIONS = 6 };

/* Version i + 1 of six, as a random history has it. */
struct world {
    bool embedded[VERSIONS];
    int64_t batch[VERSIONS]; /* 0: not applied */
};

static struct world random_world(uint32_t *seed, bool all_embedded)
{
    struct world world;

    for (size_t i = 0; i < VERSIONS; i++) {
        world.embedded[i] = all_embedded || unit_random(seed, 4) > 0;
        world.batch[i] = unit_random(seed, 4);
    }
    return world;
}

/* Takes the steps of the goal in the world, asserting that each can be taken. */
static int pursue(struct world *world, const struct goal *goal)
{
    struct unit_set set;
    struct history history;
    struct plan plan;
    struct steps steps;
    struct inlay_error err;
    char embedded[80] = "";
    char recorded[80] = "";
    size_t rows = 0;

    for (size_t i = 0; i < VERSIONS; i++) {
        if (world->embedded[i])
            inlay_text_add(embedded, sizeof embedded, "%zu:m%zu ", i + 1, i);
        if (world->batch[i] > 0)
            inlay_text_add(recorded, sizeof recorded, "%zu:m%zu ", i + 1, i);
    }
    unit_set_parse(&set, embedded);
    unit_history_parse(&history, recorded);
    for (size_t i = 0; i < VERSIONS; i++)
        if (world->batch[i] > 0)
            history.rows[rows++].batch = world->batch[i];
    for (size_t i = 0; i < set.set.migration_count; i++)
        set.migrations[i].down = unit_script("down.sql", "");
    assert_int_equal(inlay_merge(&set.set, &history, &plan, &err), INLAY_OK);
    int rc = inlay_steps_list(&set.set, &plan, goal, &steps, &err);
    for (size_t i = 0; i < steps.count && rc == INLAY_OK; i++) {
        const struct step *step = &steps.list[i];
        size_t at = (size_t)step->migration->version - 1;
        assert_true(world->embedded[at]);
        assert_int_equal(world->batch[at] > 0, step->down);
        /* Newest first down, oldest first up, and down before up. */
        if (i > 0 && step[-1].down == step->down)
            assert_int_equal(step->down, step[-1].migration->version > step->migration->version);
        assert_false(i > 0 && !step[-1].down && step->down);
        world->batch[at] = step->down ? 0 : plan.next_batch;
    }
    free(steps.list);
    inlay_plan_free(&plan);
    inlay_history_free(&history);
    return rc;
}

static void every_version_can_be_reached_from_everywhere(void **state)
{
    (void)state;
    uint32_t seed = 21;

    for (size_t round = 0; round < 3000; round++) {
        struct world world = random_world(&seed, false);
        struct world before = world;
        const struct goal goal = {.kind = GOAL_TO, .version = unit_random(&seed, VERSIONS + 1)};
        bool stuck = false;
        for (size_t i = (size_t)goal.version; i < VERSIONS; i++)
            stuck = stuck || (world.batch[i] > 0 && !world.embedded[i]);
        assert_int_equal(pursue(&world, &goal), stuck ? INLAY_E_REFUSED : INLAY_OK);
        for (size_t i = 0; i < VERSIONS && !stuck; i++) {
            bool below = i < (size_t)goal.version;
            bool kept = before.batch[i] > 0 && !before.embedded[i];
            assert_int_equal(world.batch[i] > 0, below && (before.embedded[i] || kept));
        }
    }
}

static size_t count_applied(const struct world *world)
{
    size_t count = 0;

    for (size_t i = 0; i < VERSIONS; i++)
        count += world->batch[i] > 0;
    return count;
}

static void going_down_undoes_as_many_as_it_was_told(void **state)
{
    (void)state;
    uint32_t seed = 22;

    for (size_t round = 0; round < 1000; round++) {
        struct world world = random_world(&seed, true);
        size_t before = count_applied(&world);
        const struct goal goal = {.kind = GOAL_DOWN, .count = unit_random(&seed, VERSIONS + 2)};
        assert_int_equal(pursue(&world, &goal), INLAY_OK);
        assert_int_equal(count_applied(&world), before > goal.count ? before - goal.count : 0);
    }
}

static void rolling_back_undoes_one_batch_and_redo_changes_nothing_else(void **state)
{
    (void)state;
    const struct goal rollback = {.kind = GOAL_ROLLBACK};
    const struct goal redo = {.kind = GOAL_REDO};
    uint32_t seed = 23;

    for (size_t round = 0; round < 1000; round++) {
        struct world world = random_world(&seed, true);
        struct world before = world;
        int64_t last = 0;
        for (size_t i = 0; i < VERSIONS; i++)
            last = world.batch[i] > last ? world.batch[i] : last;
        assert_int_equal(pursue(&world, &rollback), INLAY_OK);
        for (size_t i = 0; i < VERSIONS; i++)
            assert_int_equal(world.batch[i], before.batch[i] == last ? 0 : before.batch[i]);
        world = before;
        assert_int_equal(pursue(&world, &redo), INLAY_OK);
        for (size_t i = 0; i < VERSIONS; i++)
            assert_int_equal(world.batch[i] > 0, before.batch[i] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_of_each_goal_what_concerns_it),
        cmocka_unit_test(goes_to_no_version_that_is_not_embedded),
        cmocka_unit_test(only_an_upward_goal_is_reached_without_a_look_at_the_steps),
        cmocka_unit_test(every_version_can_be_reached_from_everywhere),
        cmocka_unit_test(going_down_undoes_as_many_as_it_was_told),
        cmocka_unit_test(rolling_back_undoes_one_batch_and_redo_changes_nothing_else),
    };
    return cmocka_run_group_tests_name("pursuit", tests, NULL, NULL);
}

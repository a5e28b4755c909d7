/* What a run is to reach, and the steps that lead there. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/goal.h"
#include "plan/merge.h"
#include "plan/steps.h"

/* Rows of batch 1, 2 ... as the digits say; '-' is NULL. Migrations whose name begins with x have
 * no down script. */
struct scene {
    struct unit_set set;
    struct history history;
    struct plan plan;
};

static void set_scene(struct scene *scene, const char *embedded, const char *recorded,
                      const char *batches)
{
    struct inlay_error err;

    unit_set_parse(&scene->set, embedded);
    unit_history_parse(&scene->history, recorded);
    for (size_t i = 0; i < scene->set.set.migration_count; i++)
        if (scene->set.names[i][0] != 'x')
            scene->set.migrations[i].down = unit_script("down.sql", "SELECT 1");
    for (size_t i = 0; i < scene->history.row_count && batches[i] != '\0'; i++)
        scene->history.rows[i].batch = batches[i] == '-' ? -1 : batches[i] - '0';
    assert_int_equal(inlay_merge(&scene->set.set, &scene->history, &scene->plan, &err), INLAY_OK);
}

static void clear_scene(struct scene *scene)
{
    inlay_plan_free(&scene->plan);
    inlay_history_free(&scene->history);
}

/* "down 3, up 3"; a row that is only taken away is "forget 3". */
static void describe(const struct steps *steps, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        bool empty = step->down && step->migration->down.text == NULL;
        assert_int_equal(step->script == &step->migration->up, !step->down);
        assert_int_equal(step->script == &step->migration->down, step->down && !empty);
        if (empty)
            assert_int_equal(step->script->length + step->script->statement_count, 0);
        inlay_text_add(text, size, "%s%s %lld", i > 0 ? ", " : "",
                       empty        ? "forget"
                       : step->down ? "down"
                                    : "up",
                       (long long)step->migration->version);
    }
}

struct example {
    struct goal goal;
    const char *set, *history, *batches, *steps;
};

static void leads(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct scene scene;
        struct steps steps;
        struct inlay_error err;
        char text[256];
        set_scene(&scene, examples[i].set, examples[i].history, examples[i].batches);
        inlay_error_clear(&err);
        int rc = inlay_steps_list(&scene.set.set, &scene.plan, &examples[i].goal, &steps, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(rc, INLAY_OK);
        describe(&steps, text, sizeof text);
        assert_string_equal(text, examples[i].steps);
        free(steps.list);
        clear_scene(&scene);
    }
}

static void goes_up(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{.kind = GOAL_UP}, "", "", "", ""},
        {{.kind = GOAL_UP}, "1:a 2:b", "", "", "up 1, up 2"},
        {{.kind = GOAL_UP}, "1:a 2:b", "1:a 2:b", "11", ""},
        {{.kind = GOAL_UP}, "1:a 2:b 4:d", "2:b 5:e", "11", "up 1, up 4"},
        {{.kind = GOAL_NONE}, "1:a 2:b", "2:b", "1", ""},  /* the history alone is changed */
        {{.kind = GOAL_RESET}, "1:a 2:b", "1:a", "1", ""}, /* everything is dropped first */
    };

    leads(examples, COUNT(examples));
}

static void goes_to_a_version(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{.kind = GOAL_TO, .version = 2}, "1:a 2:b 3:c", "", "", "up 1, up 2"},
        {{.kind = GOAL_TO, .version = 2}, "1:a 2:b 3:c", "1:a 2:b 3:c", "111", "down 3"},
        {{.kind = GOAL_TO, .version = 2}, "1:a 2:b 3:c", "1:a 3:c", "12", "down 3, up 2"},
        {{.kind = GOAL_TO, .version = 3}, "1:a 2:b 3:c", "1:a 2:b 3:c", "111", ""},
        {{.kind = GOAL_TO, .version = 1}, "1:a 2:b 3:c", "1:a 2:b 3:c", "3-1", "down 3, down 2"},
        {{.kind = GOAL_TO, .version = 0}, "1:a 2:b", "1:a 2:b", "11", "down 2, down 1"},
        {{.kind = GOAL_TO, .version = 0}, "1:a 2:b", "", "", ""},
        /* What somebody else applied below is left alone. */
        {{.kind = GOAL_TO, .version = 2}, "2:b 3:c", "1:z 2:b 3:c", "111", "down 3"},
    };

    leads(examples, COUNT(examples));
}

static void undoes_the_newest(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{.kind = GOAL_DOWN, .count = 0}, "1:a 2:b", "1:a 2:b", "11", ""},
        {{.kind = GOAL_DOWN, .count = 1}, "1:a 2:b", "1:a 2:b", "11", "down 2"},
        {{.kind = GOAL_DOWN, .count = 2}, "1:a 2:b 3:c", "1:a 3:c", "11", "down 3, down 1"},
        {{.kind = GOAL_DOWN, .count = 9}, "1:a 2:b", "1:a 2:b", "11", "down 2, down 1"},
        {{.kind = GOAL_DOWN, .count = 1}, "1:a 2:b", "", "", ""},
        {{.kind = GOAL_DOWN, .count = 1}, "1:a 2:b", "1:a 2:b:edited", "11", "down 2"},
        {{.kind = GOAL_DOWN, .count = SIZE_MAX}, "1:a", "1:a", "1", "down 1"},
    };

    leads(examples, COUNT(examples));
}

/* "up 3 stored, down 2 forgotten": what becomes of the stored down scripts of each step. */
static void describe_keeping(const struct steps *steps, char *text, size_t size)
{
    static const char *const words[] = {"as it is", "stored", "forgotten"};

    text[0] = '\0';
    for (size_t i = 0; i < steps->count; i++)
        inlay_text_add(text, size, "%s%s %lld %s", i > 0 ? ", " : "",
                       steps->list[i].down ? "down" : "up",
                       (long long)steps->list[i].migration->version, words[steps->list[i].keep]);
}

static void keeps_down_scripts_in_step(void **state)
{
    (void)state;
    static const struct {
        struct goal goal;
        const char *history, *steps;
    } examples[] = {
        /* The scripts of 2 and 4 are stored, though 4 has no row any more; x3 has none. */
        {{.kind = GOAL_UP}, "1:a", "up 2 forgotten, up 3 as it is, up 4 forgotten"},
        {{.kind = GOAL_UP, .keep_down = true}, "1:a", "up 2 stored, up 3 as it is, up 4 stored"},
        {{.kind = GOAL_DOWN, .count = 2}, "1:a 2:b", "down 2 forgotten, down 1 as it is"},
        {{.kind = GOAL_DOWN, .count = 1, .keep_down = true}, "1:a 2:b", "down 2 forgotten"},
        {{.kind = GOAL_REDO}, "1:a 2:b", "down 2 forgotten, up 2 forgotten"},
        {{.kind = GOAL_REDO, .keep_down = true}, "1:a", "down 1 as it is, up 1 stored"},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        static int64_t downs[] = {2, 4};
        struct scene scene;
        struct history stored;
        struct steps steps;
        struct inlay_error err;
        char text[256];
        set_scene(&scene, "1:a 2:b 3:x 4:d", examples[i].history, "11");
        inlay_plan_free(&scene.plan);
        stored = scene.history;
        stored.downs = downs;
        stored.down_count = COUNT(downs);
        assert_int_equal(inlay_merge(&scene.set.set, &stored, &scene.plan, &err), INLAY_OK);
        assert_int_equal(
            inlay_steps_list(&scene.set.set, &scene.plan, &examples[i].goal, &steps, &err),
            INLAY_OK);
        describe_keeping(&steps, text, sizeof text);
        assert_string_equal(text, examples[i].steps);
        free(steps.list);
        clear_scene(&scene);
    }
}

static void undoes_the_last_batch(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{.kind = GOAL_ROLLBACK}, "1:a 2:b 3:c", "1:a 2:b 3:c", "122", "down 3, down 2"},
        {{.kind = GOAL_ROLLBACK}, "1:a 2:b 3:c", "1:a 2:b 3:c", "333", "down 3, down 2, down 1"},
        /* A late file came with the last run, below what is older. */
        {{.kind = GOAL_ROLLBACK}, "1:a 2:b 3:c", "1:a 2:b 3:c", "121", "down 2"},
        {{.kind = GOAL_ROLLBACK}, "1:a 2:b 3:c", "1:a 2:b 3:c", "-12", "down 3"},
        {{.kind = GOAL_ROLLBACK}, "1:a", "1:a", "0", "down 1"},
        {{.kind = GOAL_ROLLBACK}, "1:a 2:b", "", "", ""},
        /* What a newer binary applied before it stays. */
        {{.kind = GOAL_ROLLBACK}, "1:a 3:c", "1:a 2:z 3:c", "112", "down 3"},
    };

    leads(examples, COUNT(examples));
}

static void does_the_newest_again(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{.kind = GOAL_REDO}, "1:a 2:b", "1:a 2:b", "11", "down 2, up 2"},
        {{.kind = GOAL_REDO}, "1:a 2:b", "1:a 2:b:edited", "11", "down 2, up 2"},
        {{.kind = GOAL_REDO}, "1:a 2:b", "1:a", "1", "down 1, up 1"}, /* 2 stays pending */
        {{.kind = GOAL_REDO}, "1:a", "", "", ""},
        {{.kind = GOAL_REDO, .skip_missing_down = true}, "1:x", "1:x", "1", "forget 1, up 1"},
    };

    leads(examples, COUNT(examples));
}

static void forgets_what_has_no_down_script_where_it_may(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{.kind = GOAL_DOWN, .count = 3, .skip_missing_down = true},
         "1:a 2:x 3:c",
         "1:a 2:x 3:c",
         "111",
         "down 3, forget 2, down 1"},
        {{.kind = GOAL_TO, .skip_missing_down = true}, "1:x", "1:x", "1", "forget 1"},
        /* None of its business: nothing of it is to be undone. */
        {{.kind = GOAL_DOWN, .count = 1}, "1:x 2:b", "1:x 2:b", "11", "down 2"},
    };

    leads(examples, COUNT(examples));
}

#define NO_DOWN_HINT                                                                               \
    "add NNN_name.down.sql and rebuild; or --migrate-skip-missing-down, which deletes the "        \
    "history row and leaves the schema unchanged"

static void refuses_steps_that_cannot_be_taken(void **state)
{
    (void)state;
    static const struct {
        struct goal goal;
        const char *set, *history, *batches, *message, *hint, *outcome;
        int64_t version;
    } cases[] = {
        {{.kind = GOAL_DOWN, .count = 2},
         "1:x 2:b",
         "1:x 2:b",
         "11",
         "version 1 (x) has no down script",
         NO_DOWN_HINT,
         "nothing was undone",
         1},
        {{.kind = GOAL_REDO},
         "1:x",
         "1:x",
         "1",
         "version 1 (x) has no down script",
         NO_DOWN_HINT,
         "nothing was undone",
         1},
        {{.kind = GOAL_DOWN, .count = 1, .skip_missing_down = true},
         "1:a",
         "1:a 2:z",
         "11",
         "version 2 (z) would have to be undone first, and this binary does not have it",
         "go back with the binary that applied it, or with a newer one",
         "",
         2},
        {{.kind = GOAL_TO},
         "1:a 3:c",
         "1:a 2:z 3:c",
         "111",
         "version 2 (z) would have to be undone first, and this binary does not have it",
         "go back with the binary that applied it, or with a newer one",
         "",
         2},
        {{.kind = GOAL_ROLLBACK},
         "1:a 2:b",
         "1:a 2:b",
         "1-",
         "version 2 (b) was recorded without a batch: what the last run applied is not known",
         "say how many: --migrate-down N",
         "",
         2},
        {{.kind = GOAL_ROLLBACK},
         "1:a",
         "1:a",
         "-",
         "version 1 (a) was recorded without a batch: what the last run applied is not known",
         "say how many: --migrate-down N",
         "",
         1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct steps steps;
        struct inlay_error err;
        set_scene(&scene, cases[i].set, cases[i].history, cases[i].batches);
        assert_int_equal(
            inlay_steps_list(&scene.set.set, &scene.plan, &cases[i].goal, &steps, &err),
            INLAY_E_REFUSED);
        assert_string_equal(err.message, cases[i].message);
        assert_string_equal(err.hint, cases[i].hint);
        assert_string_equal(err.outcome, cases[i].outcome);
        assert_int_equal(err.version, cases[i].version);
        /* The file beside which a down script is missing. */
        assert_string_equal(err.path, cases[i].outcome[0] != '\0' ? "migrations/1_x.sql" : "");
        free(steps.list);
        clear_scene(&scene);
    }
}

/* The history goes too: what it says is no reason against. */
static void a_reset_minds_no_history(void **state)
{
    (void)state;
    static const char *const histories[] = {"", "1:a 2:b", "1:z", "9:z", "1:a 2:b 3:c"};
    const struct goal goal = {.kind = GOAL_RESET};

    for (size_t i = 0; i < COUNT(histories); i++) {
        struct scene scene;
        struct inlay_error err;
        const struct history_name name = {.text = "public.h", .quoted = "h"};
        set_scene(&scene, "1:a 2:b", histories[i], "");
        assert_int_equal(inlay_goal_verdict(&scene.set.set, &scene.plan, &goal, &name, true, &err),
                         INLAY_OK);
        assert_false(inlay_goal_reached(&scene.plan, &goal));
        clear_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_up),
        cmocka_unit_test(goes_to_a_version),
        cmocka_unit_test(undoes_the_newest),
        cmocka_unit_test(keeps_down_scripts_in_step),
        cmocka_unit_test(undoes_the_last_batch),
        cmocka_unit_test(does_the_newest_again),
        cmocka_unit_test(forgets_what_has_no_down_script_where_it_may),
        cmocka_unit_test(refuses_steps_that_cannot_be_taken),
        cmocka_unit_test(a_reset_minds_no_history),
    };
    return cmocka_run_group_tests_name("goal", tests, NULL, NULL);
}

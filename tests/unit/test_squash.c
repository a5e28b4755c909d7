/* Migrations that replace others: what becomes of them, of what they replace, and of the run. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/goal.h"
#include "plan/merge.h"
#include "plan/squash.h"
#include "plan/steps.h"

enum { MOST = 4 };

struct scene {
    struct unit_set set;
    struct history history;
    struct plan plan;
    struct inlay_range ranges[MOST];
    int64_t versions[MOST][UNIT_MOST];
};

static int64_t number(const char **text)
{
    char *end;
    long long found = strtoll(*text, &end, 10);

    assert_ptr_not_equal(end, *text);
    *text = end;
    return found;
}

static bool take(const char **text, const char *what)
{
    if (strncmp(*text, what, strlen(what)) != 0)
        return false;
    *text += strlen(what);
    return true;
}

/* "4=1..3:1,2,3 9=5..8": what a version replaces, and which versions there are known to be. */
static void parse_ranges(struct scene *scene, const char *text)
{
    for (size_t i = 0; *text != '\0'; i++) {
        assert_true(i < MOST);
        struct inlay_range *range = &scene->ranges[i];
        int64_t version = number(&text);
        assert_true(take(&text, "="));
        range->first = number(&text);
        assert_true(take(&text, ".."));
        range->last = number(&text);
        while (take(&text, range->version_count == 0 ? ":" : ","))
            scene->versions[i][range->version_count++] = number(&text);
        if (range->version_count > 0)
            range->versions = scene->versions[i];
        take(&text, " ");
        for (size_t m = 0; m < scene->set.set.migration_count; m++)
            if (scene->set.migrations[m].version == version)
                scene->set.migrations[m].replaces = range;
    }
}

/* "4=1..3/3": as the state table has it, with the number of versions. */
static void parse_covers(struct history *history, const char *text)
{
    history->covers = calloc(MOST, sizeof *history->covers);
    assert_non_null(history->covers);
    while (*text != '\0') {
        struct history_cover *cover = &history->covers[history->cover_count++];
        cover->version = number(&text);
        assert_true(take(&text, "="));
        cover->first = number(&text);
        assert_true(take(&text, ".."));
        cover->last = number(&text);
        if (take(&text, "/"))
            cover->count = number(&text);
        take(&text, " ");
    }
}

struct example {
    const char *set, *ranges, *history, *covers, *plan;
};

static void set_scene(struct scene *scene, const struct example *example)
{
    struct inlay_error err;

    memset(scene, 0, sizeof *scene);
    unit_set_parse(&scene->set, example->set);
    parse_ranges(scene, example->ranges);
    unit_history_parse(&scene->history, example->history);
    parse_covers(&scene->history, example->covers);
    assert_int_equal(inlay_merge(&scene->set.set, &scene->history, &scene->plan, &err), INLAY_OK);
}

static void clear_scene(struct scene *scene)
{
    inlay_plan_free(&scene->plan);
    inlay_history_free(&scene->history);
}

/* "1 applied, 2 replaced, 4 pending recorded" */
static void describe(const struct plan *plan, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        inlay_text_add(text, size, "%s%lld %s%s%s", i > 0 ? ", " : "", (long long)entry->version,
                       inlay_state_name(entry->state), entry->recorded ? " recorded" : "",
                       entry->late ? " late" : "");
    }
}

#define ALL "1:a 2:b 3:c 4:s"
#define KNOWN "4=1..3:1,2,3"

static void plans(void **state)
{
    (void)state;
    static const struct example examples[] = {
        /* The old files are there: nothing, all, some of them. */
        {ALL, KNOWN, "", "", "1 replaced, 2 replaced, 3 replaced, 4 pending"},
        {ALL, KNOWN, "1:a 2:b 3:c", "", "1 applied, 2 applied, 3 applied, 4 pending recorded"},
        {ALL, KNOWN, "1:a 3:c", "", "1 applied, 2 pending late, 3 applied, 4 pending recorded"},
        /* It is recorded, or it ran. */
        {ALL, KNOWN, "1:a 2:b 3:c 4:s", "4=1..3/3",
         "1 applied, 2 applied, 3 applied, 4 applied recorded"},
        {ALL, KNOWN, "4:s", "4=1..3/3", "1 replaced, 2 replaced, 3 replaced, 4 applied"},
        {ALL, KNOWN, "4:s", "", "1 replaced, 2 replaced, 3 replaced, 4 applied"},
        /* A file that came later. */
        {ALL, KNOWN, "1:a 3:c 4:s", "4=1..3/2",
         "1 applied, 2 pending late, 3 applied, 4 applied recorded"},
        /* The old files are deleted, and frozen. */
        {"4:s", KNOWN, "", "", "4 pending"},
        {"4:s", KNOWN, "1:a 2:b 3:c", "", "1 replaced, 2 replaced, 3 replaced, 4 pending recorded"},
        {"4:s", KNOWN, "1:a 3:c", "", "1 unknown, 3 unknown, 4 pending"},
        {"4:s", "4=1..3:1,3", "1:a 3:c", "", "1 replaced, 3 replaced, 4 pending recorded"},
        {"4:s", KNOWN, "1:a 2:b 3:c 4:s", "4=1..3",
         "1 replaced, 2 replaced, 3 replaced, 4 applied recorded"},
        {"4:s", KNOWN, "4:s", "4=1..3", "4 applied"},
        /* ... and not frozen: only every number is surely all. */
        {"4:s", "4=1..3", "1:a 2:b 3:c", "",
         "1 replaced, 2 replaced, 3 replaced, 4 pending recorded"},
        {"4:s", "4=1..3", "1:a 3:c", "", "1 unknown, 3 unknown, 4 pending"},
        {"4:s", "4=1..3", "2:b 3:c", "", "2 unknown, 3 unknown, 4 pending"},
        {"9223372036854775807:s", "9223372036854775807=9223372036854775806..9223372036854775806",
         "9223372036854775806:y", "",
         "9223372036854775806 replaced, 9223372036854775807 pending recorded"},
        /* An older binary: the state table tells. */
        {"1:a 2:b 3:c", "", "4:s", "4=1..3/3", "1 replaced, 2 replaced, 3 replaced, 4 unknown"},
        {"1:a 2:b 3:c", "", "1:a 2:b 3:c 4:s", "4=1..3/3",
         "1 applied, 2 applied, 3 applied, 4 unknown recorded"},
        {"1:a 2:b", "", "4:s", "4=1..3/3", "1 replaced, 2 replaced, 4 unknown"},
        {"1:a 2:b 3:c", "", "", "4=1..3/3", "1 pending, 2 pending, 3 pending"}, /* no row */
        {"1:a 2:b 3:c", "", "4:s", "", "1 pending late, 2 pending late, 3 pending late, 4 unknown"},
        /* What lies below and above is none of its business. */
        {"1:a 2:b 3:c 4:s 5:d", "4=2..3:2,3", "1:a", "",
         "1 applied, 2 replaced, 3 replaced, 4 pending, 5 pending"},
        {"1:a 2:b 3:c 4:s 5:d", "4=2..3:2,3", "", "",
         "1 pending, 2 replaced, 3 replaced, 4 pending, 5 pending"},
        /* One that replaces one that replaces. */
        {"1:a 2:b 3:s 4:d 5:t", "3=1..2:1,2 5=1..4:1,2,3,4", "", "",
         "1 replaced, 2 replaced, 3 replaced, 4 replaced, 5 pending"},
        {"1:a 2:b 3:s 4:d 5:t", "3=1..2:1,2 5=1..4:1,2,3,4", "1:a 2:b 3:s 4:d", "3=1..2/2",
         "1 applied, 2 applied, 3 applied recorded, 4 applied, 5 pending recorded"},
        {"1:a 2:b 3:s 4:d 5:t", "3=1..2:1,2 5=1..4:1,2,3,4", "3:s 4:d", "3=1..2/2",
         "1 replaced, 2 replaced, 3 applied, 4 applied, 5 pending recorded"},
        {"1:a 2:b 3:s 4:d 5:t", "3=1..2:1,2 5=1..4:1,2,3,4", "1:a 2:b", "",
         "1 applied, 2 applied, 3 pending recorded, 4 pending, 5 pending recorded"},
        {"3:s 4:d 5:t", "5=1..4:3,4 3=1..2", "1:a 2:b", "",
         "1 replaced, 2 replaced, 3 pending recorded, 4 pending, 5 pending recorded"},
        {"3:s 4:d 5:t", "5=1..4:3,4 3=1..2", "1:a", "",
         "1 unknown, 3 pending, 4 pending, 5 pending"},
        /* The one before is deleted, and the state table remembers it. */
        {"1:a 2:b 4:d 5:t", "5=1..4:1,2,4", "1:a 2:b 3:s", "3=1..2/2",
         "1 applied, 2 applied, 3 replaced recorded, 4 pending, 5 pending recorded"},
        {"1:a 2:b 4:d 5:t", "5=1..4:1,2,4", "1:a 2:b 3:s", "",
         "1 applied, 2 applied, 3 unknown, 4 pending, 5 pending"},
        {"5:t", "5=1..4", "3:s 4:d", "3=1..2/2", "3 replaced, 4 replaced, 5 pending recorded"},
        {"5:t", "5=1..4", "3:s 4:d", "", "3 unknown, 4 unknown, 5 pending"},
        /* A gap between timestamps is not walked through. */
        {"20260101000009:t", "20260101000009=20200101000000..20260101000008",
         "20250101000000:s 20260101000008:d", "20250101000000=20200101000000..20240101000000/2",
         "20250101000000 unknown, 20260101000008 unknown, 20260101000009 pending"},
    };

    for (size_t i = 0; i < COUNT(examples); i++) {
        struct scene scene;
        char text[512];
        set_scene(&scene, &examples[i]);
        describe(&scene.plan, text, sizeof text);
        assert_string_equal(text, examples[i].plan);
        clear_scene(&scene);
    }
}

/* ---- verdict ---- */

struct judged {
    struct example example;
    const char *message; /* NULL: it may run */
    const char *hint;
};

static void judge(const struct judged *judged)
{
    struct scene scene;
    struct history_name name;
    struct inlay_error err;
    const struct goal up = {.kind = GOAL_UP};

    inlay_error_clear(&err);
    assert_int_equal(inlay_name_parse("public.applied_migrations", &name, &err), INLAY_OK);
    set_scene(&scene, &judged->example);
    int rc = inlay_goal_verdict(&scene.set.set, &scene.plan, &up, &name, false, &err);
    if (judged->message == NULL)
        assert_string_equal(err.message, "");
    else
        assert_non_null(strstr(err.message, judged->message));
    assert_int_equal(rc, judged->message == NULL ? INLAY_OK : INLAY_E_MISMATCH);
    if (judged->hint != NULL)
        assert_non_null(strstr(err.hint, judged->hint));
    clear_scene(&scene);
}

static void refuses_in_between(void **state)
{
    (void)state;
    static const struct judged cases[] = {
        {{"1:a 4:s", "4=1..3:1,2,3", "1:a 2:b", "", ""},
         "version 4 replaces 1..3: 2 of them are applied here, and version 3 is not",
         "--migrate-mark 4"},
        {{"1:a 3:c 4:s", KNOWN, "1:a 3:c", "", ""},
         "2 of them are applied here, and version 2 is not",
         "--migrate-mark 4"},
        {{"1:a 4:s", "4=1..3:1,3", "1:a", "", ""},
         "1 of them is applied here, and version 3 is not",
         "--migrate-mark 4"},
        /* Renamed and edited are told before. */
        {{ALL, KNOWN, "1:z 2:b", "", ""}, "was applied as \"z\"", NULL},
        /* Nobody knows their names any more. */
        {{"4:s", KNOWN, "1:x 2:y", "", ""},
         "2 of them are applied here, and version 3 is not",
         "--migrate-history"},
        {{"4:s", "4=1..3", "1:x 2:y", "", ""}, "3 is not", "--migrate-history"},
        {{"4:s", "4=1..3", "1:x 2:y 9:z", "", ""}, "belongs to another set", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        judge(&cases[i]);
}

static void runs_or_records(void **state)
{
    (void)state;
    static const struct judged cases[] = {
        {{ALL, KNOWN, "", "", ""}, NULL, NULL},
        {{ALL, KNOWN, "1:a 2:b 3:c", "", ""}, NULL, NULL},
        {{ALL, KNOWN, "1:a 3:c", "", ""}, NULL, NULL},
        {{ALL " 5:e", KNOWN, "2:b 5:e", "", ""}, NULL, NULL},
        {{"4:s", KNOWN, "1:a 2:b 3:c", "", ""}, NULL, NULL},
        {{"4:s", "4=1..3", "1:a 2:b 3:c", "", ""}, NULL, NULL},
        {{"4:s 5:d", "4=1..3", "1:a 2:b 3:c", "", ""}, NULL, NULL},
        {{"1:a 4:s", "4=2..3", "1:a", "", ""}, NULL, NULL},
        {{"4:s", KNOWN, "4:s", "4=1..3/3", ""}, NULL, NULL},
        {{"4:s 5:d", KNOWN, "1:a 2:b 3:c 4:s", "4=1..3/3", ""}, NULL, NULL},
        /* An older binary starts on either. */
        {{"1:a 2:b 3:c", "", "4:s", "4=1..3/3", ""}, NULL, NULL},
        {{"1:a 2:b 3:c", "", "4:s 5:d", "4=1..3/3", ""}, NULL, NULL},
        {{"1:a 2:b 3:c", "", "1:a 2:b 3:c 4:s 5:d", "4=1..3/3", ""}, NULL, NULL},
        {{"4:s 5:d", "4=1..3", "6:t", "6=1..5", ""}, NULL, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        judge(&cases[i]);
}

static void never_runs_what_was_replaced(void **state)
{
    (void)state;
    static const struct judged cases[] = {
        /* A still older binary cannot tell whose history this is. */
        {{"1:a 2:b", "", "4:s", "4=1..3/3", ""}, "belongs to another set", NULL},
        /* Something comes after what was never applied. */
        {{"4:s 5:d", "4=1..3", "5:d", "", ""},
         "of which nothing is applied here; but version 5",
         "--migrate-mark 4"},
        {{"4:s", "4=1..3", "9:s", "", ""}, "but version 9", NULL},
        /* A file came late into a range. */
        {{ALL, KNOWN, "1:a 3:c 4:s", "4=1..3/2", ""},
         "version 4 replaces 1..3, and version 2 (b) was not there",
         "above 4"},
        {{"1:a 2:b 3:c", "", "1:a 3:c 4:s", "4=1..3/2", ""},
         "version 2 (b) was not there",
         "--migrate-mark 2"},
        /* All were there, and a row was removed. */
        {{ALL, KNOWN, "1:a 3:c 4:s", "4=1..3/3", ""},
         "version 4 replaces 1..3 and is applied, but version 2 (b) has no row",
         "--migrate-mark 2"},
        {{ALL, KNOWN, "4:s", "4=1..3/2", ""}, "one of the 3 files of these", "above 4"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        judge(&cases[i]);
}

/* ---- steps ---- */

struct led {
    struct example example;
    struct goal goal;
    const char *steps;
};

/* "record 4", "up 4", "down 3", "forget 4" */
static const char *kind_of(const struct step *step)
{
    bool empty = step->script->statement_count == 0 && step->script->length == 0;

    if (step->down)
        return empty ? "forget" : "down";
    assert_int_equal(step->recorded, empty);
    return step->recorded ? "record" : "up";
}

static void leads(void **state)
{
    (void)state;
    static const struct led cases[] = {
        {{ALL, KNOWN, "", "", ""}, {.kind = GOAL_UP}, "up 4"},
        {{ALL " 5:e", KNOWN, "", "", ""}, {.kind = GOAL_UP}, "up 4, up 5"},
        {{"1:a 2:b 3:c 4:s", "4=2..3:2,3", "", "", ""}, {.kind = GOAL_UP}, "up 1, up 4"},
        {{ALL " 5:e", KNOWN, "1:a 2:b 3:c", "", ""}, {.kind = GOAL_UP}, "record 4, up 5"},
        {{"4:s", "4=1..3", "1:a 2:b 3:c", "", ""}, {.kind = GOAL_UP}, "record 4"},
        {{ALL " 5:e", KNOWN, "2:b", "", ""}, {.kind = GOAL_UP}, "up 1, up 3, record 4, up 5"},
        {{"1:a 2:b 3:s 4:d 5:t", "3=1..2:1,2 5=1..4:1,2,3,4", "2:b", "", ""},
         {.kind = GOAL_UP},
         "up 1, record 3, up 4, record 5"},
        /* Up to what it replaces the old way goes. */
        {{ALL, KNOWN, "", "", ""}, {.kind = GOAL_TO, .version = 3}, "up 1, up 2, up 3"},
        {{ALL, KNOWN, "1:a", "", ""}, {.kind = GOAL_TO, .version = 3}, "up 2, up 3"},
        {{ALL, KNOWN, "1:a 2:b 3:c", "", ""}, {.kind = GOAL_TO, .version = 4}, "record 4"},
        {{ALL, KNOWN, "", "", ""}, {.kind = GOAL_TO, .version = 4}, "up 4"},
        /* Back over it. */
        {{ALL, KNOWN, "1:a 2:b 3:c 4:s", "4=1..3/3", ""},
         {.kind = GOAL_TO, .version = 2},
         "forget 4, down 3"},
        {{ALL, KNOWN, "1:a 2:b 3:c 4:s", "4=1..3/3", ""},
         {.kind = GOAL_DOWN, .count = 1},
         "forget 4"},
        {{ALL, KNOWN, "1:a 2:b 3:c 4:s", "4=1..3/3", ""},
         {.kind = GOAL_REDO},
         "forget 4, record 4"},
        {{ALL, KNOWN, "4:s", "4=1..3/3", ""}, {.kind = GOAL_REDO}, "down 4, up 4"},
        {{ALL, KNOWN, "4:s", "4=1..3/3", ""},
         {.kind = GOAL_TO, .version = 2},
         "down 4, up 1, up 2"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct steps steps;
        struct inlay_error err;
        char text[256] = "";
        set_scene(&scene, &cases[i].example);
        for (size_t m = 0; m < scene.set.set.migration_count; m++) {
            scene.set.migrations[m].down = unit_script("down.sql", "SELECT 1");
            scene.set.migrations[m].up = unit_script("up.sql", "SELECT 1");
        }
        assert_int_equal(
            inlay_steps_list(&scene.set.set, &scene.plan, &cases[i].goal, &steps, &err), INLAY_OK);
        for (size_t s = 0; s < steps.count; s++)
            inlay_text_add(text, sizeof text, "%s%s %lld", s > 0 ? ", " : "",
                           kind_of(&steps.list[s]), (long long)steps.list[s].migration->version);
        assert_string_equal(text, cases[i].steps);
        free(steps.list);
        clear_scene(&scene);
    }
}

/* Where it ran, its own down script is needed; where it was recorded, none is. */
static void needs_a_down_script_where_it_ran(void **state)
{
    (void)state;
    static const struct example ran = {ALL, KNOWN, "4:s", "4=1..3/3", ""};
    static const struct example recorded = {ALL, KNOWN, "1:a 2:b 3:c 4:s", "4=1..3/3", ""};
    const struct goal goal = {.kind = GOAL_DOWN, .count = 1};

    for (int i = 0; i < 2; i++) {
        struct scene scene;
        struct steps steps;
        struct inlay_error err;
        set_scene(&scene, i == 0 ? &ran : &recorded);
        assert_int_equal(inlay_steps_list(&scene.set.set, &scene.plan, &goal, &steps, &err),
                         i == 0 ? INLAY_E_REFUSED : INLAY_OK);
        free(steps.list);
        clear_scene(&scene);
    }
}

static void counts_what_is_replaced(void **state)
{
    (void)state;
    static const struct example example = {ALL, KNOWN, "", "", ""};
    struct scene scene;

    set_scene(&scene, &example);
    assert_int_equal(scene.plan.replaced, 3);
    assert_int_equal(scene.plan.pending, 1);
    assert_int_equal(scene.plan.unknown, 0);
    assert_int_equal(inlay_plan_find(&scene.plan, 2)->replaced_by, 4);
    assert_null(inlay_plan_find(&scene.plan, 5));
    assert_false(inlay_squash_is_done(&scene.plan, 2));
    clear_scene(&scene);
}

/* ---- half done ---- */

/* Its statements without a transaction may be in the database, although it has no row. */
static void a_step_that_has_begun(void **state)
{
    (void)state;
    static const struct example examples[] = {{ALL, KNOWN, "", "", ""}, {"4:s", KNOWN, "", "", ""}};
    static const char *const plans[] = {"1 pending, 2 pending, 3 pending, 4 pending recorded",
                                        "4 pending"};
    const struct goal up = {.kind = GOAL_UP};

    for (size_t i = 0; i < 2; i++) {
        struct history_progress progress = {.version = 1, .done = 1};
        struct scene scene;
        struct history_name name;
        struct inlay_error err;
        char text[512];
        set_scene(&scene, &examples[i]);
        inlay_plan_free(&scene.plan);
        scene.history.progress = &progress;
        scene.history.progress_count = 1;
        assert_int_equal(inlay_merge(&scene.set.set, &scene.history, &scene.plan, &err), INLAY_OK);
        describe(&scene.plan, text, sizeof text);
        assert_string_equal(text, plans[i]);
        inlay_error_clear(&err);
        assert_int_equal(inlay_name_parse("public.applied_migrations", &name, &err), INLAY_OK);
        assert_int_equal(inlay_goal_verdict(&scene.set.set, &scene.plan, &up, &name, false, &err),
                         i == 0 ? INLAY_OK : INLAY_E_MISMATCH);
        if (i == 1)
            assert_non_null(strstr(err.message, "one of them is half done here, and version 1 is"));
        scene.history.progress = NULL;
        scene.history.progress_count = 0;
        clear_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans),
        cmocka_unit_test(refuses_in_between),
        cmocka_unit_test(runs_or_records),
        cmocka_unit_test(never_runs_what_was_replaced),
        cmocka_unit_test(leads),
        cmocka_unit_test(needs_a_down_script_where_it_ran),
        cmocka_unit_test(counts_what_is_replaced),
        cmocka_unit_test(a_step_that_has_begun),
    };
    return cmocka_run_group_tests_name("squash", tests, NULL, NULL);
}

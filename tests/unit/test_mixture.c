/* A create script and upgrade steps in one binary: every mixture of what a database has of them, by
 * a small model. Steps 1 to 4, the create script 5 that replaces them, later steps 6 and 7; a body
 * that runs makes a bit of the schema. Wherever a run begins and wherever it is cut off, no body
 * runs upon itself, and the end is one and the same. */
#include "unit.h"

#include <stdlib.h>

#include "plan/goal.h"
#include "plan/merge.h"
#include "plan/steps.h"

enum { STEPS = 0x1e, SQUASH = 0x20, LATER = 0xc0, ALL = STEPS | SQUASH | LATER, NONE = 0 };

/* Versions, and bodies, as bits. */
struct database {
    unsigned rows;
    unsigned schema;
};

struct binary {
    struct unit_set set;
    struct inlay_range range;
};

static const int64_t replaced[] = {1, 2, 3, 4};

static void make_binary(struct binary *binary, const char *versions)
{
    unit_set_parse(&binary->set, versions);
    binary->range = (struct inlay_range){1, 4, replaced, 4};
    for (size_t i = 0; i < binary->set.set.migration_count; i++)
        if (binary->set.migrations[i].version == 5)
            binary->set.migrations[i].replaces = &binary->range;
}

static unsigned bit(int64_t version)
{
    return 1u << version;
}

static void read_history(const struct database *database, struct history *history)
{
    char text[128] = "";

    for (int64_t version = 1; version <= 7; version++)
        if (database->rows & bit(version))
            inlay_text_add(text, sizeof text, " %lld:%c", (long long)version,
                           (int)('a' + version - 1));
    unit_history_parse(history, text);
    if ((database->rows & SQUASH) == 0)
        return;
    history->covers = calloc(1, sizeof *history->covers);
    assert_non_null(history->covers);
    history->covers[0] = (struct history_cover){.version = 5, .first = 1, .last = 4, .count = 4};
    history->cover_count = 1;
}

static void take_step(struct database *database, const struct binary *binary,
                      const struct step *step)
{
    unsigned own = bit(step->migration->version);
    unsigned made = step->recorded ? NONE : own == SQUASH ? STEPS : own;

    assert_false(step->down);
    assert_int_equal(database->rows & own, NONE);
    assert_int_equal(database->schema & made, NONE);
    if (step->recorded)
        assert_int_equal(database->rows & STEPS, STEPS);
    database->schema |= made;
    database->rows |= own;
    for (size_t i = 0; i < step->place_count; i++) {
        unsigned other = bit(inlay_set_migration(&binary->set.set, step->place + i)->version);
        assert_int_equal(database->rows & other, NONE);
        database->rows |= other;
    }
}

/* A run that is killed after so many of its steps. */
static int run(struct database *database, struct binary *binary, int64_t to, size_t most)
{
    const struct goal goal = {.kind = to > 0 ? GOAL_TO : GOAL_UP, .version = to};
    struct history_name name;
    struct history history;
    struct plan plan;
    struct steps steps = {0};
    struct inlay_error err;

    inlay_error_clear(&err);
    read_history(database, &history);
    assert_int_equal(inlay_name_parse("public.applied_migrations", &name, &err), INLAY_OK);
    assert_int_equal(inlay_merge(&binary->set.set, &history, &plan, &err), INLAY_OK);
    int rc = inlay_goal_verdict(&binary->set.set, &plan, &goal, &name, false, &err);
    if (rc == INLAY_OK)
        assert_int_equal(inlay_steps_list(&binary->set.set, &plan, &goal, &steps, &err), INLAY_OK);
    assert_int_equal(inlay_goal_reached(&plan, &goal), to == 0 && plan.pending == 0);
    if (rc == INLAY_OK && to == 0)
        assert_int_equal(plan.pending, steps.count);
    for (size_t i = 0; i < steps.count && i < most; i++)
        take_step(database, binary, &steps.list[i]);
    free(steps.list);
    inlay_plan_free(&plan);
    inlay_history_free(&history);
    return rc;
}

#define EVERYTHING "1:a 2:b 3:c 4:d 5:e 6:f 7:g"
#define END (STEPS | LATER)

static void check_end(const struct database *database, struct binary *binary)
{
    struct database still = *database;

    assert_int_equal(database->rows, ALL);
    assert_int_equal(database->schema, END);
    assert_int_equal(run(&still, binary, 0, SIZE_MAX), INLAY_OK);
    assert_int_equal(still.rows, ALL);
}

/* Some of the steps, with later ones or without, as older binaries left them. */
static void any_mixture_ends_the_same(void **state)
{
    struct binary binary;

    (void)state;
    make_binary(&binary, EVERYTHING);
    for (unsigned rows = 0; rows <= (STEPS | LATER); rows += 2) {
        if (rows & SQUASH)
            continue;
        struct database as_found = {rows, rows};
        if ((rows & STEPS) == 0 && rows != 0) { /* what they stand on never ran here */
            assert_int_equal(run(&as_found, &binary, 0, SIZE_MAX), INLAY_E_MISMATCH);
            assert_int_equal(as_found.rows, rows);
            continue;
        }
        for (size_t killed = 0; killed <= 7; killed++)
            for (int64_t to = 0; to <= 7; to++) {
                struct database database = as_found;
                if (to == 0 || rows >> (to + 1) == 0) /* nothing would be undone */
                    assert_int_equal(run(&database, &binary, to, killed), INLAY_OK);
                assert_int_equal(run(&database, &binary, 0, SIZE_MAX), INLAY_OK);
                check_end(&database, &binary);
            }
    }
}

/* On an empty one the create script runs, in one step, and none of those that it replaces. */
static void an_empty_database_runs_it_alone(void **state)
{
    struct binary binary;
    struct database database = {NONE, NONE};

    (void)state;
    make_binary(&binary, EVERYTHING);
    assert_int_equal(run(&database, &binary, 0, 1), INLAY_OK);
    assert_int_equal(database.rows, STEPS | SQUASH);
    assert_int_equal(database.schema, STEPS);
    assert_int_equal(run(&database, &binary, 0, SIZE_MAX), INLAY_OK);
    check_end(&database, &binary);
}

/* With its row the steps are all there, or it ran where their files were not embedded; any other
 * set of rows was made by hand, or by a build with other files. */
static void with_its_row_there_is_all_or_nothing(void **state)
{
    struct binary binary;

    (void)state;
    make_binary(&binary, EVERYTHING);
    for (unsigned steps = 0; steps <= STEPS; steps += 2) {
        struct database database = {steps | SQUASH, STEPS};
        bool whole = steps == STEPS || steps == NONE;
        assert_int_equal(run(&database, &binary, 0, SIZE_MAX), whole ? INLAY_OK : INLAY_E_MISMATCH);
        assert_int_equal(database.schema, whole ? END : STEPS);
        assert_int_equal(database.rows, steps | SQUASH | (whole ? LATER : NONE));
    }
}

/* Binaries of two releases in any order, each cut off anywhere. */
static void older_binaries_in_between(void **state)
{
    static const char *const releases[] = {"1:a", "1:a 2:b 3:c", "1:a 2:b 3:c 4:d",
                                           "1:a 2:b 3:c 4:d 5:e", EVERYTHING};
    struct binary binaries[COUNT(releases)];

    (void)state;
    for (size_t i = 0; i < COUNT(releases); i++)
        make_binary(&binaries[i], releases[i]);
    for (size_t first = 0; first < COUNT(releases); first++)
        for (size_t second = 0; second < COUNT(releases); second++)
            for (size_t killed = 0; killed < 64; killed++) {
                struct database database = {NONE, NONE};
                assert_int_equal(run(&database, &binaries[first], 0, killed % 8), INLAY_OK);
                assert_int_equal(run(&database, &binaries[second], 0, killed / 8), INLAY_OK);
                assert_int_equal(run(&database, &binaries[4], 0, SIZE_MAX), INLAY_OK);
                assert_int_equal(run(&database, &binaries[first], 0, SIZE_MAX), INLAY_OK);
                check_end(&database, &binaries[4]);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_mixture_ends_the_same),
        cmocka_unit_test(an_empty_database_runs_it_alone),
        cmocka_unit_test(with_its_row_there_is_all_or_nothing),
        cmocka_unit_test(older_binaries_in_between),
    };
    return cmocka_run_group_tests_name("mixture", tests, NULL, NULL);
}

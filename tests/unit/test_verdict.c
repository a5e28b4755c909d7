/* May the plan run? Each refusal with its exact words and its way out. */
#include "unit.h"

#include "plan/merge.h"
#include "plan/plan.h"
#include "plan/verdict.h"

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void give_downs(struct unit_set *set)
{
    for (size_t i = 0; i < set->set.migration_count; i++)
        set->migrations[i].down = unit_script("x.down.sql", "");
}

static int judge(const char *embedded, const char *recorded, bool strict, bool downs,
                 struct inlay_error *err)
{
    struct unit_set set;
    struct history history;
    struct history_name name;
    struct plan plan;

    inlay_error_clear(err);
    assert_int_equal(inlay_name_parse("app.history", &name, err), INLAY_OK);
    unit_set_parse(&set, embedded);
    if (downs)
        give_downs(&set);
    unit_history_parse(&history, recorded);
    assert_int_equal(inlay_merge(&set.set, &history, &plan, err), INLAY_OK);
    int rc = inlay_verdict(&set.set, &plan, &name, strict, INT64_MAX, err);
    inlay_plan_free(&plan);
    inlay_history_free(&history);
    assert_int_equal(rc, err->code);
    return rc;
}

static void lets_run_what_does_not_disagree(void **state)
{
    (void)state;
    static const struct {
        const char *set, *history;
        bool strict;
    } cases[] = {
        {"", "", true},
        {"1:a 2:b", "", true},
        {"1:a 2:b", "1:a 2:b", true},
        {"1:a 2:b", "1:a:NULL 2:b:NULL", true},
        {"1:a 2:b 3:c", "1:a 3:c", true},  /* a gap */
        {"1:a 2:b 3:c", "2:b 3:c", true},  /* late */
        {"1:a 2:b", "1:a 2:b 3:c", false}, /* an older binary, a newer database */
        {"1:a 3:c", "1:a 2:b 3:c", false}, /* ... after a late file */
        {"2:b", "1:a 2:b", false},
        {"1:a 2:b", "1:a 3:c", false},       /* newer, and something of its own to do */
        {"1:a 2:b", "1:a 3:b:other", false}, /* the same name once more, not the same content */
        {"1:a 2:b", "1:a 3:b:NULL", false},  /* ... or one that nobody knows */
        {"", "1:a 2:b", false},              /* a set without migrations */
        {"2:b 3:a", "1:a 2:b 3:a", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct inlay_error err;
        assert_int_equal(judge(cases[i].set, cases[i].history, cases[i].strict, false, &err),
                         INLAY_OK);
        assert_string_equal(err.message, "");
    }
}

struct refusal {
    const char *set, *history;
    bool strict;
    int64_t version;
    const char *path, *message, *detail, *hint;
};

static void refuses_with(bool downs, const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct inlay_error err;
        assert_int_equal(judge(cases[i].set, cases[i].history, cases[i].strict, downs, &err),
                         INLAY_E_MISMATCH);
        assert_string_equal(err.message, cases[i].message);
        assert_string_equal(err.detail, cases[i].detail);
        assert_string_equal(err.hint, cases[i].hint);
        assert_string_equal(err.path, cases[i].path);
        assert_int_equal(err.version, cases[i].version);
        assert_int_equal(err.line, 0);
    }
}

static void refuses(const struct refusal *cases, size_t count)
{
    refuses_with(false, cases, count);
}

#define ANOTHER_DETAIL                                                                             \
    "no applied migration is in this binary as it was: if another program has its history here, "  \
    "give this one its own: --migrate-history SCHEMA.TABLE, or inlay embed --history SCHEMA.TABLE"

#define RENAMED_HINT(version, name)                                                                \
    "if this is a different migration, renumber it. If only the file was renamed, rename it "      \
    "back, or: --migrate-accept " version ", or\n"                                                 \
    "UPDATE \"app\".\"history\" SET name = " name " WHERE version = " version ";"

static void refuses_a_renamed_migration(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"1:a 2:b", "1:a 2:z", false, 2, "migrations/2_b.sql",
         "version 2 was applied as \"z\" and is now named \"b\"", "", RENAMED_HINT("2", "'b'")},
        /* The first of several, and the others named. */
        {"1:a 2:b 3:c 4:d", "1:a 2:x 3:y 4:z", false, 2, "migrations/2_b.sql",
         "version 2 was applied as \"x\" and is now named \"b\"", "3 versions are renamed: 2, 3, 4",
         RENAMED_HINT("2", "'b'")},
        /* A literal that needs quoting. */
        {"1:a 2:o'brien", "1:a 2:b", false, 2, "migrations/2_o'brien.sql",
         "version 2 was applied as \"b\" and is now named \"o'brien\"", "",
         RENAMED_HINT("2", "'o''brien'")},
        /* The one migration of a set, with its content: renamed, not another set's. */
        {"1:b", "1:a:sum-of-b", false, 1, "migrations/1_b.sql",
         "version 1 was applied as \"a\" and is now named \"b\"", "", RENAMED_HINT("1", "'b'")},
        /* Two that look the same: one character, and a letter with an accent of its own. */
        {"1:\xC3\xA9", "1:e\xCC\x81:sum-of-\xC3\xA9", false, 1, "migrations/1_\xC3\xA9.sql",
         "version 1 was applied as \"e\xCC\x81\" and is now named \"\xC3\xA9\"",
         "the bytes of these names: e\\xcc\\x81 and \\xc3\\xa9", RENAMED_HINT("1", "'\xC3\xA9'")},
        {"1:a 2:b 3:\xC3\xA9", "1:a 2:\xC2\xA0 3:e", false, 2, "migrations/2_b.sql",
         "version 2 was applied as \"\xC2\xA0\" and is now named \"b\"",
         "2 versions are renamed: 2, 3; the bytes of these names: \\xc2\\xa0 and b",
         RENAMED_HINT("2", "'b'")},
        /* Worse than edited, diverged and unknown ones beside it. */
        {"1:a 3:c 4:d 6:f", "1:a:edited 2:u 3:x 5:v", true, 3, "migrations/3_c.sql",
         "version 3 was applied as \"x\" and is now named \"c\"", ANOTHER_DETAIL,
         RENAMED_HINT("3", "'c'")},
        /* Two sets that begin alike. */
        {"1:init 2:b", "1:init:x 2:z", false, 2, "migrations/2_b.sql",
         "version 2 was applied as \"z\" and is now named \"b\"", ANOTHER_DETAIL,
         RENAMED_HINT("2", "'b'")},
    };

    refuses(cases, COUNT(cases));
}

#define EDITED_WITH(way, version, sum)                                                             \
    "restore the file and put the change into a new migration (inlay new)." way                    \
    " If the database already matches the new text: --migrate-accept " version ", or\n"            \
    "UPDATE \"app\".\"history\" SET checksum = '" sum "' WHERE version = " version ";"
#define EDITED_HINT(version, sum) EDITED_WITH("", version, sum)

/* Nobody knows whether it did anything, and it has no down script. */
#define DRAFT_HINT(version, sum)                                                                   \
    EDITED_WITH(" If it did nothing yet when it was applied: --migrate-redo "                      \
                "--migrate-skip-missing-down applies it as it is now.",                            \
                version, sum)

static void refuses_an_edited_migration(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"1:a:" SUM_A, "1:a:" SUM_B, false, 1, "migrations/1_a.sql",
         "version 1 (a) was edited after it was applied: the history has sha256 bbbbbbbbbbbb..., "
         "this binary aaaaaaaaaaaa...",
         "", DRAFT_HINT("1", SUM_A)},
        {"1:a 2:b:" SUM_B " 3:c", "1:a 2:b:x 3:c:x", false, 2, "migrations/2_b.sql",
         "version 2 (b) was edited after it was applied: the history has sha256 x..., this binary "
         "bbbbbbbbbbbb...",
         "2 versions are edited: 2, 3", EDITED_HINT("2", SUM_B)},
        /* Whatever somebody wrote there by hand, no character of it is split. */
        {"1:a:" SUM_A, "1:a:by_hand_\xF0\x9F\x90\x98_\xF0\x9F\x90\x98", false, 1,
         "migrations/1_a.sql",
         "version 1 (a) was edited after it was applied: the history has sha256 "
         "by_hand_\xF0\x9F\x90\x98..., this binary aaaaaaaaaaaa...",
         "", DRAFT_HINT("1", SUM_A)},
        {"1:a:" SUM_A, "1:a:by_hand_1_\xF0\x9F\x90\x98", false, 1, "migrations/1_a.sql",
         "version 1 (a) was edited after it was applied: the history has sha256 by_hand_1_..., "
         "this binary aaaaaaaaaaaa...",
         "", DRAFT_HINT("1", SUM_A)},
        /* Worse than diverged and unknown ones beside it. */
        {"1:a:" SUM_A " 3:c", "1:a:" SUM_B " 2:u", true, 1, "migrations/1_a.sql",
         "version 1 (a) was edited after it was applied: the history has sha256 bbbbbbbbbbbb..., "
         "this binary aaaaaaaaaaaa...",
         ANOTHER_DETAIL, EDITED_HINT("1", SUM_A)},
    };

    refuses(cases, COUNT(cases));
}

#define REDO_HINT(version, sum)                                                                    \
    EDITED_WITH(" If only your own database has it: --migrate-redo undoes it and applies it as "   \
                "it is now.",                                                                      \
                version, sum)

static void offers_to_redo_the_newest(void **state)
{
    (void)state;
    static const char message[] = "version 2 (b) was edited after it was applied: the history has "
                                  "sha256 x..., this binary bbbbbbbbbbbb...";
    static const struct refusal newest[] = {
        {"1:a 2:b:" SUM_B, "1:a 2:b:x", false, 2, "migrations/2_b.sql", message, "",
         REDO_HINT("2", SUM_B)},
        /* What is pending above it is in nobody's way. */
        {"1:a 2:b:" SUM_B " 3:c", "1:a 2:b:x", false, 2, "migrations/2_b.sql", message, "",
         REDO_HINT("2", SUM_B)},
    };
    /* Something is applied above it: the set's own or a newer binary's. */
    static const struct refusal below[] = {
        {"1:a 2:b:" SUM_B " 3:c", "1:a 2:b:x 3:c", false, 2, "migrations/2_b.sql", message, "",
         EDITED_HINT("2", SUM_B)},
        {"1:a 2:b:" SUM_B, "1:a 2:b:x 4:d", false, 2, "migrations/2_b.sql", message, "",
         EDITED_HINT("2", SUM_B)},
    };
    static const struct refusal without_down[] = {
        {"1:a 2:b:" SUM_B, "1:a 2:b:x", false, 2, "migrations/2_b.sql", message, "",
         DRAFT_HINT("2", SUM_B)},
    };

    refuses_with(true, newest, COUNT(newest));
    refuses_with(true, below, COUNT(below));
    refuses(without_down, COUNT(without_down));
}

#define EMPTY_SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define EMPTY_HINT(version)                                                                        \
    "the file was empty when it was applied: --migrate-unmark " version                            \
    ", and it runs as it is now; or "

/* What was recorded did nothing, whatever is applied above it and whether it can be undone. */
static void names_an_empty_migration(void **state)
{
    (void)state;
    static const char message[] = "version 1 (a) was edited after it was applied: the history has "
                                  "sha256 e3b0c44298fc..., this binary aaaaaaaaaaaa...";
    static const struct refusal cases[] = {
        {"1:a:" SUM_A, "1:a:" EMPTY_SUM, false, 1, "migrations/1_a.sql", message, "",
         EMPTY_HINT("1") EDITED_HINT("1", SUM_A)},
        {"1:a:" SUM_A " 2:b", "1:a:" EMPTY_SUM " 2:b", false, 1, "migrations/1_a.sql", message, "",
         EMPTY_HINT("1") EDITED_HINT("1", SUM_A)},
    };

    refuses(cases, COUNT(cases));
    refuses_with(true, cases, COUNT(cases));
}

#define DIVERGED_HINT(version)                                                                     \
    "put its file back if it was deleted, or build from a tree that has both; if version " version \
    " was undone by hand, remove its row:\nDELETE FROM \"app\".\"history\" WHERE version "         \
    "= " version ";"

static void refuses_histories_that_diverged(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"1:a 3:c", "1:a 2:b", false, 2, "",
         "the histories have diverged: the database has version 2 (b), which this binary "
         "lacks, and this binary has 1 pending migration",
         "", DIVERGED_HINT("2")},
        {"1:a 4:d 6:f", "1:a 2:b 3:c 9:z", false, 2, "",
         "the histories have diverged: the database has version 2 (b), which this binary "
         "lacks, and this binary has 2 pending migrations",
         "3 versions are unknown: 2, 3, 9", DIVERGED_HINT("2")},
        /* Something late is pending too. */
        {"1:a 2:b 4:d", "1:a 3:c 4:d", false, 3, "",
         "the histories have diverged: the database has version 3 (c), which this binary "
         "lacks, and this binary has 1 pending migration",
         "", DIVERGED_HINT("3")},
        /* Another number and another name. */
        {"1:a 3:c:sum-of-b 4:d", "1:a 2:b", false, 2, "",
         "the histories have diverged: the database has version 2 (b), which this binary "
         "lacks, and this binary has 2 pending migrations",
         "version 3 (c) has the same text as version 2: if it was only renumbered and renamed, "
         "name its file as it was",
         DIVERGED_HINT("2")},
    };

    refuses(cases, COUNT(cases));
}

#define RENUMBERED_HINT                                                                            \
    "give the file its old number back, or move the row to the new one:\n"                         \
    "UPDATE \"app\".\"history\" SET version = "

static void refuses_a_renumbered_migration(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"1:a 3:b", "1:a 2:b", false, 3, "migrations/3_b.sql",
         "\"b\" was applied as version 2 and is now version 3: renumbered after it was applied", "",
         RENUMBERED_HINT "3 WHERE version = 2;"},
        /* The one migration of a set. */
        {"20260124000001:a", "1:a:NULL", false, 20260124000001, "migrations/20260124000001_a.sql",
         "\"a\" was applied as version 1 and is now version 20260124000001: renumbered after it "
         "was applied",
         "", RENUMBERED_HINT "20260124000001 WHERE version = 1;"},
    };

    refuses(cases, COUNT(cases));
}

#define ANOTHER_HINT                                                                               \
    "check that this is the right database; if two programs share it, give this one a history of " \
    "its own: --migrate-history SCHEMA.TABLE, or inlay embed --history SCHEMA.TABLE"

static void refuses_the_history_of_another_set(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"1:a 2:b", "1:x 2:y", false, -1, "",
         "the history app.history belongs to another set of migrations: none of its names is in "
         "this binary (it begins with version 1, \"x\")",
         "", ANOTHER_HINT},
        {"1:a 2:b", "7:x", false, -1, "",
         "the history app.history belongs to another set of migrations: none of its names is in "
         "this binary (it begins with version 7, \"x\")",
         "", ANOTHER_HINT},
        /* Another name, and a content that nobody knows. */
        {"1:a", "1:x:NULL", true, -1, "",
         "the history app.history belongs to another set of migrations: none of its names is in "
         "this binary (it begins with version 1, \"x\")",
         "", ANOTHER_HINT},
    };

    refuses(cases, COUNT(cases));
}

#define STRICT_HINT                                                                                \
    "run the binary that has it; without strict mode an older binary may boot on a newer database"

static void strictly_refuses_unknown_versions(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"1:a", "1:a 2:b", true, 2, "",
         "version 2 (b) is applied but not in this binary, and strict mode refuses that", "",
         STRICT_HINT},
        {"2:b 3:c", "1:a 2:b 4:d", true, 1, "",
         "the histories have diverged: the database has version 1 (a), which this binary "
         "lacks, and this binary has 1 pending migration",
         "2 versions are unknown: 1, 4", DIVERGED_HINT("1")},
        {"1:a 2:b", "1:a 3:c 4:d", true, 3, "",
         "version 3 (c) is applied but not in this binary, and strict mode refuses that",
         "2 versions are unknown: 3, 4", STRICT_HINT},
        {"", "1:a", true, 1, "",
         "version 1 (a) is applied but not in this binary, and strict mode refuses that", "",
         STRICT_HINT},
    };

    refuses(cases, COUNT(cases));
}

static int judge_late(const char *embedded, const char *recorded, int64_t up_to,
                      struct inlay_error *err)
{
    struct unit_set set;
    struct history history;
    struct plan plan;

    inlay_error_clear(err);
    unit_set_parse(&set, embedded);
    unit_history_parse(&history, recorded);
    assert_int_equal(inlay_merge(&set.set, &history, &plan, err), INLAY_OK);
    int rc = inlay_verdict_late(&set.set, &plan, up_to, err);
    inlay_plan_free(&plan);
    inlay_history_free(&history);
    assert_int_equal(rc, err->code);
    return rc;
}

static void refuses_what_comes_late(void **state)
{
    (void)state;
    struct inlay_error err;

    assert_int_equal(judge_late("1:a 2:b 3:c 4:d", "1:a 3:c", INT64_MAX, &err), INLAY_E_MISMATCH);
    assert_int_equal(err.version, 2);
    assert_string_equal(err.path, "migrations/2_b.sql");
    assert_string_equal(err.message, "version 2 (b) comes late: version 3 is applied, and late "
                                     "versions are refused");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint,
                        "give the file a number above 3 and build again; or apply it all the same: "
                        "without --migrate-late=refuse, and from a set that was embedded without "
                        "--late=refuse; or, if the database has it already: --migrate-mark 2");
    /* Also below what only a newer binary knows. */
    assert_int_equal(judge_late("1:a 2:b 3:c", "1:a 9:i", INT64_MAX, &err), INLAY_E_MISMATCH);
    assert_string_equal(err.detail, "2 versions are late: 2, 3");
}

static void what_is_not_late_may_come(void **state)
{
    (void)state;
    struct inlay_error err;

    assert_int_equal(judge_late("1:a 2:b 3:c", "", INT64_MAX, &err), INLAY_OK);
    assert_int_equal(judge_late("1:a 2:b 3:c", "1:a", INT64_MAX, &err), INLAY_OK);
    assert_int_equal(judge_late("1:a 2:b 3:c", "1:a 2:b 3:c", INT64_MAX, &err), INLAY_OK);
    assert_int_equal(judge_late("", "", INT64_MAX, &err), INLAY_OK);
    /* Going to 3 undoes 5 first, and going to 2 does not apply 3. */
    assert_int_equal(judge_late("1:a 2:b 3:c 5:e", "1:a 2:b 5:e", 3, &err), INLAY_OK);
    assert_int_equal(judge_late("1:a 2:b 3:c 5:e", "1:a 2:b 5:e", 2, &err), INLAY_OK);
    assert_int_equal(judge_late("1:a 2:b 3:c 5:e", "1:a 2:b 5:e", 5, &err), INLAY_E_MISMATCH);
    assert_int_equal(judge_late("1:a 2:b 3:c 5:e", "1:a 2:b 5:e", -1, &err), INLAY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_run_what_does_not_disagree),
        cmocka_unit_test(refuses_a_renamed_migration),
        cmocka_unit_test(refuses_an_edited_migration),
        cmocka_unit_test(offers_to_redo_the_newest),
        cmocka_unit_test(names_an_empty_migration),
        cmocka_unit_test(refuses_histories_that_diverged),
        cmocka_unit_test(refuses_a_renumbered_migration),
        cmocka_unit_test(refuses_the_history_of_another_set),
        cmocka_unit_test(strictly_refuses_unknown_versions),
        cmocka_unit_test(refuses_what_comes_late),
        cmocka_unit_test(what_is_not_late_may_come),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}

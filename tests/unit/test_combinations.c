/* Plan and verdict of every combination: each version in each of the ways in which a set and a
 * history can hold it, against an oracle that states the rules version by version. */
#include "unit.h"

#include <stdio.h>

#include "plan/merge.h"
#include "plan/plan.h"
#include "plan/verdict.h"

enum { VERSIONS = 4 };

static const int64_t numbers[VERSIONS] = {0, 7, 20260124000001, INT64_MAX};
static const char *const names[VERSIONS] = {"a", "b", "c", "d"};

/* How a version stands in set and history. */
enum way {
    NOWHERE,
    EMBEDDED,
    SAME,        /* in both, alike */
    ADOPTED,     /* in both, the checksum unknown */
    NAMED_APART, /* in both, under another name and with another content */
    NAMED_ANEW,  /* in both, under another name with the content that is embedded */
    CHANGED,     /* in both, with another content */
    RECORDED,    /* in the history alone */
    MOVED,       /* in the history alone, named as the next version, with its content */
    MOVED_BACK,  /* in the history alone, named as the version before, content unknown */
    WAYS
};

static bool is_embedded(enum way way)
{
    return way >= EMBEDDED && way <= CHANGED;
}

static bool is_recorded(enum way way)
{
    return way >= SAME;
}

static void build(const enum way *ways, struct unit_set *set, struct history *history)
{
    char embedded[256] = "";
    char recorded[256] = "";

    for (size_t i = 0; i < VERSIONS; i++) {
        const char *own = names[i];
        const char *next = names[(i + 1) % VERSIONS];
        const char *before = names[(i + VERSIONS - 1) % VERSIONS];
        const char *name = ways[i] == MOVED ? next : ways[i] == MOVED_BACK ? before : own;
        const char *sum = ways[i] == ADOPTED || ways[i] == MOVED_BACK ? "NULL" : "";
        char content[32] = "";
        if (ways[i] == NAMED_APART || ways[i] == NAMED_ANEW || ways[i] == RECORDED)
            name = "elsewhere";
        if (ways[i] == NAMED_ANEW)
            snprintf(content, sizeof content, "sum-of-%s", own);
        if (ways[i] == CHANGED || ways[i] == NAMED_APART)
            sum = "changed";
        if (is_embedded(ways[i]))
            inlay_text_add(embedded, sizeof embedded, "%lld:%s ", (long long)numbers[i], own);
        if (content[0] != '\0')
            sum = content;
        if (is_recorded(ways[i]))
            inlay_text_add(recorded, sizeof recorded, "%lld:%s%s%s ", (long long)numbers[i], name,
                           sum[0] != '\0' ? ":" : "", sum);
    }
    unit_set_parse(set, embedded);
    unit_history_parse(history, recorded);
}

static const struct inlay_migration *embedded_at(const struct inlay_set *set, int64_t version)
{
    for (size_t i = 0; i < set->migration_count; i++)
        if (set->migrations[i].version == version)
            return &set->migrations[i];
    return NULL;
}

static const struct history_row *recorded_at(const struct history *history, int64_t version)
{
    for (size_t i = 0; i < history->row_count; i++)
        if (history->rows[i].version == version)
            return &history->rows[i];
    return NULL;
}

static bool same_name(const struct inlay_migration *m, const struct history_row *r)
{
    return strcmp(m->name, r->name) == 0;
}

static bool same_sum(const struct inlay_migration *m, const struct history_row *r)
{
    return r->checksum != NULL && strcmp(m->sha256, r->checksum) == 0;
}

/* ---- the oracle: each question asked of set and history, not of a plan ---- */

static enum inlay_state expected_state(enum way way)
{
    switch (way) {
    case EMBEDDED:
        return INLAY_STATE_PENDING;
    case SAME:
    case ADOPTED:
        return INLAY_STATE_APPLIED;
    case NAMED_APART:
    case NAMED_ANEW:
        return INLAY_STATE_RENAMED;
    case CHANGED:
        return INLAY_STATE_EDITED;
    default:
        return INLAY_STATE_UNKNOWN;
    }
}

static bool none_is_ours(const struct inlay_set *set, const struct history *history)
{
    for (size_t m = 0; m < set->migration_count; m++)
        for (size_t r = 0; r < history->row_count; r++) {
            bool there = set->migrations[m].version == history->rows[r].version;
            if (same_name(&set->migrations[m], &history->rows[r]) ||
                (there && same_sum(&set->migrations[m], &history->rows[r])))
                return false;
        }
    return set->migration_count > 0 && history->row_count > 0;
}

/* A row that cannot be a newer binary's: below something embedded, or a pending one's twin. */
static bool diverges(const struct inlay_set *set, const struct history *history,
                     const struct history_row *row)
{
    for (size_t m = 0; m < set->migration_count; m++) {
        const struct inlay_migration *migration = &set->migrations[m];
        if (migration->version > row->version)
            return true;
        if (recorded_at(history, migration->version) == NULL && same_name(migration, row) &&
            same_sum(migration, row))
            return true;
    }
    return false;
}

static const struct inlay_migration *renumbered_to(const struct inlay_set *set,
                                                   const struct history *history,
                                                   const struct history_row *row)
{
    for (size_t m = 0; m < set->migration_count; m++)
        if (recorded_at(history, set->migrations[m].version) == NULL &&
            same_name(&set->migrations[m], row))
            return &set->migrations[m];
    return NULL;
}

static void expect_unknown(const struct inlay_set *set, const struct history *history, bool pending,
                           bool strict, char *verdict, size_t size)
{
    for (size_t r = 0; r < history->row_count && pending; r++) {
        const struct history_row *row = &history->rows[r];
        if (embedded_at(set, row->version) != NULL || !diverges(set, history, row))
            continue;
        const struct inlay_migration *to = renumbered_to(set, history, row);
        snprintf(verdict, size, "%s %lld", to != NULL ? "renumbered" : "diverged",
                 (long long)(to != NULL ? to->version : row->version));
        return;
    }
    for (size_t r = 0; r < history->row_count && strict; r++)
        if (embedded_at(set, history->rows[r].version) == NULL) {
            snprintf(verdict, size, "strict %lld", (long long)history->rows[r].version);
            return;
        }
    snprintf(verdict, size, "fine -1");
}

static void expect(const struct inlay_set *set, const struct history *history, const enum way *ways,
                   bool strict, char *verdict, size_t size)
{
    bool pending = false;

    if (none_is_ours(set, history)) {
        snprintf(verdict, size, "another -1");
        return;
    }
    for (enum inlay_state s = INLAY_STATE_RENAMED; s <= INLAY_STATE_EDITED; s++)
        for (size_t i = 0; i < VERSIONS; i++)
            if (ways[i] != NOWHERE && expected_state(ways[i]) == s) {
                snprintf(verdict, size, "%s %lld", inlay_state_name(s), (long long)numbers[i]);
                return;
            }
    for (size_t i = 0; i < VERSIONS; i++)
        pending = pending || ways[i] == EMBEDDED;
    expect_unknown(set, history, pending, strict, verdict, size);
}

/* ---- what is asserted of each ---- */

static const char *kind_of(const struct inlay_error *err)
{
    static const char *const signs[][2] = {
        {"belongs to another set", "another"}, {"and is now named", "renamed"},
        {"was edited after", "edited"},        {"renumbered after", "renumbered"},
        {"have diverged", "diverged"},         {"strict mode refuses", "strict"}};

    for (size_t i = 0; i < COUNT(signs); i++)
        if (strstr(err->message, signs[i][0]) != NULL)
            return signs[i][1];
    return "fine";
}

static void check_plan(const struct plan *plan, const enum way *ways)
{
    size_t counts[INLAY_STATE_EDITED + 1] = {0};
    size_t at = 0;
    size_t late = 0;
    char versions[64];

    for (size_t i = 0; i < VERSIONS; i++) {
        bool above = false;
        if (ways[i] == NOWHERE)
            continue;
        for (size_t j = i + 1; j < VERSIONS; j++)
            above = above || is_recorded(ways[j]);
        const struct plan_entry *entry = &plan->entries[at++];
        assert_int_equal(entry->version, numbers[i]);
        assert_int_equal(entry->state, expected_state(ways[i]));
        assert_int_equal(entry->late, ways[i] == EMBEDDED && above);
        assert_int_equal(entry->migration != NULL, is_embedded(ways[i]));
        assert_int_equal(entry->row != NULL, is_recorded(ways[i]));
        counts[entry->state]++;
        late += entry->late;
    }
    assert_int_equal(plan->count, at);
    assert_int_equal(plan->applied, counts[INLAY_STATE_APPLIED]);
    assert_int_equal(plan->pending, counts[INLAY_STATE_PENDING]);
    assert_int_equal(plan->unknown, counts[INLAY_STATE_UNKNOWN]);
    assert_int_equal(plan->renamed, counts[INLAY_STATE_RENAMED]);
    assert_int_equal(plan->edited, counts[INLAY_STATE_EDITED]);
    assert_int_equal(inlay_plan_late(plan, INT64_MAX, versions, sizeof versions), late);
}

static void check_verdict(const struct unit_set *set, const struct history *history,
                          const struct plan *plan, const enum way *ways, bool strict)
{
    struct inlay_error err;
    struct history_name name;
    char expected[64];
    char found[64];

    inlay_error_clear(&err);
    assert_int_equal(inlay_name_parse("public.applied_migrations", &name, &err), INLAY_OK);
    int rc = inlay_verdict(&set->set, plan, &name, strict, INT64_MAX, &err);
    expect(&set->set, history, ways, strict, expected, sizeof expected);
    snprintf(found, sizeof found, "%s %lld", kind_of(&err), (long long)err.version);
    assert_string_equal(found, expected);
    assert_int_equal(rc, err.message[0] == '\0' ? INLAY_OK : INLAY_E_MISMATCH);
    assert_int_equal(err.hint[0] == '\0', rc == INLAY_OK);
}

static void every_combination_is_judged_by_the_rules(void **state)
{
    (void)state;
    enum way ways[VERSIONS];
    size_t combinations = 1;

    for (size_t i = 0; i < VERSIONS; i++)
        combinations *= WAYS;
    for (size_t c = 0; c < combinations; c++) {
        struct unit_set set;
        struct history history;
        struct plan plan;
        struct inlay_error err;
        size_t rest = c;
        for (size_t i = 0; i < VERSIONS; i++, rest /= WAYS)
            ways[i] = (enum way)(rest % WAYS);
        build(ways, &set, &history);
        assert_int_equal(inlay_merge(&set.set, &history, &plan, &err), INLAY_OK);
        check_plan(&plan, ways);
        check_verdict(&set, &history, &plan, ways, false);
        check_verdict(&set, &history, &plan, ways, true);
        inlay_plan_free(&plan);
        inlay_history_free(&history);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_judged_by_the_rules),
    };
    return cmocka_run_group_tests_name("combinations", tests, NULL, NULL);
}

/* Lists the steps that lead from a plan to a goal, in the order in which they run. Runs none. */
#include "plan/steps.h"
#include "plan/partial.h"

#include <stdlib.h>
#include <string.h>

static const struct inlay_script nothing = {.text = "", .path = ""};

/* A database in which it ran has the rows of one in which those ran that it replaces, as far as
 * they are known by more than their numbers. */
static void take_place(const struct inlay_set *set, struct step *step)
{
    const struct inlay_range *range = step->migration != NULL ? step->migration->replaces : NULL;

    if (range == NULL || step->recorded)
        return;
    for (size_t i = 0; i < set->migration_count; i++) {
        int64_t version = inlay_set_migration(set, i)->version;
        if (version < range->first)
            step->place = i + 1;
        else
            step->place_count += version <= range->last;
    }
}

static void add_up(const struct inlay_set *set, const struct goal *goal,
                   const struct plan_entry *entry, struct steps *steps)
{
    struct step *step = &steps->list[steps->count++];

    *step = (struct step){.migration = entry->migration,
                          .script = entry->recorded ? &nothing : &entry->migration->up,
                          .recorded = entry->recorded,
                          .keep = inlay_goal_keep(goal, entry),
                          .partial = entry->partial != NULL};
    take_place(set, step);
}

static int refuse_not_embedded(const struct plan_entry *entry, struct inlay_error *err)
{
    char kept[96];

    inlay_error_set(err, INLAY_E_REFUSED,
                    "version %lld (%s) would have to be undone first, and this binary does not "
                    "have it",
                    (long long)entry->version, entry->row->name);
    err->version = entry->version;
    inlay_text_put(err->hint, sizeof err->hint,
                   "go back with the binary that applied it, or with a newer one%s",
                   inlay_plan_kept(entry, kept));
    return err->code;
}

static int refuse_without_down(const struct inlay_set *set, const struct plan_entry *entry,
                               struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "version %lld (%s) has no down script",
                    (long long)entry->version, entry->migration->name);
    err->version = entry->version;
    inlay_error_file(err, set, &entry->migration->up);
    inlay_text_put(
        err->hint, sizeof err->hint,
        "add NNN_name.down.sql and rebuild; or --migrate-skip-missing-down, which deletes "
        "the history row and leaves the schema unchanged");
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was undone");
    return err->code;
}

/* What a half-done file did may stand on what is undone, and the next run would not do it again. */
static const struct plan_entry *find_half_done(const struct plan *plan, int64_t above)
{
    for (size_t i = inlay_plan_at(plan, above); i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->version > above && entry->row == NULL && entry->partial != NULL &&
            inlay_partial_has_begun(entry->partial))
            return entry;
    }
    return NULL;
}

static int refuse_below_half_done(const struct plan_entry *half, const struct plan_entry *entry,
                                  struct inlay_error *err)
{
    long long version = (long long)half->version;

    inlay_error_set(err, INLAY_E_REFUSED,
                    "version %lld is half done, and version %lld below it would be undone", version,
                    (long long)entry->version);
    err->version = half->version;
    inlay_text_put(err->hint, sizeof err->hint,
                   "finish it with --migrate-only; or undo by hand what it did, then "
                   "--migrate-resume-at %lld:1",
                   version);
    inlay_text_put(err->outcome, sizeof err->outcome, "nothing was undone");
    return err->code;
}

static int add_down(const struct inlay_set *set, const struct goal *goal,
                    const struct plan_entry *entry, struct steps *steps, struct inlay_error *err)
{
    if (entry->migration == NULL)
        return refuse_not_embedded(entry, err);
    bool missing = entry->migration->down.text == NULL && entry->migration->down.function == NULL;
    if (missing && !goal->skip_missing_down && !entry->recorded)
        return refuse_without_down(set, entry, err);
    steps->list[steps->count++] = (struct step){
        .migration = entry->migration,
        .script = missing || entry->recorded ? &nothing : &entry->migration->down,
        .down = true,
        .recorded = entry->recorded,
        .keep = entry->down_kept ? KEEP_FORGET : KEEP_AS_IT_IS,
        .partial = entry->partial != NULL,
    };
    return INLAY_OK;
}

static int64_t last_batch(const struct plan *plan)
{
    int64_t last = -1;

    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].row != NULL && plan->entries[i].row->batch > last)
            last = plan->entries[i].row->batch;
    return last;
}

/* Is this applied migration to be undone, `undone` of them being so already? */
static bool is_to_undo(const struct goal *goal, const struct plan_entry *entry, size_t undone,
                       int64_t batch)
{
    switch (goal->kind) {
    case GOAL_TO:
        return entry->version > goal->version;
    case GOAL_DOWN:
        return undone < goal->count;
    case GOAL_ROLLBACK:
        return entry->row->batch == batch;
    case GOAL_REDO:
        return undone < 1;
    default:
        return false;
    }
}

static int refuse_repeated(const struct plan_repeatable *repeatable, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED,
                    "of the last run, batch %lld, only repeatable migrations are left (%s), and "
                    "these are not undone",
                    (long long)repeatable->row->batch, repeatable->row->name);
    inlay_text_put(err->hint, sizeof err->hint,
                   "to undo the run before it say how many: --migrate-down N");
    return err->code;
}

static const struct plan_entry *find_newest(const struct plan *plan)
{
    for (size_t i = plan->count; i-- > 0;)
        if (plan->entries[i].row != NULL)
            return &plan->entries[i];
    return NULL;
}

/* A row without a batch above all those that have one: it is not known which run it came from. */
static int check_batches(const struct plan *plan, int64_t batch, struct inlay_error *err)
{
    const struct plan_entry *newest = find_newest(plan);

    for (size_t i = 0; i < plan->repeatable_count; i++)
        if (plan->repeatables[i].row != NULL && plan->repeatables[i].row->batch > batch)
            return refuse_repeated(&plan->repeatables[i], err);
    if (newest == NULL || (batch >= 0 && newest->row->batch >= 0))
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_REFUSED,
                    "version %lld (%s) was recorded without a batch: what the last run applied is "
                    "not known",
                    (long long)newest->version, newest->row->name);
    err->version = newest->version;
    inlay_text_put(err->hint, sizeof err->hint, "say how many: --migrate-down N");
    return err->code;
}

static int list_downs(const struct inlay_set *set, const struct plan *plan, const struct goal *goal,
                      struct steps *steps, struct inlay_error *err)
{
    int64_t batch = last_batch(plan);

    if (goal->kind == GOAL_ROLLBACK && check_batches(plan, batch, err) != INLAY_OK)
        return err->code;
    for (size_t i = plan->count; i-- > 0;) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->row == NULL || !is_to_undo(goal, entry, steps->count, batch))
            continue;
        const struct plan_entry *half = find_half_done(plan, entry->version);
        if (half != NULL)
            return refuse_below_half_done(half, entry, err);
        if (add_down(set, goal, entry, steps, err) != INLAY_OK)
            return err->code;
    }
    return INLAY_OK;
}

static void list_ups(const struct inlay_set *set, const struct plan *plan, const struct goal *goal,
                     struct steps *steps)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (inlay_plan_is_due(entry, inlay_goal_reach(goal)))
            add_up(set, goal, entry, steps);
    }
}

/* Repeatables build on the whole set: they follow a run after which nothing of it is pending. */
static bool completes(const struct inlay_set *set, const struct plan *plan, const struct goal *goal)
{
    switch (goal->kind) {
    case GOAL_UP:
        return true;
    case GOAL_TO:
        return set->migration_count > 0 &&
               goal->version >= inlay_set_migration(set, set->migration_count - 1)->version;
    case GOAL_REDO:
        return plan->pending == plan->pending_repeatables;
    default:
        return false;
    }
}

static void list_repeatables(const struct plan *plan, struct steps *steps)
{
    for (size_t i = 0; i < plan->repeatable_count; i++) {
        const struct plan_repeatable *repeatable = &plan->repeatables[i];
        if (repeatable->state == INLAY_STATE_PENDING)
            steps->list[steps->count++] = (struct step){.migration = repeatable->migration,
                                                        .script = &repeatable->migration->up};
    }
}

int inlay_steps_list(const struct inlay_set *set, const struct plan *plan, const struct goal *goal,
                     struct steps *steps, struct inlay_error *err)
{
    const struct plan_entry *again = goal->kind == GOAL_REDO ? find_newest(plan) : NULL;

    steps->count = 0;
    steps->list = calloc(plan->count + plan->repeatable_count + 2, sizeof *steps->list);
    if (steps->list == NULL)
        return inlay_error_memory(err);
    if (list_downs(set, plan, goal, steps, err) != INLAY_OK)
        return err->code;
    list_ups(set, plan, goal, steps);
    if (again != NULL)
        add_up(set, goal, again, steps);
    if (completes(set, plan, goal))
        list_repeatables(plan, steps);
    return INLAY_OK;
}

/* The batch in which the first of the steps was applied that go down; INT64_MAX: none does. */
static int64_t first_undone_batch(const struct steps *steps, const struct plan *plan)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        const struct plan_entry *entry =
            step->down ? inlay_plan_find(plan, step->migration->version) : NULL;
        if (entry != NULL && entry->row != NULL && entry->row->batch < first)
            first = entry->row->batch;
    }
    return first;
}

size_t inlay_steps_left_standing(const struct steps *steps, const struct plan *plan, char *names,
                                 size_t size)
{
    int64_t first = first_undone_batch(steps, plan);
    size_t count = 0;

    names[0] = '\0';
    for (size_t i = 0; i < plan->repeatable_count; i++) {
        const struct plan_repeatable *repeatable = &plan->repeatables[i];
        if (first == INT64_MAX || repeatable->row == NULL ||
            (repeatable->row->batch >= 0 && repeatable->row->batch < first))
            continue;
        const char *separator = count++ > 0 ? ", " : "";
        if (repeatable->migration != NULL)
            inlay_text_add(names, size, "%s%s", separator, repeatable->migration->up.path);
        else
            inlay_text_add(names, size, "%sR__%s.sql", separator, repeatable->row->name);
    }
    return count;
}

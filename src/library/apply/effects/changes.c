/* Compares a look at the database with the one before it. It leaves out what the same file
 * made. */
#include "apply/effects/changes.h"

#include <stdlib.h>
#include <string.h>

/* ---- telling ---- */

static void tell_of(struct picture *picture, enum inlay_effect_kind kind,
                    const struct object *object, struct inlay_effect effect)
{
    effect.kind = kind;
    effect.statement = picture->statement;
    effect.elapsed_ms = picture->elapsed_ms;
    effect.object_kind = object->kind;
    effect.object = object->name;
    effect.table = object->table;
    effect.made_by = object->made_by;
    inlay_effects_add(&picture->effects, &effect);
}

static const struct inlay_migration *current(const struct picture *picture)
{
    return picture->step != NULL ? picture->step->migration : NULL;
}

static bool is_older(const struct picture *picture, const struct object *object)
{
    return object != NULL && (object->made_by == NULL || object->made_by != current(picture));
}

static bool is_index(const struct object *object)
{
    return strcmp(object->kind, "index") == 0;
}

/* ---- locks and counts ---- */

static struct touched *find_touched(struct picture *picture, uint32_t relation)
{
    for (size_t i = 0; i < picture->touched_count; i++)
        if (picture->touched[i].relation == relation)
            return &picture->touched[i];
    return NULL;
}

static struct touched *touch(struct picture *picture, uint32_t relation)
{
    struct touched *found = find_touched(picture, relation);

    if (found != NULL)
        return found;
    if (picture->touched_count == picture->touched_capacity) {
        size_t capacity = picture->touched_capacity > 0 ? 2 * picture->touched_capacity : 16;
        struct touched *list = realloc(picture->touched, capacity * sizeof *list);
        if (list == NULL) {
            picture->failed = true;
            return NULL;
        }
        picture->touched = list;
        picture->touched_capacity = capacity;
    }
    found = &picture->touched[picture->touched_count++];
    *found = (struct touched){.relation = relation};
    return found;
}

static int held_rank(struct picture *picture, uint32_t relation)
{
    const struct touched *touched = find_touched(picture, relation);

    return touched != NULL ? touched->rank : LOCK_NONE;
}

/* Reading takes no lock that is worth a word. That on an index is one if it is stronger than that
 * on its table. */
static bool is_told(struct picture *picture, const struct object *object, int rank)
{
    if (rank < LOCK_ROW_SHARE || strcmp(object->kind, "sequence") == 0)
        return false;
    return !is_index(object) ||
           (rank >= LOCK_CHANGES && rank > held_rank(picture, object->relation));
}

static void tell_lock(struct picture *picture, const struct object *object, int rank,
                      const struct inlay_migration *since)
{
    tell_of(picture, INLAY_EFFECT_LOCK, object,
            (struct inlay_effect){.detail = inlay_probes_lock_name(rank), .held_since = since});
}

/* What an earlier file of the same transaction locked is held until its end. */
void inlay_changes_base(struct picture *picture, const struct touched *read)
{
    struct touched *touched = touch(picture, read->relation);
    const struct object *object = inlay_objects_relation(&picture->known, read->relation);

    if (touched == NULL)
        return;
    const struct inlay_migration *since = touched->since;
    *touched = *read;
    touched->since = since;
    bool seen = is_older(picture, object) && object->made_by != since; /* by others, until then */
    if (since != NULL && seen && read->rank > LOCK_CHANGES && is_told(picture, object, read->rank))
        tell_lock(picture, object, read->rank, since);
}

static void tell_counts(struct picture *picture, const struct object *object,
                        const int64_t counts[COUNTS])
{
    if (counts[COUNT_SCANS] > 0 && !is_index(object))
        tell_of(picture, INLAY_EFFECT_SCAN, object,
                (struct inlay_effect){.read = counts[COUNT_READ]});
    if (counts[COUNT_INSERTED] > 0 || counts[COUNT_UPDATED] > 0 || counts[COUNT_DELETED] > 0)
        tell_of(picture, INLAY_EFFECT_ROWS, object,
                (struct inlay_effect){.inserted = counts[COUNT_INSERTED],
                                      .updated = counts[COUNT_UPDATED],
                                      .deleted = counts[COUNT_DELETED]});
}

void inlay_changes_touched(struct picture *picture, const struct touched *read)
{
    struct touched *touched = touch(picture, read->relation);
    const struct object *object = inlay_objects_relation(&picture->known, read->relation);
    int64_t grown[COUNTS];

    if (touched == NULL)
        return;
    for (int i = 0; i < COUNTS; i++) {
        grown[i] = read->counts[i] - touched->counts[i];
        touched->counts[i] = read->counts[i];
    }
    bool stronger = read->rank > touched->rank;
    if (stronger) {
        touched->rank = read->rank;
        touched->since = current(picture);
    }
    if (picture->silent || !is_older(picture, object))
        return;
    if (stronger && is_told(picture, object, read->rank))
        tell_lock(picture, object, read->rank, NULL);
    tell_counts(picture, object, grown);
}

/* ---- objects ---- */

void inlay_changes_written(struct picture *picture, enum part part, int64_t writes)
{
    picture->changed[part] = writes == WRITES_UNKNOWN || writes != picture->writes[part];
    picture->writes[part] = writes;
}

struct look {
    struct comparison comparison; /* first: its callbacks are handed its address */
    struct picture *picture;
    enum probe probe;
};

static bool is_in_scope(struct picture *picture, uint32_t relation)
{
    return held_rank(picture, relation) >= LOCK_CHANGES;
}

/* As PROBE_SCOPE asks. */
static bool covers(const struct comparison *comparison, const struct object *object)
{
    const struct look *look = (const struct look *)comparison;

    if (look->probe != PROBE_SCOPE)
        return look->probe == PROBE_ALL || object->relation == 0;
    if (object->relation != 0 && is_in_scope(look->picture, object->relation))
        return true;
    return object->class == OBJECT_IS_RELATION && is_in_scope(look->picture, object->oid);
}

/* Is what it is a part of gone as well? */
static bool goes_with_table(const struct look *look, const struct object *object)
{
    return inlay_object_is_part(object) &&
           (look->probe == PROBE_ALL || is_in_scope(look->picture, object->relation)) &&
           inlay_objects_relation(look->comparison.now, object->relation) == NULL;
}

static bool is_stored_anew(const struct object *before, const struct object *now)
{
    return before != NULL && now != NULL && before->stored != 0 && now->stored != 0 &&
           before->stored != now->stored;
}

static bool has_new_file(const struct object *before, const struct object *now)
{
    return is_stored_anew(before, now) && now->class == OBJECT_IS_RELATION &&
           strcmp(now->kind, "sequence") != 0;
}

/* The locks of a statement outside of transactions are gone before anybody can ask: they follow
 * from what it did. */
static void tell_unseen_lock(struct look *look, const struct object *object, int rank)
{
    const struct object *table = inlay_objects_relation(look->comparison.known, object->relation);

    if (look->picture->outside && is_older(look->picture, table))
        tell_lock(look->picture, table, rank, NULL);
}

static void tell_rewrite(struct look *look, const struct object *before, const struct object *now)
{
    bool with_table =
        is_index(now) && has_new_file(inlay_objects_relation(look->comparison.known, now->relation),
                                      inlay_objects_relation(look->comparison.now, now->relation));

    if (with_table)
        return;
    tell_of(look->picture, INLAY_EFFECT_REWRITE, before, (struct inlay_effect){0});
    tell_unseen_lock(look, before, is_index(now) ? LOCK_CHANGES : LOCK_EXCLUSIVE);
}

/* A part is called by its own name, all else by the whole one. */
static const char *own_name(const struct object *object)
{
    bool is_short = object->class == OBJECT_IS_LABEL ||
                    (object->class != OBJECT_IS_RELATION && inlay_object_is_part(object));

    return is_short ? object->local : object->name;
}

static bool is_within(const struct object *part, const struct object *whole)
{
    size_t length = strlen(whole->name);

    if (whole->class == OBJECT_IS_RELATION)
        return part->class == OBJECT_IS_COLUMN && part->relation == whole->oid;
    return whole->class == OBJECT_IS_TYPE && part->class == OBJECT_IS_LABEL &&
           strncmp(part->name, whole->name, length) == 0 && part->name[length] == '.';
}

/* Columns and values of an enum go, or get another name, with what they are in. What has its name
 * at the end of the file may lack them: until then they count as dropped. */
static void tell_parts(struct look *look, const struct object *whole)
{
    const struct objects *known = look->comparison.known;

    for (size_t i = 0; i < known->count && !is_index(whole); i++) {
        struct object part = known->list[i];
        if (!is_within(&part, whole) || !is_older(look->picture, &part))
            continue;
        part.table = whole->name;
        tell_of(look->picture, INLAY_EFFECT_DROPPED, &part, (struct inlay_effect){.again = true});
    }
}

static void tell_changed(struct look *look, const struct object *before, const struct object *now)
{
    struct picture *picture = look->picture;
    bool renamed = strcmp(before->local, now->local) != 0;

    picture->moved |= renamed && now->class == OBJECT_IS_SCHEMA;
    if (renamed) {
        tell_of(picture, INLAY_EFFECT_RENAMED, before,
                (struct inlay_effect){.detail = own_name(now)});
        tell_parts(look, before);
    }
    if (is_stored_anew(before, now) && now->class != OBJECT_IS_RELATION)
        tell_of(picture, INLAY_EFFECT_RETYPED, before, (struct inlay_effect){.detail = now->value});
    if (!before->flag && now->flag && now->class == OBJECT_IS_COLUMN)
        tell_of(picture, INLAY_EFFECT_NOT_NULL, before,
                (struct inlay_effect){.has_default = now->has_default});
    else if (!before->flag && now->flag)
        tell_of(picture, INLAY_EFFECT_VALIDATED, before, (struct inlay_effect){.valid = true});
    if (has_new_file(before, now))
        tell_rewrite(look, before, now);
}

/* A new column that must have a value since a later statement. */
static void tell_required(struct look *look, const struct object *before, const struct object *now)
{
    const struct object *table = inlay_objects_relation(look->comparison.known, now->relation);
    struct object column = *now;

    if (now->class != OBJECT_IS_COLUMN || before->flag || !now->flag ||
        !is_older(look->picture, table))
        return;
    column.made_by = table->made_by;
    tell_of(look->picture, INLAY_EFFECT_NOT_NULL, &column,
            (struct inlay_effect){.has_default = now->has_default});
}

/* Of what is new only parts of what was there matter to anybody else: they are as old as that. */
static void tell_made(struct look *look, const struct object *now)
{
    struct picture *picture = look->picture;
    const struct object *table = inlay_objects_relation(look->comparison.known, now->relation);
    struct object part = *now;

    if (!inlay_object_is_part(now) || !is_older(picture, table))
        return;
    part.made_by = table->made_by;
    tell_of(picture, INLAY_EFFECT_CREATED, &part,
            (struct inlay_effect){.valid = now->flag || now->class == OBJECT_IS_COLUMN});
    if (now->class == OBJECT_IS_COLUMN && now->flag)
        tell_of(picture, INLAY_EFFECT_NOT_NULL, &part,
                (struct inlay_effect){.has_default = now->has_default});
    if (is_index(now))
        tell_unseen_lock(look, now, LOCK_CHANGES);
}

static void tell_gone(struct look *look, const struct object *before)
{
    if (goes_with_table(look, before) || before->class == OBJECT_IS_LABEL)
        return;
    tell_of(look->picture, INLAY_EFFECT_DROPPED, before,
            (struct inlay_effect){.detail = is_index(before) ? before->value : NULL});
    if (is_index(before))
        tell_unseen_lock(look, before, LOCK_CHANGES);
    if (!inlay_object_is_table(before))
        tell_parts(look, before);
}

static void differs(struct comparison *comparison, const struct object *before, struct object *now,
                    bool again)
{
    struct look *look = (struct look *)comparison;
    struct picture *picture = look->picture;

    if (now == NULL) {
        if (!picture->silent && is_older(picture, before))
            tell_gone(look, before);
        return;
    }
    now->made_by = before != NULL ? before->made_by : current(picture);
    if (picture->silent)
        return;
    if (before == NULL) {
        tell_made(look, now);
        return;
    }
    if (!is_older(picture, before)) {
        tell_required(look, before, now);
        return;
    }
    tell_changed(look, before, now);
    if (again)
        tell_parts(look, before);
    if (again && before->class != OBJECT_IS_RELATION)
        tell_of(picture, INLAY_EFFECT_REPLACED, before, (struct inlay_effect){.valid = now->flag});
}

void inlay_changes_compare(struct picture *picture, enum probe probe)
{
    struct look look = {
        .comparison = {.covers = covers, .differs = differs}, .picture = picture, .probe = probe};

    picture->failed |= !inlay_objects_update(&look.comparison, &picture->known, &picture->now);
}

void inlay_changes_finish(struct picture *picture)
{
    inlay_objects_finish(&picture->known);
    inlay_objects_finish(&picture->now);
    inlay_effects_finish(&picture->effects);
    free(picture->touched);
}

/* What became of a file's changes by its end: what is gone may be there again, or something else in
 * its place. */
#include "apply/effects/changes.h"

#include <string.h>

static struct object *find_again(const struct objects *objects, const char *kind, const char *name)
{
    for (size_t i = 0; i < objects->count; i++)
        if (strcmp(objects->list[i].name, name) == 0 && strcmp(objects->list[i].kind, kind) == 0)
            return &objects->list[i];
    return NULL;
}

/* Of whatever kind, but no part of anything. */
static bool is_name_there(const struct objects *objects, const char *name)
{
    for (size_t i = 0; name != NULL && i < objects->count; i++)
        if (!inlay_object_is_part(&objects->list[i]) && strcmp(objects->list[i].name, name) == 0)
            return true;
    return false;
}

static bool is_of_table(const struct objects *objects, const struct object *part)
{
    const struct object *whole = inlay_objects_relation(objects, part->relation);

    return whole != NULL && inlay_object_is_table(whole);
}

static void replaced(struct inlay_effect *effect, struct object *object)
{
    effect->kind = INLAY_EFFECT_REPLACED;
    effect->valid = object->flag;
    object->made_by = effect->made_by;
}

/* A column or a value of an enum. The values of a column do not come back with its name. False: it
 * is there after all, or what it was in is what is gone. */
static bool settle_part(struct picture *picture, struct inlay_effect *effect)
{
    struct object *object = find_again(&picture->known, effect->object_kind, effect->object);
    bool went_along = effect->kind == INLAY_EFFECT_DROPPED && effect->again;

    effect->again = object != NULL && !is_of_table(&picture->known, object);
    if (went_along)
        return object == NULL && is_name_there(&picture->known, effect->table);
    if (object != NULL && !effect->again && effect->kind == INLAY_EFFECT_DROPPED)
        replaced(effect, object);
    return true;
}

/* The rows of a table do not come back with its name. */
static void settle_whole(struct picture *picture, struct inlay_effect *effect)
{
    struct object *object = find_again(&picture->known, effect->object_kind, effect->object);

    effect->again = is_name_there(&picture->known, effect->object);
    if (effect->kind == INLAY_EFFECT_DROPPED && object != NULL && !inlay_object_is_table(object))
        replaced(effect, object);
}

static bool settle_one(struct picture *picture, struct inlay_effect *effect)
{
    bool within = strcmp(effect->object_kind, "column") == 0 ||
                  strcmp(effect->object_kind, "enum value") == 0;
    const struct object *object;

    switch (effect->kind) {
    case INLAY_EFFECT_NOT_NULL:
        object = find_again(&picture->known, effect->object_kind, effect->object);
        if (object != NULL)
            effect->has_default = object->has_default;
        return true;
    case INLAY_EFFECT_DROPPED:
    case INLAY_EFFECT_RENAMED:
        if (within)
            return settle_part(picture, effect);
        settle_whole(picture, effect);
        return true;
    default:
        return true;
    }
}

void inlay_changes_settle(struct picture *picture)
{
    struct effects *effects = &picture->effects;

    if (effects->failed || !inlay_effects_settle(effects))
        return;
    for (size_t i = 0; i < effects->count; i++) {
        effects->settled[effects->settled_count] = effects->list[i];
        if (settle_one(picture, &effects->settled[effects->settled_count]))
            effects->settled_count++;
    }
}

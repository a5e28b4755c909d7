/* Keeps what a migration did until its host has heard it. */
#include "apply/effects/effects.h"

#include <stdlib.h>
#include <string.h>

struct effect_text {
    struct effect_text *next;
    char bytes[];
};

static const char *copy(struct effects *effects, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    struct effect_text *kept = malloc(sizeof *kept + size);
    if (kept == NULL) {
        effects->failed = true;
        return NULL;
    }
    memcpy(kept->bytes, text, size);
    kept->next = effects->texts;
    effects->texts = kept;
    return kept->bytes;
}

static bool grow_effects(struct effects *effects)
{
    size_t capacity = effects->capacity > 0 ? 2 * effects->capacity : 16;
    struct inlay_effect *list = realloc(effects->list, capacity * sizeof *list);

    if (list == NULL)
        return false;
    effects->list = list;
    effects->capacity = capacity;
    return true;
}

static void drop_settled(struct effects *effects)
{
    free(effects->settled);
    effects->settled = NULL;
    effects->settled_count = 0;
}

bool inlay_effects_settle(struct effects *effects)
{
    drop_settled(effects);
    effects->settled = malloc((effects->count + 1) * sizeof *effects->settled);
    effects->failed |= effects->settled == NULL;
    return effects->settled != NULL;
}

void inlay_effects_add(struct effects *effects, const struct inlay_effect *effect)
{
    drop_settled(effects);
    if (effects->count == effects->capacity && !grow_effects(effects)) {
        effects->failed = true;
        return;
    }
    struct inlay_effect *kept = &effects->list[effects->count++];
    *kept = *effect;
    kept->object_kind = copy(effects, effect->object_kind);
    kept->object = copy(effects, effect->object);
    kept->table = copy(effects, effect->table);
    kept->detail = copy(effects, effect->detail);
}

void inlay_effects_clear(struct effects *effects)
{
    drop_settled(effects);
    while (effects->texts != NULL) {
        struct effect_text *next = effects->texts->next;
        free(effects->texts);
        effects->texts = next;
    }
    effects->count = 0;
}

void inlay_effects_finish(struct effects *effects)
{
    inlay_effects_clear(effects);
    free(effects->list);
    *effects = (struct effects){0};
}

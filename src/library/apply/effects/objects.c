/* Keeps the objects of a database, and finds what is different after a statement. */
#include "apply/effects/objects.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static bool is_true(const char *text)
{
    return text[0] == 't';
}

/* All texts of a row are one piece of memory, which begins with `kind`. */
static bool take_texts(struct object *object, const PGresult *result, int row)
{
    const char **const texts[] = {&object->kind, &object->local, &object->name, &object->table,
                                  &object->value};
    size_t size = 0;

    for (int i = OBJECT_KIND; i < OBJECT_COLUMNS; i++)
        size += (size_t)PQgetlength(result, row, i) + 1;
    char *block = malloc(size);
    if (block == NULL)
        return false;
    object->texts = block;
    for (int i = OBJECT_KIND; i < OBJECT_COLUMNS; i++) {
        size_t length = (size_t)PQgetlength(result, row, i) + 1;
        memcpy(block, PQgetvalue(result, row, i), length);
        *texts[i - OBJECT_KIND] = PQgetisnull(result, row, i) ? NULL : block;
        block += length;
    }
    return true;
}

static uint32_t take_number(const PGresult *result, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(result, row, column), NULL, 10);
}

static bool reserve(struct objects *objects, size_t count)
{
    if (objects->list != NULL && count <= objects->capacity)
        return true;
    size_t capacity = 2 * count + 1;
    struct object *list = realloc(objects->list, capacity * sizeof *list);
    if (list == NULL)
        return false;
    objects->list = list;
    objects->capacity = capacity;
    return true;
}

bool inlay_objects_add(struct objects *objects, const PGresult *result)
{
    size_t rows = (size_t)PQntuples(result);

    if (!reserve(objects, objects->count + rows))
        return false;
    for (int row = 0; row < (int)rows; row++) {
        struct object object = {.class = PQgetvalue(result, row, OBJECT_CLASS)[0],
                                .oid = take_number(result, row, OBJECT_OID),
                                .sub = atoi(PQgetvalue(result, row, OBJECT_SUB)),
                                .relation = take_number(result, row, OBJECT_RELATION),
                                .stored = take_number(result, row, OBJECT_STORED),
                                .flag = is_true(PQgetvalue(result, row, OBJECT_FLAG)),
                                .has_default = is_true(PQgetvalue(result, row, OBJECT_DEFAULT))};
        if (!take_texts(&object, result, row))
            return false;
        objects->list[objects->count++] = object;
    }
    return true;
}

static void forget(const struct object *object)
{
    free(object->texts);
}

/* ---- finding ---- */

static int order_objects(const struct object *a, const struct object *b)
{
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->oid != b->oid)
        return a->oid < b->oid ? -1 : 1;
    return (a->sub > b->sub) - (a->sub < b->sub);
}

struct object *inlay_objects_find(const struct objects *objects, char class, uint32_t oid,
                                  int32_t sub)
{
    const struct object wanted = {.class = class, .oid = oid, .sub = sub};
    size_t low = 0;
    size_t high = objects->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int found = order_objects(&objects->list[middle], &wanted);
        if (found == 0)
            return &objects->list[middle];
        if (found < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct object *inlay_objects_relation(const struct objects *objects, uint32_t oid)
{
    return inlay_objects_find(objects, OBJECT_IS_RELATION, oid, 0);
}

bool inlay_object_is_part(const struct object *object)
{
    return object->relation != 0 &&
           (object->class != OBJECT_IS_RELATION || object->relation != object->oid);
}

bool inlay_object_is_table(const struct object *object)
{
    return strcmp(object->kind, "table") == 0;
}

/* ---- comparing ---- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A change of a column's type that needs no new file makes its indexes new objects all the same;
 * and what is dropped may be made again under its name. */
static bool takes_place_of(const struct object *before, const struct object *now)
{
    if (before->class != now->class || before->class == OBJECT_IS_COLUMN)
        return false;
    if (before->class == OBJECT_IS_RELATION && before->stored != 0 && before->stored == now->stored)
        return true;
    return strcmp(before->kind, now->kind) == 0 && strcmp(before->local, now->local) == 0 &&
           same_text(before->table, now->table);
}

/* What is gone, for which nothing stands; and what stands for it is no new object. */
struct pairing {
    struct comparison *comparison;
    struct object **gone;
    struct object **made;
    size_t gone_count;
    size_t made_count;
};

static void pair_one(struct pairing *pairing, const struct object *gone)
{
    for (size_t i = 0; i < pairing->made_count; i++) {
        struct object *made = pairing->made[i];
        if (made == NULL || !takes_place_of(gone, made))
            continue;
        pairing->comparison->differs(pairing->comparison, gone, made, true);
        pairing->made[i] = NULL;
        return;
    }
    pairing->comparison->differs(pairing->comparison, gone, NULL, false);
}

static void pair_all(struct pairing *pairing)
{
    for (size_t i = 0; i < pairing->gone_count; i++)
        pair_one(pairing, pairing->gone[i]);
    for (size_t i = 0; i < pairing->made_count; i++)
        if (pairing->made[i] != NULL)
            pairing->comparison->differs(pairing->comparison, NULL, pairing->made[i], false);
}

/* Walks both lists: what is in one alone is left to be paired. */
static void walk_both(struct pairing *pairing, struct objects *known, struct objects *now)
{
    struct comparison *comparison = pairing->comparison;
    size_t i = 0;
    size_t j = 0;

    while (i < known->count || j < now->count) {
        int side = i == known->count ? 1
                   : j == now->count ? -1
                                     : order_objects(&known->list[i], &now->list[j]);
        if (side < 0 && comparison->covers(comparison, &known->list[i]))
            pairing->gone[pairing->gone_count++] = &known->list[i];
        else if (side > 0)
            pairing->made[pairing->made_count++] = &now->list[j];
        else if (side == 0)
            comparison->differs(comparison, &known->list[i], &now->list[j], false);
        i += side <= 0;
        j += side >= 0;
    }
}

/* Both lists as one: what `now` says, and of `known` what it does not cover. */
static void merge(const struct comparison *comparison, const struct objects *known,
                  const struct objects *now, struct objects *merged)
{
    size_t i = 0;
    size_t j = 0;

    while (i < known->count || j < now->count) {
        int side = i == known->count ? 1
                   : j == now->count ? -1
                                     : order_objects(&known->list[i], &now->list[j]);
        if (side >= 0)
            merged->list[merged->count++] = now->list[j++];
        if (side < 0 && !comparison->covers(comparison, &known->list[i]))
            merged->list[merged->count++] = known->list[i++];
        else if (side <= 0)
            forget(&known->list[i++]);
    }
}

bool inlay_objects_update(struct comparison *comparison, struct objects *known, struct objects *now)
{
    struct objects merged = {0};
    struct pairing pairing = {.comparison = comparison,
                              .gone = calloc(known->count + 1, sizeof *pairing.gone),
                              .made = calloc(now->count + 1, sizeof *pairing.made)};
    bool ready =
        pairing.gone != NULL && pairing.made != NULL && reserve(&merged, known->count + now->count);

    comparison->known = known;
    comparison->now = now;
    if (ready) {
        walk_both(&pairing, known, now);
        pair_all(&pairing);
        merge(comparison, known, now, &merged);
        free(known->list);
        known->list = merged.list;
        known->count = merged.count;
        known->capacity = merged.capacity;
        now->count = 0;
    }
    free(pairing.gone);
    free(pairing.made);
    return ready;
}

void inlay_objects_finish(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        forget(&objects->list[i]);
    free(objects->list);
    *objects = (struct objects){0};
}

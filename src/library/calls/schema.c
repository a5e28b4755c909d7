/* inlay_schema_read: the schema as text, and how it differs from the embedded one. */
#include "calls/reading.h"
#include "calls/status.h"
#include "run/held.h"
#include "schema/compare.h"
#include "schema/read.h"

#include <inlay-admin.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What the public struct points into: the caller gets its first member. */
struct owned_schema {
    struct inlay_schema schema;
    struct run run;
    char *text;
    struct inlay_difference *differences;
    char **texts; /* of each of them */
    size_t room;
};

static bool make_room(struct owned_schema *owned)
{
    size_t room = owned->room > 0 ? 2 * owned->room : 16;
    struct inlay_difference *differences =
        realloc(owned->differences, room * sizeof *owned->differences);

    if (differences == NULL)
        return false;
    owned->differences = differences;
    char **texts = realloc(owned->texts, room * sizeof *owned->texts);
    if (texts == NULL)
        return false;
    owned->texts = texts;
    owned->room = room;
    return true;
}

/* Both texts are in one piece of memory. */
static bool keep_difference(void *context, enum schema_change change, const char *object,
                            const char *lines)
{
    static const enum inlay_difference_kind kinds[] = {
        [SCHEMA_MISSING] = INLAY_DIFFERENCE_MISSING,
        [SCHEMA_EXTRA] = INLAY_DIFFERENCE_EXTRA,
        [SCHEMA_DIFFERENT] = INLAY_DIFFERENCE_LINES,
    };
    struct owned_schema *owned = context;
    size_t count = owned->schema.difference_count;
    size_t length = strlen(object);

    if (count == owned->room && !make_room(owned))
        return false;
    char *text = inlay_text_new("%s %s", object, lines);
    if (text == NULL)
        return false;
    text[length] = '\0';
    owned->texts[count] = text;
    owned->differences[count] = (struct inlay_difference){
        .kind = kinds[change], .object = text, .lines = text + length + 1};
    owned->schema.difference_count++;
    return true;
}

static int compare_with_embedded(struct owned_schema *owned, const char *embedded,
                                 struct inlay_error *err)
{
    const struct inlay_schema *schema = &owned->schema;
    const struct schema_comparison comparison = {.before = embedded,
                                                 .now = owned->text,
                                                 .allowed = owned->run.request.options.allow_drift,
                                                 .plain = schema->major != schema->embedded_major,
                                                 .tell = keep_difference,
                                                 .context = owned};

    return inlay_schema_compare(&comparison, err);
}

/* A set of an older header ends before it. */
static const char *find_embedded(const struct inlay_set *set)
{
    return set->size >= offsetof(struct inlay_set, schema) + sizeof set->schema ? set->schema
                                                                                : NULL;
}

static int read_text(void *context, int64_t lock_ms, struct inlay_error *err)
{
    struct owned_schema *owned = context;
    struct run *run = &owned->run;

    return inlay_schema_text(&run->connection.session, &run->request.name, lock_ms, &owned->text,
                             err);
}

static int take_schema(void *context, struct inlay_error *err)
{
    struct owned_schema *owned = context;
    struct run *run = &owned->run;
    const char *embedded = find_embedded(run->request.set);

    run->request.options.strict = true;
    int rc = inlay_status_take_check(run, err);
    if (rc == INLAY_OK)
        rc =
            inlay_held_read(&run->connection.session, &run->request.options, read_text, owned, err);
    if (rc != INLAY_OK)
        return rc;
    owned->schema.text = owned->text;
    owned->schema.database = run->known.snapshot.database;
    owned->schema.major = inlay_schema_major(owned->text);
    if (embedded != NULL)
        owned->schema.embedded_major = inlay_schema_major(embedded);
    if (owned->schema.embedded_major > 0)
        rc = compare_with_embedded(owned, embedded, err);
    owned->schema.differences = owned->differences;
    return rc;
}

int inlay_schema_read(const struct inlay_set *set, const struct inlay_options *options,
                      struct inlay_schema **schema, struct inlay_error *err)
{
    if (schema == NULL)
        return inlay_reading_nowhere("schema", err);
    struct owned_schema *owned = calloc(1, sizeof *owned);
    if (owned == NULL)
        return inlay_reading_memory(err);
    int rc = inlay_reading(&owned->run, set, options,
                           &(struct reading){.take = take_schema, .context = owned}, err);
    if (rc == INLAY_OK)
        *schema = &owned->schema;
    else
        inlay_schema_free(&owned->schema);
    return rc;
}

void inlay_schema_free(struct inlay_schema *schema)
{
    struct owned_schema *owned = (struct owned_schema *)schema;

    if (owned == NULL)
        return;
    inlay_run_end(&owned->run);
    for (size_t i = 0; i < owned->schema.difference_count; i++)
        free(owned->texts[i]);
    free(owned->texts);
    free(owned->differences);
    free(owned->text);
    free(owned);
}

/* Writes the effects of a migration as JSON: by statement what it did to what was there, then what
 * is different in the catalogs. */
#include "report/effects.h"

#include <inlay-admin.h>
#include <stdio.h>

/* As `made_by` names it: a version, or the name of a repeatable. */
static void write_maker(struct json *json, const char *key, const struct inlay_migration *migration)
{
    if (migration == NULL || migration->version >= 0) {
        inlay_cli_json_version(json, key, migration == NULL ? -1 : migration->version);
        return;
    }
    char name[512];
    snprintf(name, sizeof name, "R__%s", migration->name);
    inlay_cli_json_text(json, key, name);
}

static void open_relation(struct json *json, const struct inlay_effect *effect)
{
    inlay_cli_json_open(json, NULL, '{');
    inlay_cli_json_text(json, "relation", effect->object);
    inlay_cli_json_text(json, "kind", effect->object_kind);
    write_maker(json, "made_by", effect->made_by);
}

static void write_on_relation(struct json *json, const struct inlay_effect *effect)
{
    open_relation(json, effect);
    if (effect->kind == INLAY_EFFECT_LOCK) {
        inlay_cli_json_text(json, "mode", effect->detail);
        write_maker(json, "held_since", effect->held_since);
    } else if (effect->kind == INLAY_EFFECT_SCAN) {
        inlay_cli_json_number(json, "rows_read", effect->read);
    } else if (effect->kind == INLAY_EFFECT_ROWS) {
        inlay_cli_json_number(json, "inserted", effect->inserted);
        inlay_cli_json_number(json, "updated", effect->updated);
        inlay_cli_json_number(json, "deleted", effect->deleted);
    }
    inlay_cli_json_close(json, '}');
}

/* The kinds that belong to a statement, each an array of its own. */
static const char *const arrays[] = {
    [INLAY_EFFECT_LOCK] = "locks",
    [INLAY_EFFECT_REWRITE] = "rewrites",
    [INLAY_EFFECT_SCAN] = "scans",
    [INLAY_EFFECT_ROWS] = "rows",
};

static bool is_of_statement(const struct inlay_effect *effect)
{
    return effect->kind <= INLAY_EFFECT_ROWS;
}

static void write_place(struct json *json, const struct inlay_event *event, size_t number)
{
    const struct inlay_script *script = &event->migration->up;
    bool known = number > 0 && number <= script->statement_count;
    inlay_cli_json_number_or_null(json, "number", known ? (int64_t)number : -1);
    inlay_cli_json_number_or_null(
        json, "line", known ? (int64_t)inlay_script_statement(script, number - 1)->line : -1);
}

/* The statement of the effect at `first`, which is its first one. */
static void write_statement(struct json *json, const struct inlay_event *event, size_t first)
{
    size_t number = inlay_effect_at(event, first)->statement;
    inlay_cli_json_open(json, NULL, '{');
    write_place(json, event, number);
    inlay_cli_json_number(json, "elapsed_ms", inlay_effect_at(event, first)->elapsed_ms);
    for (size_t kind = INLAY_EFFECT_LOCK; kind <= INLAY_EFFECT_ROWS; kind++) {
        inlay_cli_json_open(json, arrays[kind], '[');
        for (size_t i = first; i < event->effect_count; i++) {
            if (inlay_effect_at(event, i)->kind == kind &&
                inlay_effect_at(event, i)->statement == number)
                write_on_relation(json, inlay_effect_at(event, i));
        }
        inlay_cli_json_close(json, ']');
    }
    inlay_cli_json_close(json, '}');
}

static bool is_first_of_statement(const struct inlay_event *event, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_of_statement(inlay_effect_at(event, i)) &&
            inlay_effect_at(event, i)->statement == inlay_effect_at(event, index)->statement)
            return false;
    }
    return is_of_statement(inlay_effect_at(event, index));
}

static const char *const changes[] = {
    [INLAY_EFFECT_DROPPED] = "dropped",   [INLAY_EFFECT_RENAMED] = "renamed",
    [INLAY_EFFECT_RETYPED] = "retyped",   [INLAY_EFFECT_NOT_NULL] = "not-null",
    [INLAY_EFFECT_CREATED] = "created",   [INLAY_EFFECT_VALIDATED] = "validated",
    [INLAY_EFFECT_REPLACED] = "replaced",
};

static void write_change(struct json *json, const struct inlay_effect *effect)
{
    bool gone = effect->kind == INLAY_EFFECT_DROPPED || effect->kind == INLAY_EFFECT_REPLACED;
    inlay_cli_json_open(json, NULL, '{');
    inlay_cli_json_text(json, "change", changes[effect->kind]);
    inlay_cli_json_text(json, "kind", effect->object_kind);
    inlay_cli_json_text(json, "object", effect->object);
    inlay_cli_json_text(json, "table", effect->table);
    inlay_cli_json_text(json, "to", gone ? NULL : effect->detail);
    if (gone && effect->detail)
        inlay_cli_json_text(json, "columns", effect->detail);
    if (effect->kind == INLAY_EFFECT_NOT_NULL)
        inlay_cli_json_bool(json, "default", effect->has_default);
    else if (effect->kind == INLAY_EFFECT_DROPPED || effect->kind == INLAY_EFFECT_RENAMED)
        inlay_cli_json_bool(json, "again", effect->again);
    else if (effect->kind >= INLAY_EFFECT_CREATED)
        inlay_cli_json_bool(json, "valid", effect->valid);
    write_maker(json, "made_by", effect->made_by);
    inlay_cli_json_number_or_null(json, "statement",
                                  effect->statement > 0 ? (int64_t)effect->statement : -1);
    inlay_cli_json_close(json, '}');
}

void inlay_cli_effects_json(struct json *json, const struct inlay_event *event)
{
    const struct inlay_script *script = &event->migration->up;
    inlay_cli_json_text(json, "file", script->path);
    inlay_cli_json_bool(json, "transaction", (script->flags & INLAY_SCRIPT_NO_TRANSACTION) == 0);
    inlay_cli_json_open(json, "statements", '[');
    for (size_t i = 0; i < event->effect_count; i++) {
        if (is_first_of_statement(event, i))
            write_statement(json, event, i);
    }
    inlay_cli_json_close(json, ']');
    inlay_cli_json_open(json, "changes", '[');
    for (size_t i = 0; i < event->effect_count; i++) {
        if (!is_of_statement(inlay_effect_at(event, i)))
            write_change(json, inlay_effect_at(event, i));
    }
    inlay_cli_json_close(json, ']');
}

/* Says what a migration did to what was there before, for those that use the database
 * meanwhile: what stands still comes first. */
#include "report/effects_text.h"

#include <inlay-admin.h>
#include <inttypes.h>
#include <string.h>

#include "writing/text.h"

/* What a lock keeps others from. Weaker ones let others read and write. */
static const struct {
    const char *mode;
    const char *meanwhile;
} locks[] = {
    {"SHARE", "no writes meanwhile"},
    {"SHARE ROW EXCLUSIVE", "no writes meanwhile"},
    {"EXCLUSIVE", "no writes meanwhile"},
    {"ACCESS EXCLUSIVE", "no reads or writes meanwhile"},
};

enum { LOCKS = sizeof locks / sizeof locks[0], NO_LOCK = -1 };

static int rank_of(const struct inlay_effect *effect)
{
    for (int i = 0; i < LOCKS; i++) {
        if (effect->kind == INLAY_EFFECT_LOCK && strcmp(effect->detail, locks[i].mode) == 0)
            return i;
    }
    return NO_LOCK;
}

static bool is_on_same(const struct inlay_effect *a, const struct inlay_effect *b)
{
    return strcmp(a->object, b->object) == 0;
}

/* The strongest lock that the file has had on it until then. */
static int rank_during(const struct inlay_event *event, const struct inlay_effect *effect)
{
    int strongest = NO_LOCK;
    for (size_t i = 0; i < event->effect_count; i++) {
        const struct inlay_effect *lock = &event->effects[i];
        int rank = rank_of(lock);
        if (rank > strongest && lock->statement <= effect->statement && is_on_same(lock, effect))
            strongest = rank;
    }
    return strongest;
}

/* A lock is said with what was done under it, if there was something that took time. */
static bool is_said_elsewhere(const struct inlay_event *event, const struct inlay_effect *lock)
{
    for (size_t i = 0; i < event->effect_count; i++) {
        const struct inlay_effect *effect = &event->effects[i];
        bool long_work = effect->kind == INLAY_EFFECT_REWRITE || effect->kind == INLAY_EFFECT_SCAN;
        if (long_work && is_on_same(lock, effect) && rank_during(event, effect) >= rank_of(lock))
            return true;
    }
    return false;
}

/* A rewrite reads the table too. */
static bool is_rewritten(const struct inlay_event *event, const struct inlay_effect *scan)
{
    for (size_t i = 0; i < event->effect_count; i++) {
        const struct inlay_effect *effect = &event->effects[i];
        if (effect->kind == INLAY_EFFECT_REWRITE && effect->statement == scan->statement &&
            is_on_same(scan, effect))
            return true;
    }
    return false;
}

/* ---- how bad it is ---- */

enum badness { BAD_REWRITE, BAD_SCAN, BAD_GONE, BAD_LOCK, BAD_ROWS, BAD_INVALID, BAD_COUNT };

static bool is_gone(const struct inlay_effect *effect)
{
    switch (effect->kind) {
    case INLAY_EFFECT_DROPPED:
        return effect->table == NULL || strcmp(effect->object_kind, "column") == 0;
    case INLAY_EFFECT_RENAMED:
        return strcmp(effect->object_kind, "index") != 0 &&
               strcmp(effect->object_kind, "constraint") != 0;
    case INLAY_EFFECT_RETYPED:
        return true;
    case INLAY_EFFECT_NOT_NULL:
        return !effect->has_default;
    default:
        return false;
    }
}

/* What pending migrations make themselves is not in use yet. */
static enum badness badness_of(const struct inlay_event *event, const struct inlay_effect *effect)
{
    if (effect->made_by != NULL)
        return BAD_COUNT;
    switch (effect->kind) {
    case INLAY_EFFECT_REWRITE:
        return BAD_REWRITE;
    case INLAY_EFFECT_SCAN:
        return rank_during(event, effect) > NO_LOCK && !is_rewritten(event, effect) ? BAD_SCAN
                                                                                    : BAD_COUNT;
    case INLAY_EFFECT_LOCK:
        return rank_of(effect) > NO_LOCK && effect->held_since == NULL &&
                       !is_said_elsewhere(event, effect)
                   ? BAD_LOCK
                   : BAD_COUNT;
    case INLAY_EFFECT_ROWS:
        return BAD_ROWS;
    case INLAY_EFFECT_CREATED:
        return effect->valid ? BAD_COUNT : BAD_INVALID;
    default:
        return is_gone(effect) ? BAD_GONE : BAD_COUNT;
    }
}

/* ---- the words ---- */

static void add_object(struct buffer *line, const char *before, const struct inlay_effect *effect)
{
    inlay_cli_buffer_text(line, before);
    if (strcmp(effect->object_kind, "table") != 0)
        inlay_cli_buffer_format(line, "%s ", effect->object_kind);
    inlay_cli_text_escape(line, effect->object, "");
}

static void add_rows(struct buffer *line, const struct inlay_effect *effect)
{
    const struct {
        const char *done;
        int64_t count;
    } parts[] = {
        {"inserts", effect->inserted}, {"updates", effect->updated}, {"deletes", effect->deleted}};
    const char *comma = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].count == 0)
            continue;
        inlay_cli_buffer_format(line, "%s%s %" PRId64 " row%s", comma, parts[i].done,
                                parts[i].count, parts[i].count == 1 ? "" : "s");
        comma = ", ";
    }
    add_object(line, " of ", effect);
}

static void add_change(struct buffer *line, const struct inlay_effect *effect)
{
    switch (effect->kind) {
    case INLAY_EFFECT_DROPPED:
        add_object(line, "drops ", effect);
        break;
    case INLAY_EFFECT_RENAMED:
        add_object(line, "renames ", effect);
        inlay_cli_buffer_text(line, " to ");
        inlay_cli_text_escape(line, effect->detail, "");
        break;
    case INLAY_EFFECT_RETYPED:
        add_object(line, "makes ", effect);
        inlay_cli_buffer_text(line, " another type: ");
        inlay_cli_text_escape(line, effect->detail, "");
        break;
    case INLAY_EFFECT_NOT_NULL:
        add_object(line, "demands a value for ", effect);
        inlay_cli_buffer_text(line, ", which has no default");
        return;
    default:
        add_object(line, "leaves ", effect);
        inlay_cli_buffer_text(line, " that is not valid");
        return;
    }
    inlay_cli_buffer_text(line, ": what uses it fails");
}

static void add_words(struct buffer *line, const struct inlay_event *event,
                      const struct inlay_effect *effect)
{
    int rank = rank_during(event, effect);
    switch (effect->kind) {
    case INLAY_EFFECT_REWRITE:
        add_object(line, "rewrites ", effect);
        break;
    case INLAY_EFFECT_SCAN:
        add_object(line, "reads all of ", effect);
        break;
    case INLAY_EFFECT_LOCK:
        add_object(line, "locks ", effect);
        inlay_cli_buffer_format(line, ", %s: %s", effect->detail, locks[rank].meanwhile);
        return;
    case INLAY_EFFECT_ROWS:
        add_rows(line, effect);
        return;
    default:
        add_change(line, effect);
        return;
    }
    if (rank > NO_LOCK)
        inlay_cli_buffer_format(line, " under %s: %s", locks[rank].mode, locks[rank].meanwhile);
}

/* "  line 4: rewrites public.orders under ACCESS EXCLUSIVE: no reads or writes meanwhile (1.2 s)"
 */
static void say_effect(struct console *console, const struct inlay_event *event,
                       const struct inlay_effect *effect)
{
    const struct inlay_script *script = &event->migration->up;
    struct buffer line = {0};
    if (effect->statement > 0 && effect->statement <= script->statement_count)
        inlay_cli_buffer_format(&line, "line %" PRIu32 ": ",
                                script->statements[effect->statement - 1].line);
    add_words(&line, event, effect);
    if (effect->elapsed_ms > 0) {
        inlay_cli_buffer_text(&line, " (");
        inlay_cli_text_duration(&line, effect->elapsed_ms);
        inlay_cli_buffer_text(&line, ")");
    }
    if (!line.failed)
        inlay_cli_console_say(console, STYLE_PLAIN, "  ", line.data);
    inlay_cli_buffer_free(&line);
}

/* Of a rehearsal that is rolled back: "  still locked since 003_add_roles: public.orders". */
static void say_held(struct console *console, const struct inlay_event *event)
{
    struct buffer line = {0};
    const struct inlay_migration *since = NULL;
    for (size_t i = 0; i < event->effect_count; i++) {
        const struct inlay_effect *effect = &event->effects[i];
        if (effect->held_since == NULL || effect->made_by != NULL || rank_of(effect) == NO_LOCK)
            continue;
        inlay_cli_buffer_text(&line, line.length == 0 ? "held since " : ", ");
        if (effect->held_since != since) {
            inlay_cli_text_label(&line, effect->held_since);
            inlay_cli_buffer_text(&line, ": ");
        }
        since = effect->held_since;
        inlay_cli_text_escape(&line, effect->object, "");
        inlay_cli_buffer_format(&line, " (%s)", effect->detail);
    }
    if (line.length > 0 && !line.failed)
        inlay_cli_console_say(console, STYLE_PLAIN, "  ", line.data);
    inlay_cli_buffer_free(&line);
}

void inlay_cli_effects_text(struct console *console, const struct inlay_event *event)
{
    for (enum badness badness = BAD_REWRITE; badness < BAD_COUNT; badness++) {
        for (size_t i = 0; i < event->effect_count; i++) {
            if (badness_of(event, &event->effects[i]) == badness)
                say_effect(console, event, &event->effects[i]);
        }
    }
    say_held(console, event);
}

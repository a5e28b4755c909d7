/* Turns each event of the library into one line of text and one object of the JSON document. */
#include "report/event.h"

#include "report/effects.h"
#include "report/effects_text.h"
#include "terminal/console.h"
#include "writing/text.h"

/* How long a migration runs before it is named, and until it is named again. */
#define NAME_AFTER_MS 10000
#define NAME_AGAIN_MS 60000

static void keep_step(struct console *console, const struct inlay_event *event, const char *what)
{
    if (!console->json)
        return;
    struct json *steps = &console->steps;
    inlay_cli_json_open(steps, NULL, '{');
    inlay_cli_json_version(steps, "version", event->migration->version);
    inlay_cli_json_text(steps, "name", event->migration->name);
    inlay_cli_json_text(steps, "result", what);
    inlay_cli_json_number_or_null(steps, "elapsed_ms",
                                  event->kind == INLAY_EVENT_UNREHEARSED ? -1 : event->elapsed_ms);
    if (console->rehearses)
        inlay_cli_effects_json(steps, event);
    inlay_cli_json_close(steps, '}');
}

static const char *done(const struct inlay_event *event)
{
    if (event->kind == INLAY_EVENT_REHEARSED)
        return "rehearsed";
    if (event->down)
        return "undone";
    return event->recorded ? "recorded" : "applied";
}

static void say_applied(struct console *console, const struct inlay_event *event)
{
    struct buffer rest = {0};
    bool row_only = event->recorded || (event->down && !inlay_cli_text_has_down(event->migration));
    inlay_cli_buffer_text(&rest, " ");
    inlay_cli_text_label(&rest, event->migration);
    inlay_cli_buffer_text(&rest, row_only ? " (its row only, " : " (");
    inlay_cli_text_duration(&rest, event->elapsed_ms);
    inlay_cli_buffer_text(&rest, ")");
    if (!rest.failed)
        inlay_cli_console_say(console, STYLE_GOOD, done(event), rest.data);
    inlay_cli_buffer_free(&rest);
}

/* The library's warning says why. */
static void keep_unrehearsed(struct console *console, const struct inlay_event *event)
{
    inlay_cli_buffer_text(&console->unrehearsed, console->skipped++ > 0 ? ", " : "");
    inlay_cli_text_label(&console->unrehearsed, event->migration);
    keep_step(console, event, "unrehearsed");
}

static void say_skipped(struct console *console, const struct inlay_event *event)
{
    struct buffer rest = {0};
    inlay_cli_buffer_text(&rest, " ");
    inlay_cli_text_label(&rest, event->migration);
    inlay_cli_buffer_format(&rest, ": another process %s it",
                            event->down ? "has undone" : "applied");
    if (!rest.failed)
        inlay_cli_console_say(console, STYLE_WAIT, "skipped", rest.data);
    inlay_cli_buffer_free(&rest);
}

static const char *doing(const struct console *console, const struct inlay_event *event)
{
    if (console->rehearses)
        return "rehearsing ";
    return event->down ? "undoing " : "applying ";
}

/* Where no line is drawn, what takes long is named, and then with each minute. */
static void name_progress(struct console *console, const struct inlay_event *event,
                          const struct buffer *line)
{
    if (console->terminal || event->elapsed_ms < console->name_at_ms)
        return;
    inlay_cli_console_say(console, STYLE_PLAIN, "", line->data);
    console->name_at_ms = (event->elapsed_ms / NAME_AGAIN_MS + 1) * NAME_AGAIN_MS;
}

#define SHORTEST_NAME 12

/* ", 2 of 10: statement 4 of 5, 3.5 s"; without the statement where `brief`. */
static void write_numbers(struct buffer *out, const struct inlay_event *event, bool brief)
{
    const struct inlay_migration *migration = event->migration;
    const struct inlay_script *script = event->down ? &migration->down : &migration->up;
    inlay_cli_buffer_format(out, ", %zu of %zu%s", event->index, event->count, brief ? ", " : ": ");
    if (!brief && event->statement < script->statement_count)
        inlay_cli_buffer_format(out, "statement %zu of %zu, ", event->statement + 1,
                                script->statement_count);
    inlay_cli_text_duration(out, event->elapsed_ms);
}

/* How wide the name may be where the rest takes `taken` columns. */
static size_t name_room(const struct console *console, size_t taken)
{
    size_t room = inlay_cli_console_room(console);
    return room > taken ? room - taken : 0;
}

/* "applying 003_add_roles, 2 of 10: statement 4 of 5, 3.5 s": the name gives way to the numbers. */
static void draw_progress(struct console *console, const struct inlay_event *event)
{
    struct buffer line = {0}, name = {0}, numbers = {0};
    inlay_cli_text_label(&name, event->migration);
    inlay_cli_buffer_text(&line, doing(console, event));
    write_numbers(&numbers, event, false);
    if (name_room(console, line.length + numbers.length) < SHORTEST_NAME) {
        inlay_cli_buffer_clear(&numbers);
        write_numbers(&numbers, event, true);
    }
    if (!name.failed && !numbers.failed) {
        inlay_cli_text_shorten(&line, name.data, name_room(console, line.length + numbers.length));
        inlay_cli_buffer_text(&line, numbers.data);
    }
    if (!line.failed && !name.failed && !numbers.failed) {
        inlay_cli_console_draw(console, line.data);
        name_progress(console, event, &line);
    }
    inlay_cli_buffer_free(&numbers);
    inlay_cli_buffer_free(&name);
    inlay_cli_buffer_free(&line);
}

static void draw_waiting(struct console *console, const struct inlay_event *event)
{
    struct buffer line = {0};
    inlay_cli_buffer_text(&line, "waiting, ");
    inlay_cli_text_duration(&line, event->elapsed_ms);
    if (!line.failed)
        inlay_cli_console_draw(console, line.data);
    inlay_cli_buffer_free(&line);
}

static const char *event_name(const struct inlay_event *event)
{
    static const char *const names[] = {
        [INLAY_EVENT_BEGIN] = "begin",           [INLAY_EVENT_WAITING] = "waiting",
        [INLAY_EVENT_STARTED] = "started",       [INLAY_EVENT_PROGRESS] = "progress",
        [INLAY_EVENT_APPLIED] = "applied",       [INLAY_EVENT_SKIPPED] = "skipped",
        [INLAY_EVENT_FAILED] = "failed",         [INLAY_EVENT_END] = "end",
        [INLAY_EVENT_CONNECTING] = "connecting", [INLAY_EVENT_RETRIED] = "retried",
        [INLAY_EVENT_REHEARSED] = "rehearsed",   [INLAY_EVENT_UNREHEARSED] = "unrehearsed",
    };
    return event->kind == INLAY_EVENT_APPLIED ? done(event) : names[event->kind];
}

/* Every event has all the members; what does not apply is null. */
void inlay_cli_event_line(const struct console *console, const struct inlay_event *event)
{
    const struct inlay_migration *migration = event->migration;
    bool counts = event->count > 0;
    struct json json = {0};
    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "event", event_name(event));
    if (console->target)
        inlay_cli_json_text(&json, "target", console->target);
    inlay_cli_json_version(&json, "version", migration ? migration->version : -1);
    inlay_cli_json_text(&json, "name", migration ? migration->name : NULL);
    inlay_cli_json_text(&json, "direction", migration ? event->down ? "down" : "up" : NULL);
    inlay_cli_json_number_or_null(&json, "index", counts ? (int64_t)event->index : -1);
    inlay_cli_json_number_or_null(&json, "count", counts ? (int64_t)event->count : -1);
    inlay_cli_json_number_or_null(&json, "statements_done",
                                  event->kind == INLAY_EVENT_PROGRESS ? (int64_t)event->statement
                                                                      : -1);
    inlay_cli_json_number_or_null(&json, "batch", event->batch > 0 ? event->batch : -1);
    inlay_cli_json_number(&json, "elapsed_ms", event->elapsed_ms);
    inlay_cli_json_close(&json, '}');
    inlay_cli_console_line(&json);
}

void inlay_cli_event(void *user, const struct inlay_event *event)
{
    struct console *console = user;
    if (console->lines)
        inlay_cli_event_line(console, event);
    switch (event->kind) {
    case INLAY_EVENT_CONNECTING:
    case INLAY_EVENT_WAITING:
        draw_waiting(console, event);
        break;
    case INLAY_EVENT_PROGRESS:
        draw_progress(console, event);
        break;
    case INLAY_EVENT_APPLIED:
    case INLAY_EVENT_REHEARSED:
        *(event->down ? &console->undone : &console->applied) += 1;
        keep_step(console, event, done(event));
        say_applied(console, event);
        if (console->rehearses && !console->json)
            inlay_cli_effects_text(console, event);
        break;
    case INLAY_EVENT_SKIPPED:
        console->skipped++;
        keep_step(console, event, "skipped");
        say_skipped(console, event);
        break;
    case INLAY_EVENT_UNREHEARSED:
        keep_unrehearsed(console, event);
        break;
    case INLAY_EVENT_FAILED:
        keep_step(console, event, "failed");
        break;
    case INLAY_EVENT_BEGIN:
        console->batch = event->batch;
        break;
    case INLAY_EVENT_STARTED:
        console->name_at_ms = NAME_AFTER_MS;
        break;
    case INLAY_EVENT_RETRIED:
    case INLAY_EVENT_END:
        break;
    }
}

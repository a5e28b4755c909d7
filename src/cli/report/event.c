#include "report/event.h"

#include "terminal/console.h"
#include "writing/text.h"

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

/* "applying 003_add_roles, 2 of 10: statement 4 of 5, 3.5 s" */
static void draw_progress(struct console *console, const struct inlay_event *event)
{
    const struct inlay_migration *migration = event->migration;
    const struct inlay_script *script = event->down ? &migration->down : &migration->up;
    struct buffer line = {0};
    inlay_cli_buffer_text(&line, doing(console, event));
    inlay_cli_text_label(&line, migration);
    inlay_cli_buffer_format(&line, ", %zu of %zu: ", event->index, event->count);
    if (event->statement < script->statement_count)
        inlay_cli_buffer_format(&line, "statement %zu of %zu, ", event->statement + 1,
                                script->statement_count);
    inlay_cli_text_duration(&line, event->elapsed_ms);
    if (!line.failed)
        inlay_cli_console_draw(console, line.data);
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

void inlay_cli_event(void *user, const struct inlay_event *event)
{
    struct console *console = user;
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
    case INLAY_EVENT_RETRIED:
    case INLAY_EVENT_END:
        break;
    }
}

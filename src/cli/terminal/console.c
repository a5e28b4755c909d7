/* Prints log lines and progress on stderr while a verb runs, and keeps the lines for the JSON
 * document. On a terminal the last line is redrawn in place. */
#include "terminal/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "writing/text.h"

static bool terminal_at(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && term[0] && strcmp(term, "dumb") != 0;
}

bool inlay_cli_console_colour_wanted(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return terminal_at(fd) && !(no_color && no_color[0]);
}

void inlay_cli_console_init(struct console *console, bool json, bool lines)
{
    *console = (struct console){
        .terminal = terminal_at(STDERR_FILENO),
        .colour = inlay_cli_console_colour_wanted(STDERR_FILENO),
        .json = json,
        .lines = lines,
    };
}

void inlay_cli_console_free(struct console *console)
{
    inlay_cli_buffer_free(&console->unrehearsed);
    inlay_cli_buffer_free(&console->said);
    inlay_cli_json_free(&console->warnings);
    inlay_cli_json_free(&console->remarks);
    inlay_cli_json_free(&console->steps);
}

/* One write for a whole line, so that lines of several processes do not mix. */
void inlay_cli_console_write(struct console *console, const char *text, size_t length)
{
    if (console->drawn)
        fputs("\r\033[K", stderr);
    console->drawn = false;
    fwrite(text, 1, length, stderr);
    fflush(stderr);
}

/* Without memory for a line it is said all the same. */
static void write_pieces(struct console *console, const char *word, const char *rest)
{
    inlay_cli_console_write(console, word, strlen(word));
    inlay_cli_console_write(console, rest, strlen(rest));
    inlay_cli_console_write(console, "\n", 1);
}

void inlay_cli_console_say(struct console *console, enum style style, const char *word,
                           const char *rest)
{
    bool coloured = console->colour && style != STYLE_PLAIN;
    struct buffer line = {0};
    if (coloured)
        inlay_cli_buffer_text(&line, inlay_cli_style(style));
    inlay_cli_buffer_text(&line, word);
    if (coloured)
        inlay_cli_buffer_text(&line, inlay_cli_style(STYLE_PLAIN));
    inlay_cli_buffer_text(&line, rest);
    inlay_cli_buffer_text(&line, "\n");
    if (line.failed)
        write_pieces(console, word, rest);
    else
        inlay_cli_console_write(console, line.data, line.length);
    inlay_cli_buffer_free(&line);
}

size_t inlay_cli_console_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* A line that wraps cannot be erased with a carriage return, and neither can one that fills the
 * last column. */
size_t inlay_cli_console_room(const struct console *console)
{
    if (!console->terminal)
        return SIZE_MAX;
    size_t columns = inlay_cli_console_columns(STDERR_FILENO);
    return columns > 0 ? columns - 1 : 79;
}

void inlay_cli_console_draw(struct console *console, const char *text)
{
    if (!console->terminal)
        return;
    struct buffer line = {0};
    inlay_cli_buffer_text(&line, "\r");
    inlay_cli_text_cut(&line, text, inlay_cli_console_room(console));
    inlay_cli_buffer_text(&line, "\033[K");
    if (!line.failed)
        fwrite(line.data, 1, line.length, stderr);
    fflush(stderr);
    console->drawn = true;
    inlay_cli_buffer_free(&line);
}

/* True when the line was said before; remembers it otherwise. */
static bool said_before(struct console *console, const char *text)
{
    const struct buffer *said = &console->said;
    for (size_t at = 0; at < said->length; at += strlen(said->data + at) + 1) {
        if (strcmp(said->data + at, text) == 0)
            return true;
    }
    inlay_cli_buffer_add(&console->said, text, strlen(text) + 1);
    return false;
}

void inlay_cli_console_wait(struct console *console, const char *reason, int64_t elapsed_ms)
{
    struct buffer line = {0};
    inlay_cli_buffer_text(&line, "waiting: ");
    inlay_cli_text_escape(&line, reason, "");
    if (console->terminal) {
        inlay_cli_buffer_text(&line, ", ");
        inlay_cli_text_duration(&line, elapsed_ms);
    }
    if (!line.failed && console->terminal)
        inlay_cli_console_draw(console, line.data);
    else if (!line.failed && !said_before(console, line.data))
        inlay_cli_console_say(console, STYLE_PLAIN, line.data, "");
    inlay_cli_buffer_free(&line);
}

/* Whether stdout could be written is seen with the document, which comes last. */
void inlay_cli_console_line(struct json *json)
{
    inlay_cli_buffer_add(&json->text, "\n", 1);
    if (!json->text.failed)
        fwrite(json->text.data, 1, json->text.length, stdout);
    fflush(stdout);
    inlay_cli_json_free(json);
}

static void line_log(const char *target, enum inlay_log_level level, const char *text)
{
    static const char *const names[] = {
        [INLAY_LOG_INFO] = "info", [INLAY_LOG_NOTICE] = "notice", [INLAY_LOG_WARNING] = "warning"};
    struct json json = {0};
    inlay_cli_json_open(&json, NULL, '{');
    inlay_cli_json_text(&json, "event", "log");
    if (target)
        inlay_cli_json_text(&json, "target", target);
    inlay_cli_json_text(&json, "level", names[level]);
    inlay_cli_json_text(&json, "text", text);
    inlay_cli_json_close(&json, '}');
    inlay_cli_console_line(&json);
}

void inlay_cli_console_log(void *user, enum inlay_log_level level, const char *text)
{
    struct console *console = user;
    if (console->once && said_before(console, text))
        return;
    bool warning = level == INLAY_LOG_WARNING;
    if (console->lines)
        line_log(console->target, level, text);
    if (console->json && level != INLAY_LOG_NOTICE)
        inlay_cli_json_text(warning ? &console->warnings : &console->remarks, NULL, text);
    struct buffer safe = {0};
    if (console->target) {
        inlay_cli_buffer_text(&safe, warning ? " " : "");
        inlay_cli_text_escape(&safe, console->target, "");
        inlay_cli_buffer_text(&safe, ":");
    }
    inlay_cli_buffer_text(&safe, warning || console->target ? " " : "");
    inlay_cli_text_escape(&safe, text, "");
    if (!safe.failed)
        inlay_cli_console_say(console, warning ? STYLE_WAIT : STYLE_PLAIN,
                              warning ? "warning:" : "", safe.data);
    inlay_cli_buffer_free(&safe);
}

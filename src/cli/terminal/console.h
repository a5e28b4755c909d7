/* What a verb says on stderr while it runs: log lines, one line for each migration, and on a
 * terminal a line of progress that is redrawn in place. With --migrate-json it also keeps what it
 * said, for the document. */
#ifndef INLAY_CLI_CONSOLE_H
#define INLAY_CLI_CONSOLE_H

#include <inlay.h>

#include "writing/json.h"
#include "writing/style.h"

/* All zero is a console that writes plain lines. */
struct console {
    bool terminal; /* lines can be redrawn */
    bool colour;
    bool drawn; /* a line of progress is on the screen */
    bool once;  /* say each line only once: it comes from a call that is repeated */
    bool json;
    bool lines;                      /* write each event to stdout as it happens */
    const char *target;              /* what the lines are about, of many; or NULL */
    struct buffer said;              /* with `once`: every line, each with its NUL */
    struct json warnings;            /* texts */
    struct json remarks;             /* the library's other lines, less the server's notices */
    struct json steps;               /* what became of each migration */
    bool rehearses;                  /* what each migration did is said */
    struct buffer unrehearsed;       /* names: "003_add_roles, 007_index" */
    size_t applied, undone, skipped; /* a rehearsal: rehearsed, 0, not rehearsed */
    int64_t batch;
    int64_t name_at_ms; /* where nothing is drawn: a migration that runs for so long is named */
};

/* May results on this descriptor have colours? */
bool inlay_cli_console_colour_wanted(int fd);

/* How wide the terminal on this descriptor is; 0: there is none, or it does not say. */
size_t inlay_cli_console_columns(int fd);

void inlay_cli_console_init(struct console *console, bool json, bool lines);
void inlay_cli_console_free(struct console *console);

/* One line for people, already safe for a terminal: `word` in its style, then the rest. */
void inlay_cli_console_say(struct console *console, enum style style, const char *word,
                           const char *rest);

/* Lines as they are. */
void inlay_cli_console_write(struct console *console, const char *text, size_t length);

/* Columns that a line of progress may take; without a terminal as many as it likes. */
size_t inlay_cli_console_room(const struct console *console);

/* Draws the line of progress, cut to the terminal; elsewhere nothing. */
void inlay_cli_console_draw(struct console *console, const char *text);

/* Draws the line of progress: "waiting: REASON, 3 s". Not on a terminal: says REASON, once. */
void inlay_cli_console_wait(struct console *console, const char *reason, int64_t elapsed_ms);

/* Writes one line of JSON to stdout, at once. Frees it. */
void inlay_cli_console_line(struct json *json);

/* The library's log; `user` is the console, or a struct that begins with it. */
void inlay_cli_console_log(void *user, enum inlay_log_level level, const char *text);

#endif

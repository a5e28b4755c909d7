/* Text for people: names and server messages made safe for a terminal, and measured. */
#ifndef INLAY_CLI_TEXT_H
#define INLAY_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "writing/buffer.h"

struct inlay_error;
struct inlay_migration;
struct inlay_set;

/* What an invalid sequence decodes to. */
#define TEXT_REPLACEMENT 0xFFFDu

/* Decodes the character at *text and moves *text past it; an invalid byte is TEXT_REPLACEMENT.
 * At most `end - *text` bytes are read, which must be at least one. */
uint32_t inlay_cli_text_next(const char **text, const char *end);

/* Appends one character as UTF-8. */
void inlay_cli_text_encode(struct buffer *out, uint32_t character);

/* Columns of a terminal that the text takes. */
size_t inlay_cli_text_width(const char *text);

/* Appends as much of the text as `columns` hold. */
void inlay_cli_text_cut(struct buffer *out, const char *text, size_t columns);

/* Appends the text in at most so many columns, with "..." in the place of its middle. */
void inlay_cli_text_shorten(struct buffer *out, const char *text, size_t columns);

/* Would it steer a terminal, reorder what is read on it, or not be seen at all? */
bool inlay_cli_text_is_hidden(uint32_t character);

/* Appends the text with hidden characters spelled out (\x1b, \u202e); those in `keep` stay. */
void inlay_cli_text_escape(struct buffer *out, const char *text, const char *keep);

/* "12 ms", "3.4 s", "2 min 5 s", "1 h 20 min". */
void inlay_cli_text_duration(struct buffer *out, int64_t milliseconds);

/* "812 bytes", "1.2 kB", "34.5 MB". */
void inlay_cli_text_bytes(struct buffer *out, int64_t bytes);

/* "1 migration", "3 migrations". */
void inlay_cli_text_count(struct buffer *out, size_t count, const char *noun);

/* What stands in the place of a version where there is none. */
#define TEXT_REPEATABLE "R__"

/* "3 migrations", "3 migrations and 1 repeatable", "2 repeatables". */
void inlay_cli_text_size(struct buffer *out, const struct inlay_set *set);

/* A migration as its file is called, without the ending: "003_add_roles", "R__report". */
void inlay_cli_text_label(struct buffer *out, const struct inlay_migration *migration);

/* The version as its file spells it: "003". */
void inlay_cli_text_version(struct buffer *out, const struct inlay_migration *migration);

/* Can it be undone, not only its row be taken away? */
bool inlay_cli_text_has_down(const struct inlay_migration *migration);

/* "up to date: 3 migrations, the newest is 003_add_roles". */
void inlay_cli_text_up_to_date(struct buffer *out, const struct inlay_set *set);

/* The whole error, lines that end with '\n'. */
void inlay_cli_text_error(struct buffer *out, const struct inlay_error *err);

#endif

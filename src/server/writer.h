/* Writing text for browsers, programs and terminals into an evbuffer. Names in the history can hold
 * anything: every text that is not ours goes through one of the escaping functions. Running out of
 * memory is remembered, not reported at each step: ask `failed` once, at the end. */
#ifndef SERVER_WRITER_H
#define SERVER_WRITER_H

#include <inlay.h>

struct evbuffer;

struct writer {
    struct evbuffer *out;
    bool failed;
};

/* As it is. */
void write_text(struct writer *writer, const char *text);
void write_format(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Invalid UTF-8 becomes U+FFFD. Control characters and those that turn the direction of writing are
 * shown (\x1b, \u202e), except those in `keep`. */
void write_html(struct writer *writer, const char *text, const char *keep);
void write_plain(struct writer *writer, const char *text, const char *keep);

/* A JSON string; null for NULL. */
void write_json(struct writer *writer, const char *text);

/* "12 ms", "1.5 s", "3 min 20 s", "2 h 5 min". */
void write_duration(struct writer *writer, int64_t milliseconds);

/* "007_grow_ticket_state", the version as the file spells it. */
void write_label(struct writer *writer, const struct inlay_migration *migration);
void write_version(struct writer *writer, const struct inlay_migration *migration);

#endif

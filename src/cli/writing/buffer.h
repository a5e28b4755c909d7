/* A growing text in memory. Running out of memory is remembered, not reported at each step: ask
 * `failed` once, at the end. */
#ifndef INLAY_CLI_BUFFER_H
#define INLAY_CLI_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define INLAY_CLI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define INLAY_CLI_PRINTF(text, first)
#endif

/* All zero is an empty one. */
struct buffer {
    char *data; /* NUL-terminated; NULL while nothing was added */
    size_t length;
    size_t capacity;
    bool failed;
};

void inlay_cli_buffer_add(struct buffer *buffer, const char *data, size_t length);
void inlay_cli_buffer_text(struct buffer *buffer, const char *text);
void inlay_cli_buffer_format(struct buffer *buffer, const char *format, ...) INLAY_CLI_PRINTF(2, 3);
void inlay_cli_buffer_clear(struct buffer *buffer);
void inlay_cli_buffer_free(struct buffer *buffer);

#endif

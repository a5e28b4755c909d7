/* Bounded text: building strings in fixed buffers and on the heap. */
#ifndef INLAY_TEXT_H
#define INLAY_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define INLAY_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define INLAY_PRINTF(text, first)
#endif

/* Room for any number and its NUL. */
enum { INLAY_DECIMAL_MAX = 24 };

/* Formats into a buffer; a text that is too long is cut, never inside a UTF-8 character. */
void inlay_text_put(char *buffer, size_t size, const char *format, ...) INLAY_PRINTF(3, 4);
void inlay_text_vput(char *buffer, size_t size, const char *format, va_list arguments)
    INLAY_PRINTF(3, 0);

/* The same, after what the buffer already holds. */
void inlay_text_add(char *buffer, size_t size, const char *format, ...) INLAY_PRINTF(3, 4);

/* The same as "%s" and "%lld" would, many times as fast: for what is done for each migration. */
void inlay_text_set(char *buffer, size_t size, const char *text);
void inlay_text_decimal(int64_t number, char buffer[INLAY_DECIMAL_MAX]);

/* Formats onto the heap; the caller frees. NULL without memory. */
char *inlay_text_new(const char *format, ...) INLAY_PRINTF(1, 2);

/* A copy on the heap of a text that may be NULL (then so is the copy). */
bool inlay_text_copy(const char *text, char **copy);

/* Writes `text` as an SQL literal or identifier, quotes included and doubled; a text that is too
 * long is cut, never inside a UTF-8 character. `size` is 3 at least. */
void inlay_text_quote(char *buffer, size_t size, const char *text, char quote);

/* Length in bytes of the UTF-8 character at `text`, of which `left` bytes exist, or of as much of
 * one as there is; at least 1. */
size_t inlay_text_character(const char *text, size_t left);

/* How many bytes of the text are left when it is cut to `most`, not inside a UTF-8 character. */
size_t inlay_text_fitting(const char *text, size_t most);

/* A decimal number that fits; false for anything else, NULL included. */
bool inlay_text_number(const char *text, int64_t *number);

#endif

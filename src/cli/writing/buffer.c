/* A text in memory that grows. A lack of memory is remembered, and asked for once at the end. */
#include "writing/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is formatted is seldom longer, and otherwise formatted twice. */
#define LIKELY 64

static bool grow(struct buffer *buffer, size_t more)
{
    if (buffer->failed || more < buffer->capacity - buffer->length)
        return !buffer->failed;
    size_t capacity = (buffer->length + more + 1) * 2;
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void inlay_cli_buffer_add(struct buffer *buffer, const char *data, size_t length)
{
    if (!grow(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void inlay_cli_buffer_text(struct buffer *buffer, const char *text)
{
    inlay_cli_buffer_add(buffer, text, strlen(text));
}

void inlay_cli_buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    if (!grow(buffer, LIKELY))
        return;
    size_t room = buffer->capacity - buffer->length;
    va_start(arguments, format);
    int length = vsnprintf(buffer->data + buffer->length, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length >= room && grow(buffer, (size_t)length)) {
        va_start(arguments, format);
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    if (length > 0 && !buffer->failed)
        buffer->length += (size_t)length;
}

void inlay_cli_buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void inlay_cli_buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

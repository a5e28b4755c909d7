/* Builds a text on the heap. A lack of memory is remembered, and asked for once at the end. */
#include "base/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct builder *builder, size_t more)
{
    if (builder->failed || more < builder->size - builder->length)
        return !builder->failed;
    size_t size = (builder->length + more + 1) * 2;
    char *data = realloc(builder->data, size);

    builder->failed = data == NULL;
    if (builder->failed)
        return false;
    builder->data = data;
    builder->size = size;
    return true;
}

void inlay_builder_add(struct builder *builder, const char *text, size_t length)
{
    if (!grow(builder, length))
        return;
    memcpy(builder->data + builder->length, text, length);
    builder->length += length;
    builder->data[builder->length] = '\0';
}

void inlay_builder_text(struct builder *builder, const char *text)
{
    inlay_builder_add(builder, text, strlen(text));
}

void inlay_builder_format(struct builder *builder, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !grow(builder, (size_t)length))
        return;
    va_start(arguments, format);
    vsnprintf(builder->data + builder->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    builder->length += (size_t)length;
}

void inlay_builder_free(struct builder *builder)
{
    free(builder->data);
    *builder = (struct builder){0};
}

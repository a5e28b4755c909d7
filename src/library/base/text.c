/* Builds text in fixed buffers and on the heap, and cuts it between UTF-8 characters. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the first byte of a character promises. */
static size_t promised_length(unsigned char first)
{
    return first < 0xC0u ? 1 : first < 0xE0u ? 2 : first < 0xF0u ? 3 : 4;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0u) == 0x80u;
}

/* vsnprintf cuts between bytes: takes the rest of a split character away again. */
static void drop_split_character(char *buffer, size_t length)
{
    size_t start = length;

    while (start > 0 && length - start < 4) {
        start--;
        if (!continues(buffer[start]))
            break;
    }
    if (start < length && promised_length((unsigned char)buffer[start]) > length - start)
        buffer[start] = '\0';
}

void inlay_text_vput(char *buffer, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(buffer, size, format, arguments);

    if (length < 0)
        buffer[0] = '\0';
    else if ((size_t)length >= size)
        drop_split_character(buffer, size - 1);
}

void inlay_text_put(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    inlay_text_vput(buffer, size, format, arguments);
    va_end(arguments);
}

void inlay_text_set(char *buffer, size_t size, const char *text)
{
    size_t length = inlay_text_fitting(text, size - 1);

    memcpy(buffer, text, length);
    buffer[length] = '\0';
}

/* From its last digit. A negative number has no positive counterpart if it is the lowest. */
void inlay_text_decimal(int64_t number, char buffer[INLAY_DECIMAL_MAX])
{
    char digits[INLAY_DECIMAL_MAX];
    size_t begin = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    digits[--begin] = '\0';
    do {
        digits[--begin] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        digits[--begin] = '-';
    memcpy(buffer, digits + begin, sizeof digits - begin);
}

void inlay_text_add(char *buffer, size_t size, const char *format, ...)
{
    size_t used = strlen(buffer);
    va_list arguments;

    va_start(arguments, format);
    inlay_text_vput(buffer + used, size - used, format, arguments);
    va_end(arguments);
}

/* Measured in a buffer that holds most texts: where there is none the C library measures byte by
 * byte, which takes it many times as long. */
char *inlay_text_new(const char *format, ...)
{
    char buffer[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text == NULL)
        return NULL;
    if ((size_t)length < sizeof buffer)
        return memcpy(text, buffer, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

bool inlay_text_copy(const char *text, char **copy)
{
    *copy = text == NULL ? NULL : inlay_text_new("%s", text);
    return text == NULL || *copy != NULL;
}

void inlay_text_quote(char *buffer, size_t size, const char *text, char quote)
{
    size_t used = 0;

    buffer[used++] = quote;
    while (*text != '\0') {
        size_t length = inlay_text_character(text, strnlen(text, 4));
        bool doubled = *text == quote;
        if (used + doubled + length + 2 > size)
            break;
        if (doubled)
            buffer[used++] = quote;
        memcpy(buffer + used, text, length);
        used += length;
        text += length;
    }
    buffer[used++] = quote;
    buffer[used] = '\0';
}

size_t inlay_text_fitting(const char *text, size_t most)
{
    size_t length = strnlen(text, most);

    while (length > 0 && continues(text[length]))
        length--;
    return length;
}

/* A first byte that no others follow stands alone: it must not take a quote along. */
size_t inlay_text_character(const char *text, size_t left)
{
    size_t most = promised_length((unsigned char)text[0]);
    size_t length = 1;

    while (length < most && length < left && continues(text[length]))
        length++;
    return length;
}

bool inlay_text_number(const char *text, int64_t *number)
{
    char *end;

    if (text == NULL || (text[0] != '-' && !isdigit((unsigned char)text[0])))
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *number = value;
    return true;
}

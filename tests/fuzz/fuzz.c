#include "fuzz.h"

#include <inlay.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "this does not hold: %s\n", what);
    abort();
}

static char *take(struct input *input, size_t length)
{
    char *text = strndup(input->next, length);

    fuzz_require(text != NULL, "there is memory");
    input->next += length;
    input->left -= length;
    return text;
}

char *fuzz_line(struct input *input)
{
    const char *end = input->left > 0 ? memchr(input->next, '\n', input->left) : NULL;
    char *line = take(input, end != NULL ? (size_t)(end - input->next) : input->left);

    if (input->left > 0) {
        input->next++;
        input->left--;
    }
    return line;
}

char *fuzz_rest(struct input *input)
{
    return take(input, input->left);
}

char *fuzz_join(const char *first, ...)
{
    va_list texts;
    char *joined = calloc(1, 1);

    va_start(texts, first);
    for (const char *text = first; text != NULL; text = va_arg(texts, const char *)) {
        joined = realloc(joined, strlen(joined) + strlen(text) + 1);
        fuzz_require(joined != NULL, "there is memory");
        strcat(joined, text);
    }
    va_end(texts);
    return joined;
}

void fuzz_require_secrecy(const char *text)
{
    fuzz_require(strstr(text, FUZZ_SECRET) == NULL, "no message shows a password");
}

void fuzz_require_error(const struct inlay_error *err, int code)
{
    fuzz_require(code < 0 && code == (int)err->code, "an error has the code that is returned");
    fuzz_require(err->message[0] != '\0', "an error has a message");
    fuzz_require(inlay_error_format(err, NULL, 0) < INLAY_ERROR_TEXT_MAX,
                 "any error fits INLAY_ERROR_TEXT_MAX");
}

void fuzz_require_secret_error(const struct inlay_error *err, int code)
{
    char text[INLAY_ERROR_TEXT_MAX];

    fuzz_require_error(err, code);
    inlay_error_format(err, text, sizeof text);
    fuzz_require_secrecy(text);
}

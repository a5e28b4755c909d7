/* Fills the answer of a verb that failed before it called the library. */
#include "words/answer.h"

#include <stdarg.h>
#include <stdio.h>

void inlay_cli_answer_fail(struct answer *answer, enum inlay_code code, const char *format, ...)
{
    answer->code = code;
    answer->error = (struct inlay_error){.code = code, .version = -1};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->error.message, sizeof answer->error.message, format, arguments);
    va_end(arguments);
}

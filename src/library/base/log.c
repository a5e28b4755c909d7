/* Hands log lines and events to the host's callbacks, if it has any. Nothing is printed. */
#include "base/log.h"

void inlay_log(const struct inlay_options *options, enum inlay_log_level level, const char *format,
               ...)
{
    char text[2048];
    va_list arguments;

    if (options->log == NULL)
        return;
    va_start(arguments, format);
    inlay_text_vput(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    options->log(options->user, level, text);
}

void inlay_tell(const struct inlay_options *options, const struct inlay_event *event)
{
    if (options->event != NULL)
        options->event(options->user, event);
}

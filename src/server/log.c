#include "log.h"

#include <event2/buffer.h>
#include <unistd.h>

struct writer log_begin(void)
{
    struct evbuffer *out = evbuffer_new();

    return (struct writer){.out = out, .failed = out == NULL};
}

/* What stderr does not take is lost: there is nobody to tell. */
void log_end(struct writer *line)
{
    if (line->out == NULL)
        return;
    while (evbuffer_get_length(line->out) > 0)
        if (evbuffer_write(line->out, STDERR_FILENO) <= 0)
            break;
    evbuffer_free(line->out);
}

void log_line(const char *prefix, const char *text)
{
    struct writer line = log_begin();

    write_text(&line, prefix);
    write_plain(&line, text, "");
    write_text(&line, "\n");
    log_end(&line);
}

/* Lines on stderr, for whoever runs the server. */
#include "log.h"

#include <unistd.h>

#include "writing/text.h"

/* What stderr does not take is lost: there is no other place for it. */
void log_write(struct buffer *lines)
{
    size_t written = 0;

    while (written < lines->length) {
        ssize_t count = write(STDERR_FILENO, lines->data + written, lines->length - written);
        if (count <= 0)
            break;
        written += (size_t)count;
    }
    inlay_cli_buffer_free(lines);
}

void log_line(const char *prefix, const char *text)
{
    struct buffer line = {0};

    inlay_cli_buffer_text(&line, prefix);
    inlay_cli_text_escape(&line, text, "");
    inlay_cli_buffer_text(&line, "\n");
    log_write(&line);
}

/* Lines on stderr. Several threads write them; each line goes out in one piece, with whatever could
 * steer a terminal made visible. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "writing/buffer.h"

/* Writes what the buffer holds, lines that end with '\n', and frees it. */
void log_write(struct buffer *lines);

void log_line(const char *prefix, const char *text);

#endif

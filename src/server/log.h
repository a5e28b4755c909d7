/* Lines on stderr. Several threads write them; each line goes out in one piece, with whatever could
 * steer a terminal made visible. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "writer.h"

/* A line: begin it, write to it, end it. */
struct writer log_begin(void);
void log_end(struct writer *line);

void log_line(const char *prefix, const char *text);

#endif

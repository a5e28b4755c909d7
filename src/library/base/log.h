/* Telling the host: log lines and events, through the callbacks of the options. */
#ifndef INLAY_LOG_H
#define INLAY_LOG_H

#include "base/text.h"
#include <inlay.h>

void inlay_log(const struct inlay_options *options, enum inlay_log_level level, const char *format,
               ...) INLAY_PRINTF(3, 4);

void inlay_tell(const struct inlay_options *options, const struct inlay_event *event);

#endif

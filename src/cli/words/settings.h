/* The value of --migrate-set: what the head of a file may say, less no-transaction. */
#ifndef INLAY_CLI_SETTINGS_H
#define INLAY_CLI_SETTINGS_H

#include <inlay.h>

/* "lock_timeout=5s isolation=serializable"; false, and why not. */
bool inlay_cli_settings_read(const char *text, struct inlay_options *options, char *why,
                             size_t size);

#endif

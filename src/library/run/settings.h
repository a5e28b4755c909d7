/* What a session is set to while it is ours, and what gives it back after a body. */
#ifndef INLAY_SETTINGS_H
#define INLAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/* DISCARD ALL would drop the lock, and RESET ALL alone does not undo SET ROLE. */
extern const char *const inlay_reset_statements[];
extern const size_t inlay_reset_count;

enum setting_kind {
    SETTING_PLAIN,
    SETTING_TCP,    /* means nothing to a Unix socket */
    SETTING_TIMEOUT /* of another value it may end what is ours */
};

struct own_setting {
    enum setting_kind kind;
    const char *statement;
    const char *name;
    const char *value; /* as pg_settings has it */
};

/* Our own settings; the first inlay_setting_count of them are those that this server takes. */
extern const struct own_setting inlay_own_settings[];
#define INLAY_SETTINGS 10

/* `version` as PQserverVersion has it; `linux`: the server runs there. */
size_t inlay_setting_count(int version, bool on_linux);

#endif

/* What a session is set to while it is ours, and what gives it back after a body. */
#ifndef INLAY_SETTINGS_H
#define INLAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/* DISCARD ALL would drop the lock, and RESET ALL alone does not undo SET ROLE. */
extern const char *const inlay_reset_statements[];
extern const size_t inlay_reset_count;

/* What a text means and what it makes hangs on these, and any client may bring them along. */
#define INLAY_EACH_MEANING(ONE)                                                                    \
    ONE("standard_conforming_strings", "on")                                                       \
    ONE("backslash_quote", "safe_encoding")                                                        \
    ONE("array_nulls", "on")                                                                       \
    ONE("transform_null_equals", "off")                                                            \
    ONE("xmloption", "content")                                                                    \
    ONE("bytea_output", "hex")                                                                     \
    ONE("extra_float_digits", "1")                                                                 \
    ONE("IntervalStyle", "postgres")                                                               \
    ONE("check_function_bodies", "on")                                                             \
    ONE("row_security", "on")
#define INLAY_MEANINGS 10

/* So long a statement of ours waits for a lock before it is tried again, in milliseconds. */
#define INLAY_OWN_LOCK_TIMEOUT "2000"

enum setting_kind {
    SETTING_MEANING, /* one of those */
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

/* Our own settings, the meanings first; the first inlay_setting_count of them are those that this
 * server takes. */
extern const struct own_setting inlay_own_settings[];
#define INLAY_SETTINGS (INLAY_MEANINGS + 10)

/* `version` as PQserverVersion has it; `linux`: the server runs there. */
size_t inlay_setting_count(int version, bool on_linux);

/* Behind a transaction pooler only what lasts as long as the transaction is ours to set: no
 * timeouts, and the same with the meanings. */
extern const char inlay_settings_quiet_sql[];
extern const char inlay_settings_local_sql[];

#endif

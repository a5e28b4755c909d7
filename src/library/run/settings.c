/* The settings that a session gets from us, and the statements that undo what a body has set. */
#include "run/settings.h"

/* RESET ROLE follows because RESET SESSION AUTHORIZATION also forgets a role that ALTER ROLE ...
 * SET role gave this session at its start. The last one is left out while a prepared statement of
 * ours is there. */
const char *const inlay_reset_statements[] = {
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "UNLISTEN *",
    "CLOSE ALL",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
    "DEALLOCATE ALL",
};
const size_t inlay_reset_count = sizeof inlay_reset_statements / sizeof inlay_reset_statements[0];

/* A server whose client is gone must not run on for hours, nor one whose client's whole machine is:
 * TCP alone would take as long to notice (through a Unix socket those settings mean nothing). And
 * no timeout may end what is ours, but for a lock on our tables: that is waited for in short tries,
 * so that it can be said what holds it (held.h). A body has its own back while it runs. The
 * encoding is for a caller's connection: ours has it from the start. The meanings are made where
 * they do not hold already, which is nearly nowhere.
 *
 * Statements of their own, since they go with every migration: the server needs 4 microseconds for
 * each and a tenth of a millisecond for one SELECT that calls set_config for all. */
#define SETTING(kind, name, value)                                                                 \
    {                                                                                              \
        kind, "SET " name " = '" value "'", name, value                                            \
    }

#define MEANING(name, value) SETTING(SETTING_MEANING, name, value),

const struct own_setting inlay_own_settings[INLAY_SETTINGS] = {
    INLAY_EACH_MEANING(MEANING) SETTING(SETTING_PLAIN, "client_encoding", "UTF8"),
    SETTING(SETTING_TCP, "tcp_keepalives_idle", "30"),
    SETTING(SETTING_TCP, "tcp_keepalives_interval", "10"),
    SETTING(SETTING_TCP, "tcp_keepalives_count", "3"),
    SETTING(SETTING_TCP, "tcp_user_timeout", "60000"),
    SETTING(SETTING_TIMEOUT, "lock_timeout", INLAY_OWN_LOCK_TIMEOUT),
    SETTING(SETTING_TIMEOUT, "statement_timeout", "0"),
    SETTING(SETTING_TIMEOUT, "idle_in_transaction_session_timeout", "0"),
    SETTING(SETTING_PLAIN, "idle_session_timeout", "0"),
    SETTING(SETTING_PLAIN, "client_connection_check_interval", "2000"),
};

/* The last two came with PostgreSQL 14; a server that is not on Linux may refuse the very last. */
size_t inlay_setting_count(int version, bool on_linux)
{
    if (version < 140000)
        return INLAY_SETTINGS - 2;
    return on_linux ? INLAY_SETTINGS : INLAY_SETTINGS - 1;
}

#define QUIET                                                                                      \
    "SELECT pg_catalog.set_config('lock_timeout', '" INLAY_OWN_LOCK_TIMEOUT "', true),"            \
    " pg_catalog.set_config('statement_timeout', '0', true)"
#define LOCALLY(name, value) ", pg_catalog.set_config('" name "', '" value "', true)"

const char inlay_settings_quiet_sql[] = QUIET;
const char inlay_settings_local_sql[] = QUIET INLAY_EACH_MEANING(LOCALLY);

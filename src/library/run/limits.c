/* Works out which timeouts a migration runs under: the file's, the caller's, the role's, or
 * ours. */
#include "run/limits.h"
#include "base/error.h"
#include "base/set.h"
#include "history/sql.h"

#include <string.h>

/* As pg_settings has them, and whether the server is spoken to through a Unix socket. */
enum { OWN_NAME, OWN_RESET_VALUE, OWN_SOURCE, OWN_LOCAL };

#define IN_LIST(name, value) name ","
#define BY_NAME "'{" INLAY_EACH_MEANING(IN_LIST) "synchronous_commit,client_encoding}'"

const char inlay_limits_sql[] =
    "SELECT s.name, s.reset_val, s.source, pg_catalog.inet_server_addr() IS NULL"
    " FROM pg_catalog.pg_settings AS s WHERE s.name" EQ "ANY (" BY_NAME "::pg_catalog.text[])"
    " OR s.name OPERATOR(pg_catalog.~) '^(tcp_|client_connection_check_|.*_timeout$)'"
    " OR s.source" EQ "'client'";

/* The server's own default. */
#define DEADLOCK_MS 1000

/* The row about a setting; -1: this server does not have it. */
static int find_row(const PGresult *result, const char *name)
{
    int row = PQntuples(result) - 1;

    while (row >= 0 && strcmp(PQgetvalue(result, row, OWN_NAME), name) != 0)
        row--;
    return row;
}

static const char *reset_value(const PGresult *result, const char *name)
{
    int row = find_row(result, name);

    return row < 0 ? "" : PQgetvalue(result, row, OWN_RESET_VALUE);
}

static int64_t own_timeout(const PGresult *result, const char *name)
{
    int64_t number;

    return inlay_text_number(reset_value(result, name), &number) ? number : INLAY_UNSET;
}

/* A role that is to have none has said so. */
static bool is_set_on_purpose(const PGresult *result, const char *name)
{
    static const char *const sources[] = {"database", "user", "database user", "client"};
    int row = find_row(result, name);

    for (size_t i = 0; row >= 0 && i < sizeof sources / sizeof sources[0]; i++)
        if (strcmp(PQgetvalue(result, row, OWN_SOURCE), sources[i]) == 0)
            return true;
    return false;
}

/* A configuration that is loaded again in the middle of a run may give a timeout another reset
 * value. */
static bool is_undone(const PGresult *result, const struct own_setting *setting)
{
    int row = find_row(result, setting->name);

    if (row < 0 || setting->kind == SETTING_TIMEOUT)
        return true;
    if (setting->kind == SETTING_TCP && PQgetvalue(result, row, OWN_LOCAL)[0] == 't')
        return false;
    return strcmp(PQgetvalue(result, row, OWN_RESET_VALUE), setting->value) != 0;
}

void inlay_limits_read(struct limits *limits, const PGresult *result)
{
    limits->own.statement_timeout_ms = own_timeout(result, "statement_timeout");
    limits->own.lock_timeout_ms = own_timeout(result, "lock_timeout");
    if (limits->own.lock_timeout_ms == 0 && !is_set_on_purpose(result, "lock_timeout"))
        limits->own.lock_timeout_ms = INLAY_UNSET;
    limits->deadlock_ms = own_timeout(result, "deadlock_timeout");
    if (limits->deadlock_ms == INLAY_UNSET)
        limits->deadlock_ms = DEADLOCK_MS;
    limits->asynchronous = limits->options->asynchronous &&
                           strcmp(reset_value(result, "synchronous_commit"), "off") != 0;
    limits->again_count = 0;
    for (size_t i = 0; i < limits->settings; i++)
        if (is_undone(result, &inlay_own_settings[i]))
            limits->again[limits->again_count++] = (unsigned char)i;
}

/* What a migration finds of these is for server, database and role to say: it would mean or make
 * another thing when it comes from another machine. */
const char *const inlay_server_settings[] = {
    "DateStyle",
    "TimeZone",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "timezone_abbreviations",
    "default_tablespace",
    "default_table_access_method",
    "password_encryption",
    "default_toast_compression",
    "default_text_search_config",
};
const size_t inlay_server_setting_count =
    sizeof inlay_server_settings / sizeof inlay_server_settings[0];

static bool is_for_the_server(const char *name)
{
    for (size_t i = 0; i < inlay_server_setting_count; i++)
        if (strcmp(name, inlay_server_settings[i]) == 0)
            return true;
    return false;
}

static void add_statement(const PGresult *result, int row, const char *database, char *text,
                          size_t size)
{
    char quoted[132];
    char value[264];

    inlay_text_quote(quoted, sizeof quoted, database, '"');
    inlay_text_quote(value, sizeof value, PQgetvalue(result, row, OWN_RESET_VALUE), '\'');
    inlay_text_add(text, size, "\nALTER DATABASE %s SET %s = %s;", quoted,
                   PQgetvalue(result, row, OWN_NAME), value);
}

int inlay_limits_refuse_brought(const PGresult *result, const char *database,
                                struct inlay_error *err)
{
    char names[256] = "";
    char statements[512] = "";

    for (int row = 0; row < PQntuples(result); row++) {
        const char *name = PQgetvalue(result, row, OWN_NAME);
        if (strcmp(PQgetvalue(result, row, OWN_SOURCE), "client") != 0 || !is_for_the_server(name))
            continue;
        inlay_text_add(names, sizeof names, "%s%s", names[0] != '\0' ? ", " : "", name);
        add_statement(result, row, database, statements, sizeof statements);
    }
    if (names[0] == '\0')
        return INLAY_OK;
    inlay_error_set(err, INLAY_E_REFUSED,
                    "this connection brings its own %s, so a migration would not do the same from "
                    "every machine",
                    names);
    inlay_text_put(err->hint, sizeof err->hint,
                   "connect without it (PGTZ, PGDATESTYLE, PGOPTIONS, options in the URL); or set "
                   "it for every client:%s",
                   statements);
    return err->code;
}

static struct limit choose(int64_t files, int64_t callers, struct limit otherwise)
{
    if (files != INLAY_UNSET)
        return (struct limit){.ms = files, .whose = "the file's"};
    if (callers != 0)
        return (struct limit){.ms = callers == INLAY_NO_TIMEOUT ? 0 : callers,
                              .whose = "the caller's"};
    return otherwise;
}

static int64_t our_lock_timeout(const struct limits *limits, const struct inlay_script *script)
{
    if (limits->climber == script)
        return limits->rung_ms;
    return limits->once ? INLAY_TRY_MOST_MS : INLAY_TRY_FIRST_MS;
}

struct limit inlay_limit_lock(const struct limits *limits, const struct inlay_script *script)
{
    struct limit own = {.ms = limits->own.lock_timeout_ms, .whose = "the role's"};

    if (own.ms == INLAY_UNSET)
        own = (struct limit){.ms = our_lock_timeout(limits, script), .whose = "inlay's"};
    return choose(inlay_script_settings(script)->lock_timeout_ms, limits->options->lock_timeout_ms,
                  own);
}

struct limit inlay_limit_statement(const struct limits *limits, const struct inlay_script *script)
{
    struct limit own = {.ms = limits->own.statement_timeout_ms, .whose = "the role's"};

    return choose(inlay_script_settings(script)->statement_timeout_ms,
                  limits->options->statement_timeout_ms, own);
}

void inlay_limit_text(int64_t ms, char *buffer, size_t size)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;

    while (ms % units[i].ms != 0)
        i++;
    inlay_text_put(buffer, size, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
}

/* Lists the environment variables, PGHOST and the like, that lead another program such as pg_dump
 * to the server of a session. */
#include "wire/environment.h"

#include <stdlib.h>
#include <string.h>

/* Of several hosts the one that answered, by the address that answered; and the password that it
 * took, wherever that came from. */
static const struct {
    const char *keyword;
    char *(*get)(const PGconn *conn);
} used[] = {
    {"host", PQhost}, {"hostaddr", PQhostaddr}, {"port", PQport},
    {"dbname", PQdb}, {"user", PQuser},         {"password", PQpass},
};

/* The encoding is ours. A service is spelled out in the other values, and would override them. */
static bool is_left_out(const PQconninfoOption *option)
{
    return option->envvar == NULL || strcmp(option->keyword, "client_encoding") == 0 ||
           strcmp(option->keyword, "service") == 0;
}

static const char *value_of(const PGconn *conn, const PQconninfoOption *option)
{
    if (is_left_out(option))
        return "";
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
        if (strcmp(option->keyword, used[i].keyword) == 0)
            return used[i].get(conn);
    return option->val;
}

/* An empty value says what a missing one does. */
static bool add_variables(struct environment *environment, const PGconn *conn,
                          const PQconninfoOption *options)
{
    size_t count = 0;

    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        const char *value = value_of(conn, o);
        if (value == NULL || value[0] == '\0')
            continue;
        environment->variables[count] = inlay_text_new("%s=%s", o->envvar, value);
        if (environment->variables[count++] == NULL)
            return false;
    }
    return true;
}

static size_t count_options(const PQconninfoOption *options)
{
    size_t count = 0;

    while (options != NULL && options[count].keyword != NULL)
        count++;
    return count;
}

int inlay_environment_init(struct environment *environment, const struct session *session,
                           struct inlay_error *err)
{
    PQconninfoOption *options = PQconninfo(session->conn);

    *environment = (struct environment){
        .known = {.server_version = PQserverVersion(session->conn),
                  .database = PQdb(session->conn)},
        .variables = calloc(count_options(options) + 1, sizeof *environment->variables),
    };
    environment->known.environment = environment->variables;
    bool made = options != NULL && environment->variables != NULL &&
                add_variables(environment, session->conn, options);
    PQconninfoFree(options);
    return made ? INLAY_OK : inlay_error_memory(err);
}

void inlay_environment_finish(struct environment *environment)
{
    for (char **variable = environment->variables; variable != NULL && *variable != NULL;
         variable++)
        free(*variable);
    free(environment->variables);
}

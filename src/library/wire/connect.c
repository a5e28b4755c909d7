#include "wire/connect.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/conninfo.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* PQconnectPoll leaves connect_timeout to its caller; ten seconds where nobody set one. */
#define CONNECT_TIMEOUT_MS 10000

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 1000

/* How long a wait goes on before it is worth a line. */
#define QUIET_MS 2000

static PGconn *start_connecting(const struct inlay_options *options)
{
    const char *name = options->application_name;
    const char *info = options->conninfo;
    /* Before dbname stand defaults, which the connection string overrides; behind it what it must
     * not override. A peer that is gone is noticed in a minute instead of two hours; where
     * something is on its way to it keepalives rest, and tcp_user_timeout is what counts. */
    const char *const keywords[] = {
        "keepalives_idle", "keepalives_interval",       "keepalives_count", "tcp_user_timeout",
        "dbname",          "fallback_application_name", "client_encoding",  NULL};
    const char *const values[] = {"30",
                                  "10",
                                  "3",
                                  "60000",
                                  info != NULL && info[0] != '\0' ? info : NULL,
                                  name != NULL ? name : "inlay",
                                  "UTF8",
                                  NULL};

    return PQconnectStartParams(keywords, values, 1);
}

/* False without memory. */
static bool read_connect_timeout(PGconn *conn, int64_t *ms)
{
    PQconninfoOption *options = PQconninfo(conn);
    int64_t seconds = 0;

    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, "connect_timeout") == 0)
            inlay_text_number(o->val, &seconds);
    *ms = seconds > 0 ? seconds * 1000 : CONNECT_TIMEOUT_MS;
    PQconninfoFree(options);
    return options != NULL;
}

/* Drives one attempt; false when it failed, timed out (the connection then says nothing of an
 * error) or was stopped. */
static bool drive(struct session *session, PGconn *conn, int64_t deadline)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int ready = inlay_wire_poll(session, PQsocket(conn), events, deadline);
        if (session->stopping || inlay_clock_ms() >= deadline)
            return false;
        if (ready != 0)
            status = PQconnectPoll(conn);
    }
    return status == PGRES_POLLING_OK;
}

/* In verbose form an error of the server reads "SEVERITY:  SQLSTATE: message" and a line LOCATION:
 * the only way to learn the SQLSTATE of a refused connection. */
static const char *find_sqlstate(const char *text)
{
    for (const char *c = strstr(text, ":  "); c != NULL; c = strstr(c + 1, ":  ")) {
        size_t length = strspn(c + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (length == 5 && c[8] == ':' && c[9] == ' ')
            return c + 3;
    }
    return NULL;
}

/* Copies libpq's text as one line, without SQLSTATE and LOCATION. */
static void describe_failure(const char *text, struct inlay_error *err)
{
    const char *state = find_sqlstate(text);
    const char *end = text + strlen(text);
    const char *location = strstr(text, "\nLOCATION: ");

    if (location != NULL)
        end = location;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    if (state != NULL && state < end) {
        memcpy(err->sqlstate, state, 5);
        inlay_text_put(err->message, sizeof err->message, "%.*s%.*s", (int)(state - text), text,
                       (int)(end - state - 7), state + 7);
    } else {
        inlay_text_put(err->message, sizeof err->message, "%.*s", (int)(end - text), text);
    }
    for (char *c = err->message; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
}

#define IF_STARTING "If it is still starting: --migrate-connect-wait 60"

static const char *connect_advice(const char *conninfo, const struct inlay_error *err)
{
    if (strncmp(err->sqlstate, "28", 2) == 0)
        return "check user, password and pg_hba.conf";
    if (strcmp(err->sqlstate, "3D000") == 0)
        return "create the database first (createdb), or check the name";
    if (err->sqlstate[0] != '\0')
        return "";
    if (conninfo == NULL || conninfo[0] == '\0')
        return "no connection string was given (such as DATABASE_URL), so libpq used its own "
               "defaults; is PostgreSQL running there? " IF_STARTING;
    return "is PostgreSQL running at this host and port? " IF_STARTING;
}

static void explain_failure(PGconn *conn, const char *conninfo, bool timed_out,
                            struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_CONNECTION, "%s", "");
    if (timed_out)
        inlay_text_put(err->message, sizeof err->message,
                       "no answer from the server at %s within the connection timeout",
                       PQhost(conn) != NULL && PQhost(conn)[0] != '\0' ? PQhost(conn) : "its host");
    else
        describe_failure(PQerrorMessage(conn), err);
    inlay_text_put(err->hint, sizeof err->hint, "%s",
                   PQconnectionNeedsPassword(conn) ? "the server wants a password: put it into the "
                                                     "URL, PGPASSWORD or ~/.pgpass"
                                                   : connect_advice(conninfo, err));
}

/* A server that is starting, stopping or full may take us later; everything else that a server
 * says is final. Nothing said: nobody was there. */
static bool may_pass(const PGconn *conn, const struct inlay_error *err)
{
    static const char *const passing[] = {"57P01", "57P02", "57P03", "53300"};

    if (err->sqlstate[0] == '\0')
        return !PQconnectionNeedsPassword(conn);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strcmp(err->sqlstate, passing[i]) == 0)
            return true;
    return false;
}

static bool fail_without_memory(PGconn *conn, struct inlay_error *err)
{
    PQfinish(conn);
    inlay_error_memory(err);
    return false;
}

/* One attempt. Sets session->conn, or fills the error and says whether another may do better. */
static bool attempt_connect(struct session *session, int64_t deadline, bool *again,
                            struct inlay_error *err)
{
    PGconn *conn = start_connecting(session->options);
    int64_t timeout_ms;

    *again = false;
    if (conn == NULL || !read_connect_timeout(conn, &timeout_ms))
        return fail_without_memory(conn, err);
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    int64_t until = inlay_clock_ms() + timeout_ms;
    if (deadline > 0 && deadline < until)
        until = deadline;
    if (PQstatus(conn) != CONNECTION_BAD && drive(session, conn, until)) {
        PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
        session->conn = conn;
        return true;
    }
    explain_failure(conn, session->options->conninfo, PQstatus(conn) != CONNECTION_BAD, err);
    *again = may_pass(conn, err);
    PQfinish(conn);
    return false;
}

int inlay_connect(struct session *session, int64_t wait_ms, struct inlay_error *err)
{
    int64_t begun = inlay_clock_ms();
    int64_t deadline = wait_ms > 0 ? begun + wait_ms : 0;
    int64_t delay = RETRY_FIRST_MS;
    bool told = false;
    bool again;

    if (inlay_conninfo_validate(session->options->conninfo, err) != INLAY_OK)
        return err->code;
    while (!attempt_connect(session, deadline, &again, err)) {
        struct inlay_error ignored;
        if (session->stopping)
            return inlay_error_set(err, INLAY_E_STOPPED, "stopped on request while connecting");
        if (!again || inlay_clock_ms() + delay >= deadline)
            return err->code;
        if (!told && inlay_clock_ms() - begun >= QUIET_MS) {
            inlay_log(session->options, INLAY_LOG_INFO, "waiting for the server: %s", err->message);
            told = true;
        }
        inlay_wire_sleep(session, delay, &ignored);
        delay = delay * 2 < RETRY_MOST_MS ? delay * 2 : RETRY_MOST_MS;
    }
    return INLAY_OK;
}

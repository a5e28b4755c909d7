/* Opens a connection without blocking, and tries again while the server is starting or full, until
 * the time is over. */
#include "wire/connect.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/conninfo.h"
#include "wire/hosts.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* PQconnectPoll leaves connect_timeout to its caller; ten seconds if none is set. */
#define CONNECT_TIMEOUT_MS 10000

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 1000

/* How long a wait lasts before it is worth a line. */
#define QUIET_MS 2000

/* One or more servers, of which libpq takes the first that will do. */
struct attempt {
    struct hosts hosts; /* none: those of the connection string */
    PGconn *conn;
    bool timed_out;
    char silent[256]; /* hosts that did not answer */
};

enum { KEYWORDS = 10 + HOST_PARTS };

/* Before dbname are defaults, which the connection string overrides; after it what it must not
 * override. A peer that is gone is noticed in a minute instead of two hours; where something is on
 * its way to it keepalives rest, and tcp_user_timeout is what counts. */
static PGconn *start_connecting(const struct session *session, const struct hosts *hosts)
{
    const char *name = session->options->application_name;
    const char *info = session->conninfo;
    const char *keywords[KEYWORDS] = {
        "keepalives_idle", "keepalives_interval",       "keepalives_count", "tcp_user_timeout",
        "dbname",          "fallback_application_name", "client_encoding"};
    const char *values[KEYWORDS] = {"30",
                                    "10",
                                    "3",
                                    "60000",
                                    info != NULL && info[0] != '\0' ? info : NULL,
                                    name != NULL ? name : "inlay",
                                    "UTF8"};

    for (size_t part = 0; part < HOST_PARTS; part++) {
        keywords[7 + part] = hosts->count > 0 ? inlay_host_keywords[part] : NULL;
        values[7 + part] = hosts->joined[part];
    }
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

static const char *host_of(const PGconn *conn)
{
    const char *host = PQhost(conn);

    return host != NULL && host[0] != '\0' ? host : "its host";
}

/* The server that libpq asks now: another one has time of its own, as libpq itself gives it. */
static void name_asked(const PGconn *conn, char *asked, size_t size)
{
    const char *address = PQhostaddr(conn);

    inlay_text_put(asked, size, "%s %s %s", PQhost(conn), address != NULL ? address : "",
                   PQport(conn));
}

struct asking {
    char server[512];
    int64_t since;
    bool told; /* that it has not answered yet */
};

static bool is_due(const struct session *session, const PGconn *conn, int64_t timeout_ms,
                   struct asking *asking)
{
    char now[sizeof asking->server];

    name_asked(conn, now, sizeof now);
    if (strcmp(now, asking->server) != 0) {
        memcpy(asking->server, now, sizeof now);
        asking->since = inlay_clock_ms();
        asking->told = false;
    }
    int64_t passed = inlay_clock_ms() - asking->since;
    if (passed >= QUIET_MS && passed < timeout_ms && !asking->told) {
        inlay_log(session->options, INLAY_LOG_INFO, "waiting for an answer of the server at %s",
                  host_of(conn));
        asking->told = true;
    }
    return passed >= timeout_ms;
}

/* Drives the connection; false when it failed, timed out (it then says nothing of an error) or was
 * stopped. */
static bool drive(struct session *session, PGconn *conn, int64_t timeout_ms, int64_t deadline)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    struct asking asking = {.server = ""};

    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (is_due(session, conn, timeout_ms, &asking))
            return false;
        int64_t until = asking.since + timeout_ms;
        until = deadline > 0 && deadline < until ? deadline : until;
        int ready = inlay_wire_poll(session, PQsocket(conn), events, until);
        if (session->stopping || (ready == 0 && inlay_clock_ms() >= until))
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
            *c = *c == '\n' && c[1] == '\t' ? '.' : ' '; /* a question follows, indented */
}

/* TLS that one side refuses will be refused again. The text of libpq is all there is to know it by,
 * in any language; each line is about one host. What broke off in the middle may pass. */
static bool is_tls_refused(const PGconn *conn)
{
    const char *host = PQhost(conn);
    bool refused = false;

    if (host != NULL && strstr(host, "SSL") != NULL)
        return false;
    for (const char *line = PQerrorMessage(conn); *line != '\0';) {
        char text[512];
        size_t length = strcspn(line, "\n");
        inlay_text_put(text, sizeof text, "%.*s", (int)length, line);
        line += length + (line[length] == '\n');
        if (length == 0 || text[0] == '\t')
            continue;
        if ((strstr(text, "SSL") == NULL && strstr(text, "certificate") == NULL) ||
            strstr(text, "SYSCALL") != NULL || strstr(text, "eof") != NULL ||
            strstr(text, "closed") != NULL)
            return false;
        refused = true;
    }
    return refused;
}

/* What libpq cannot use it says before it asks a server, or in the place of one, without a prefix:
 * an sslmode that does not exist, a port out of range, ports of other hosts than there are. */
static bool is_mistaken(const PGconn *conn)
{
    static const char *const beginnings[] = {"invalid ", "could not match ", "weak sslmode "};

    for (const char *line = PQerrorMessage(conn); *line != '\0';
         line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
        for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
            if (strncmp(line, beginnings[i], strlen(beginnings[i])) == 0)
                return true;
    return strstr(PQerrorMessage(conn), "invalid integer value \"") != NULL;
}

#define IF_STARTING "If it is still starting: --migrate-connect-wait 60"

static const char *connect_advice(PGconn *conn, bool elsewhere, const struct inlay_error *err)
{
    if (PQconnectionNeedsPassword(conn))
        return "the server wants a password: put it into the URL, PGPASSWORD or ~/.pgpass";
    if (strcmp(err->sqlstate, "28000") == 0 && PQhost(conn)[0] != '/' && !PQsslInUse(conn))
        return "check user, password and pg_hba.conf; if that wants encryption: sslmode=require in "
               "the connection string";
    if (strncmp(err->sqlstate, "28", 2) == 0)
        return "check user, password and pg_hba.conf";
    if (strcmp(err->sqlstate, "3D000") == 0)
        return "create the database first (createdb), or check the name";
    if (err->sqlstate[0] != '\0')
        return "";
    if (is_tls_refused(conn))
        return "if the server has no TLS: ssl = on there, or sslmode=prefer in the connection "
               "string; if its certificate is not accepted: sslrootcert=FILE with that of the "
               "authority which signed it, and the host name as it has it";
    return elsewhere ? "is PostgreSQL running there? " IF_STARTING
                     : "is PostgreSQL running at this host and port? " IF_STARTING;
}

static bool host_is_asked(const struct inlay_options *options)
{
    return options->conninfo == NULL && options->find_conninfo != NULL;
}

static void explain_failure(PGconn *conn, const struct session *session, bool timed_out,
                            struct inlay_error *err)
{
    const char *conninfo = session->conninfo;

    inlay_error_set(err, INLAY_E_CONNECTION, "%s", "");
    if (timed_out)
        inlay_text_put(err->message, sizeof err->message,
                       "no answer from the server at %s within the connection timeout",
                       host_of(conn));
    else
        describe_failure(PQerrorMessage(conn), err);
    if (!timed_out && err->sqlstate[0] == '\0' && is_mistaken(conn)) {
        err->code = INLAY_E_ARGUMENT;
        inlay_text_put(err->hint, sizeof err->hint,
                       "correct the connection string, or libpq's own variables (PGSSLMODE, ...)");
        return;
    }
    bool defaults = conninfo == NULL || conninfo[0] == '\0';
    const char *advice = connect_advice(conn, defaults, err);
    const char *none = host_is_asked(session->options)
                           ? "options.find_conninfo gave an empty connection string"
                           : "no connection string was given (--migrate-database, "
                             "INLAY_DATABASE_URL or DATABASE_URL; in C options.conninfo)";
    inlay_text_put(err->hint, sizeof err->hint, "%s%s%s%s", defaults ? none : "",
                   defaults ? ", so libpq used its own defaults" : "",
                   defaults && advice[0] != '\0' ? "; " : "", advice);
}

/* A server that is starting, stopping or full may take us later; everything else that a server
 * says is final. Nothing said: no server was there. */
static bool may_pass(const PGconn *conn, const struct inlay_error *err)
{
    static const char *const passing[] = {"57P01", "57P02", "57P03", "53300"};

    if (err->sqlstate[0] == '\0')
        return !PQconnectionNeedsPassword(conn) && !is_tls_refused(conn);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strcmp(err->sqlstate, passing[i]) == 0)
            return true;
    return false;
}

/* Asks the servers that are left. Sets session->conn, or leaves the connection as it ended. */
static bool ask_hosts(struct session *session, struct attempt *attempt, int64_t deadline,
                      struct inlay_error *err)
{
    PGconn *conn = start_connecting(session, &attempt->hosts);
    int64_t timeout_ms;

    attempt->conn = conn;
    if (conn == NULL || !read_connect_timeout(conn, &timeout_ms)) {
        inlay_error_memory(err);
        return false;
    }
    PQsetNoticeReceiver(conn, inlay_wire_hear_notice, session); /* libpq's own writes to stderr */
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    if (PQstatus(conn) != CONNECTION_BAD && drive(session, conn, timeout_ms, deadline)) {
        PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
        session->conn = conn;
        return true;
    }
    attempt->timed_out = PQstatus(conn) != CONNECTION_BAD;
    explain_failure(conn, session, attempt->timed_out, err);
    if (attempt->silent[0] != '\0')
        inlay_text_put(err->detail, sizeof err->detail, "before that, no answer from %s",
                       attempt->silent);
    return false;
}

/* One that accepts and then says nothing is not the last of them. */
static bool turn_to_others(struct attempt *attempt, struct inlay_error *err)
{
    inlay_text_add(attempt->silent, sizeof attempt->silent, "%s%s",
                   attempt->silent[0] != '\0' ? ", " : "", PQhost(attempt->conn));
    enum hosts_left left = inlay_hosts_leave_out(&attempt->hosts, attempt->conn);
    if (left == HOSTS_NO_MEMORY)
        inlay_error_memory(err);
    if (left != HOSTS_LEFT)
        return false;
    PQfinish(attempt->conn);
    attempt->conn = NULL;
    return true;
}

/* The host is asked again each time: what it gave may have expired. What it refused with goes
 * before what it gave. */
static int find_conninfo(struct session *session, struct inlay_error *err)
{
    const struct inlay_options *options = session->options;

    session->conninfo = options->conninfo;
    if (!host_is_asked(options))
        return inlay_conninfo_validate(session->conninfo, err);
    inlay_error_clear(err);
    session->conninfo = options->find_conninfo(options->find_conninfo_user, err);
    if (session->conninfo != NULL && err->message[0] == '\0')
        return inlay_conninfo_validate(session->conninfo, err);
    if (err->message[0] == '\0')
        inlay_error_set(err, INLAY_E_CONNECTION, "options.find_conninfo gave no connection string");
    return err->code = INLAY_E_CONNECTION;
}

/* What is wrong with a string is told to whoever gave it. */
static void name_source(const struct session *session, struct inlay_error *err)
{
    if (err->code == INLAY_E_ARGUMENT && host_is_asked(session->options))
        inlay_text_put(err->context, sizeof err->context, "given by options.find_conninfo");
}

/* One attempt. Sets session->conn, or fills the error and says whether another may do better. */
static bool attempt_connect(struct session *session, int64_t deadline, bool *again,
                            struct inlay_error *err)
{
    struct attempt attempt = {.conn = NULL};

    if (find_conninfo(session, err) != INLAY_OK) {
        *again = err->code == INLAY_E_CONNECTION;
        name_source(session, err);
        return false;
    }
    bool connected = ask_hosts(session, &attempt, deadline, err);
    while (!connected && attempt.timed_out && !session->stopping &&
           (deadline == 0 || inlay_clock_ms() < deadline) && turn_to_others(&attempt, err)) {
        attempt.timed_out = false;
        connected = ask_hosts(session, &attempt, deadline, err);
    }
    *again = !connected && err->code == INLAY_E_CONNECTION && may_pass(attempt.conn, err);
    if (!connected) {
        name_source(session, err);
        PQfinish(attempt.conn);
    }
    inlay_hosts_finish(&attempt.hosts);
    return connected;
}

int inlay_connect(struct session *session, int64_t wait_ms, struct inlay_error *err)
{
    int64_t begun = inlay_clock_ms();
    int64_t deadline = wait_ms > 0 ? inlay_clock_after(wait_ms) : 0;
    int64_t delay = RETRY_FIRST_MS;
    bool told = false;
    bool again;

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

/* Opens a session on a connection of ours or the caller's, and gives it back as it was. */
#include "wire/session.h"
#include "base/clock.h"
#include "wire/connect.h"
#include "wire/query.h"

#include <string.h>

/* For what is asked before anything says how long it may take. */
#define ANSWER_MS 10000

/* libpq tells which receiver stands in a connection but not what it is called with, so a caller's
 * own receiver could not be put back: it stays. The default one takes no argument. */
static PQnoticeReceiver default_receiver(void)
{
    /* An option that does not exist: a connection object that never touches the network. */
    const char *const options[] = {"inlay", NULL};
    PGconn *conn = PQconnectStartParams(options, options, 0);
    PQnoticeReceiver receiver = conn != NULL ? PQsetNoticeReceiver(conn, NULL, NULL) : NULL;

    PQfinish(conn);
    return receiver;
}

static int refuse_connection(const char *what, struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_REFUSED, "the caller's connection %s", what);
    inlay_text_put(err->hint, sizeof err->hint,
                   "hand over an idle connection, or a conninfo for one of our own");
    return err->code;
}

static int adopt_connection(struct session *session, struct inlay_error *err)
{
    PGconn *conn = session->options->connection;

    if (PQstatus(conn) != CONNECTION_OK)
        return refuse_connection("is not connected", err);
    if (PQpipelineStatus(conn) != PQ_PIPELINE_OFF)
        return refuse_connection("is in pipeline mode", err);
    if (PQtransactionStatus(conn) != PQTRANS_IDLE)
        return refuse_connection("is inside a transaction, a COPY or a query", err);
    PQnoticeReceiver silent = default_receiver();
    if (silent == NULL)
        return inlay_error_memory(err);
    session->conn = conn;
    session->was_nonblocking = PQisnonblocking(conn);
    session->receiver = PQsetNoticeReceiver(conn, NULL, NULL) == silent ? silent : NULL;
    return INLAY_OK;
}

/* Names and bodies are UTF-8. Our own connections say so when they begin. */
static int speak_utf8(struct session *session, struct inlay_error *err)
{
    const struct message query = {.sql = "SET client_encoding = 'UTF8'"};
    const char *encoding = PQparameterStatus(session->conn, "client_encoding");
    PGresult *result = NULL;

    if (session->owned || (encoding != NULL && strcmp(encoding, "UTF8") == 0))
        return INLAY_OK;
    if (encoding == NULL) /* each server tells it, and libpq had no room for it */
        return inlay_error_memory(err);
    inlay_text_put(session->encoding, sizeof session->encoding, "%s", encoding);
    int rc = inlay_query_demand(session, &query, 1, &result, INLAY_E_REFUSED, err);
    PQclear(result);
    return rc;
}

static int prepare_session(struct session *session, struct inlay_error *err)
{
    if (session->receiver != NULL)
        PQsetNoticeReceiver(session->conn, inlay_wire_hear_notice, session);
    if (PQserverVersion(session->conn) < 130000) {
        inlay_error_set(err, INLAY_E_REFUSED,
                        "the server is PostgreSQL %d; 13 is the oldest that "
                        "is supported",
                        PQserverVersion(session->conn) / 10000);
        return err->code;
    }
    if (PQsetnonblocking(session->conn, 1) != 0 || !PQenterPipelineMode(session->conn))
        return inlay_error_memory(err);
    return speak_utf8(session, err);
}

int inlay_session_open(struct session *session, const struct inlay_options *options,
                       int64_t wait_ms, struct inlay_error *err)
{
    session->options = options;
    session->owned = options->connection == NULL;
    session->next_tick = inlay_clock_ms() + INLAY_TICK_MS;
    session->answer_ms = ANSWER_MS;
    session->answer_by = INT64_MAX;
    int rc = session->owned ? inlay_connect(session, wait_ms, err) : adopt_connection(session, err);
    return rc == INLAY_OK ? prepare_session(session, err) : rc;
}

bool inlay_session_may_move(const struct session *from)
{
    return from->conn != NULL && from->owned && !from->abandoned && from->cancel == NULL &&
           PQstatus(from->conn) == CONNECTION_OK && PQtransactionStatus(from->conn) == PQTRANS_IDLE;
}

void inlay_session_move(struct session *to, struct session *from,
                        const struct inlay_options *options)
{
    *to = (struct session){.conn = from->conn,
                           .options = options,
                           .conninfo = from->conninfo,
                           .owned = true,
                           .touched = from->touched,
                           .answer_ms = ANSWER_MS,
                           .answer_by = INT64_MAX,
                           .next_tick = inlay_clock_ms() + INLAY_TICK_MS,
                           .tick = to->tick,
                           .tick_context = to->tick_context};
    from->conn = NULL;
    PQsetNoticeReceiver(to->conn, inlay_wire_hear_notice, to);
}

/* What SET has changed since the connection began; where a run was not begun, the encoding alone.
 */
static void give_settings_back(struct session *session)
{
    char sql[64];

    inlay_text_put(sql, sizeof sql, "SET client_encoding = '%s'", session->encoding);
    if (session->touched)
        inlay_query_tidy(session, "RESET ALL");
    else if (session->encoding[0] != '\0')
        inlay_query_tidy(session, sql);
}

/* A caller's connection that was lost stays as it is: there is no session to give back. */
static bool give_back(struct session *session)
{
    if (!session->abandoned)
        give_settings_back(session);
    bool settled = inlay_exchange_settle(session);
    bool left = PQexitPipelineMode(session->conn) == 1;
    bool blocks = PQsetnonblocking(session->conn, session->was_nonblocking) == 0;
    if (session->receiver != NULL)
        PQsetNoticeReceiver(session->conn, session->receiver, NULL);
    return left && blocks && settled && !session->abandoned;
}

bool inlay_session_close(struct session *session)
{
    bool closed = true;

    if (session->conn == NULL)
        return closed;
    if (session->owned)
        PQfinish(session->conn);
    else
        closed = give_back(session);
    session->conn = NULL;
    session->abandoned = false;
    session->in_flight = 0;
    session->heard = false;
    session->unsynced = 0;
    session->unflushed = 0;
    return closed;
}

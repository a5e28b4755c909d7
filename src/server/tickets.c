/* The ticket desk: its four requests, each with its parameters and its one statement. The statement
 * names the columns that it uses, so that it works on a database that a newer binary has migrated:
 * that one only adds columns, as long as older binaries serve. */
#include "tickets.h"
#include "log.h"

#include <event2/http.h>
#include <string.h>
#include <sys/queue.h>

/* ---- the statements ---- */

/* Tickets as they are shown, from a table or a query with the columns of tickets. */
#define SHOWN(from)                                                                                \
    "(SELECT t.id, a.slug AS account, t.subject, t.state, author.email AS author,"                 \
    "        assignee.email AS assignee"                                                           \
    "   FROM " from " AS t"                                                                        \
    "   JOIN accounts AS a ON a.id = t.account_id"                                                 \
    "   JOIN members AS author ON author.id = t.author_id"                                         \
    "   LEFT JOIN members AS assignee ON assignee.id = t.assignee_id) AS shown"

/* Each statement answers with one row: what is wrong with the request, or NULL, and the answer. */

static const char list_sql[] =
    "SELECT NULL, coalesce(json_agg(shown ORDER BY id DESC), '[]') FROM " SHOWN(
        "(SELECT * FROM tickets WHERE state = coalesce($1::ticket_state, state)"
        " ORDER BY id DESC LIMIT 100)");

static const char open_sql[] =
    "WITH author AS (SELECT m.id, m.account_id"
    "                  FROM members AS m JOIN accounts AS a ON a.id = m.account_id"
    "                 WHERE a.slug = $1 AND m.email = $2),"
    " opened AS (INSERT INTO tickets (account_id, author_id, subject)"
    "            SELECT account_id, id, $3 FROM author RETURNING *)"
    " SELECT CASE WHEN NOT EXISTS (SELECT FROM author) THEN 'no such author in the account' END,"
    "        (SELECT row_to_json(shown) FROM " SHOWN("opened") ")";

/* Locked before it is looked at: what is decided holds when the UPDATE comes to it. */
#define FOUND "WITH found AS (SELECT * FROM tickets WHERE id = $1::bigint FOR UPDATE)"
#define FOUND_IS_WRONG                                                                             \
    " WHEN NOT EXISTS (SELECT FROM found) THEN 'no such ticket'"                                   \
    " WHEN (SELECT state FROM found) = 'closed' THEN 'the ticket is closed'"

static const char assign_sql[] =
    FOUND ", member AS (SELECT m.id FROM members AS m JOIN found USING (account_id)"
          "              WHERE m.email = $2),"
          " assigned AS (UPDATE tickets AS t SET assignee_id = member.id FROM found, member"
          "               WHERE t.id = found.id AND found.state <> 'closed' RETURNING t.*)"
          " SELECT CASE" FOUND_IS_WRONG
          "        WHEN NOT EXISTS (SELECT FROM member) THEN 'no such assignee in the account' END,"
          "        (SELECT row_to_json(shown) FROM " SHOWN("assigned") ")";

static const char close_sql[] =
    FOUND ", closed AS (UPDATE tickets AS t SET state = 'closed' FROM found"
          "              WHERE t.id = found.id AND found.state <> 'closed' RETURNING t.*)"
          " SELECT CASE" FOUND_IS_WRONG " END,"
          "        (SELECT row_to_json(shown) FROM " SHOWN("closed") ")";

static const struct verdict refusals[] = {
    {HTTP_NOTFOUND, "no such ticket", NULL},
    {409, "the ticket is closed", NULL},
    {HTTP_BADREQUEST, "no such author in the account", NULL},
    {HTTP_BADREQUEST, "no such assignee in the account", NULL},
};

/* ---- the requests ---- */

enum { PARAMETERS_MOST = 3, VALUE_MOST_BYTES = 200 };

struct action {
    enum evhttp_cmd_type method;
    int done;         /* the status if it was done */
    const char *verb; /* of /tickets/ID/VERB; NULL: /tickets */
    const char *sql;
    const char *parameters[PARAMETERS_MOST]; /* in the order of the statement, after the ID */
    bool optional;                           /* all of them */
};

static const struct action actions[] = {
    {EVHTTP_REQ_GET, HTTP_OK, NULL, list_sql, {"state"}, true},
    {EVHTTP_REQ_POST, 201, NULL, open_sql, {"account", "author", "subject"}, false},
    {EVHTTP_REQ_POST, HTTP_OK, "assign", assign_sql, {"assignee"}, false},
    {EVHTTP_REQ_POST, HTTP_OK, "close", close_sql, {NULL}, false},
};

static const struct verdict fine = {HTTP_OK, NULL, NULL};

static struct verdict bad(const char *error, const char *parameter)
{
    return (struct verdict){HTTP_BADREQUEST, error, parameter};
}

#define TICKETS "/tickets"

bool ticket_has(const char *path)
{
    size_t length = strlen(TICKETS);

    return strncmp(path, TICKETS, length) == 0 && strchr("/", path[length]) != NULL;
}

/* Takes the ID out of "/tickets/ID/VERB"; returns the verb, NULL for "/tickets", and "" for what is
 * no path. */
static const char *read_path(struct ticket *ticket, const char *path)
{
    const char *id = path + strlen(TICKETS);
    size_t length;

    if (*id == '\0')
        return NULL;
    id++;
    length = strspn(id, "0123456789");
    if (length == 0 || length >= sizeof ticket->id || id[length] != '/')
        return "";
    memcpy(ticket->id, id, length);
    return id + length + 1;
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static struct verdict find_action(struct ticket *ticket, enum evhttp_cmd_type method,
                                  const char *verb)
{
    struct verdict verdict = {HTTP_NOTFOUND, "no such path", NULL};

    if (method == EVHTTP_REQ_HEAD)
        method = EVHTTP_REQ_GET;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (!is_same(actions[i].verb, verb))
            continue;
        verdict = (struct verdict){HTTP_BADMETHOD, "this method is not allowed here", NULL};
        ticket->action = &actions[i];
        if (actions[i].method == method)
            return fine;
    }
    return verdict;
}

static struct verdict add_value(struct ticket *ticket, const char *name)
{
    const char *value = evhttp_find_header(&ticket->parameters, name);

    if (value == NULL && !ticket->action->optional)
        return bad("a parameter is missing", name);
    if (value != NULL && value[0] == '\0')
        return bad("a parameter is empty", name);
    if (value != NULL && strlen(value) > VALUE_MOST_BYTES)
        return bad("a parameter is too long", name);
    ticket->job.values[ticket->job.value_count++] = value;
    return fine;
}

static size_t count_given(const struct ticket *ticket)
{
    const struct evkeyval *given;
    size_t count = 0;

    TAILQ_FOREACH(given, &ticket->parameters, next)
    count++;
    return count;
}

/* What is not asked for, or twice, is a mistake that the client should hear of. */
static struct verdict add_values(struct ticket *ticket)
{
    size_t known = 0;

    if (ticket->id[0] != '\0')
        ticket->job.values[ticket->job.value_count++] = ticket->id;
    for (size_t i = 0; i < PARAMETERS_MOST && ticket->action->parameters[i] != NULL; i++) {
        struct verdict verdict = add_value(ticket, ticket->action->parameters[i]);
        if (verdict.status != HTTP_OK)
            return verdict;
        known += ticket->job.values[ticket->job.value_count - 1] != NULL;
    }
    return known == count_given(ticket) ? fine
                                        : bad("a parameter is unknown, or there twice", NULL);
}

struct verdict ticket_read(struct ticket *ticket, enum evhttp_cmd_type method, const char *path,
                           const char *parameters)
{
    memset(ticket, 0, sizeof *ticket);
    TAILQ_INIT(&ticket->parameters);
    struct verdict verdict = find_action(ticket, method, read_path(ticket, path));

    if (verdict.status != HTTP_OK)
        return verdict;
    /* libevent would end the value there. */
    if (parameters != NULL && strstr(parameters, "%00") != NULL)
        return bad("a parameter is not text", NULL);
    if (parameters != NULL && parameters[0] != '\0' &&
        evhttp_parse_query_str(parameters, &ticket->parameters) != 0)
        return bad("parameters are sent as name=value&name=value", NULL);
    ticket->job.sql = ticket->action->sql;
    return add_values(ticket);
}

const char *ticket_methods(const struct ticket *ticket)
{
    return ticket->action->verb == NULL ? "GET, HEAD, POST" : "POST";
}

void ticket_finish(struct ticket *ticket)
{
    evhttp_clear_headers(&ticket->parameters);
}

/* ---- the answers ---- */

/* What the server says goes to the log; to the client, what it can do about it. */
static struct verdict of_failure(const PGresult *result)
{
    static const char passing[][3] = {
        "08", /* the connection */
        "25", /* a server that is read-only now */
        "40", /* deadlocks, serialization */
        "53", /* out of memory, disk, connections */
        "55", /* a lock that was not to be had */
        "57", /* shutdown, the statement timeout */
    };
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (state != NULL && strncmp(state, "22", 2) == 0)
        return bad("a parameter has a value that is not possible", NULL);
    log_line("tickets: ", text != NULL ? text : PQresultErrorMessage(result));
    for (size_t i = 0; state != NULL && i < sizeof passing / sizeof passing[0]; i++)
        if (strncmp(state, passing[i], 2) == 0)
            return (struct verdict){HTTP_SERVUNAVAIL, "the database is busy, or away", NULL};
    return (struct verdict){HTTP_INTERNAL, "this did not work; the server's log says why", NULL};
}

struct verdict ticket_answer(const struct ticket *ticket, struct buffer *body)
{
    const PGresult *result = ticket->job.result;

    if (result == NULL)
        return (struct verdict){HTTP_SERVUNAVAIL, "the database does not answer", NULL};
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return of_failure(result);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(PQgetvalue(result, 0, 0), refusals[i].error) == 0)
            return refusals[i];
    inlay_cli_buffer_text(body, PQgetvalue(result, 0, 1));
    inlay_cli_buffer_text(body, "\n");
    return (struct verdict){ticket->action->done, NULL, NULL};
}

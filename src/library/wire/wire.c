/* Every wait of the library: for the server, for the request to stop, for time to pass. And what
 * the server says unasked meanwhile. */
#include "wire/wire.h"
#include "base/clock.h"
#include "base/log.h"

#include <poll.h>

static void run_tick(struct session *session)
{
    int64_t now = inlay_clock_ms();

    if (now < session->next_tick)
        return;
    session->next_tick = now + INLAY_TICK_MS;
    if (session->tick != NULL)
        session->tick(session->tick_context);
}

int inlay_wire_poll(struct session *session, int socket, short events, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = socket, .events = events}, {.fd = -1, .events = POLLIN}};
    int64_t now = inlay_clock_ms();
    int64_t until = deadline < session->next_tick ? deadline : session->next_tick;

    if (session->options->stop_fd > 0 && !session->stopping && !session->deaf)
        fds[1].fd = session->options->stop_fd;
    poll(fds, 2, until > now ? (int)(until - now) : 0);
    if ((fds[1].revents & POLLNVAL) != 0) {
        session->deaf = true;
        inlay_log(session->options, INLAY_LOG_WARNING,
                  "options.stop_fd was closed during the call, which cannot be stopped any more");
    } else if (fds[1].revents != 0) {
        session->stopping = true;
        session->stopped_at = inlay_clock_ms();
    }
    run_tick(session);
    return fds[0].revents;
}

int inlay_wire_stopped(struct inlay_error *err)
{
    return inlay_error_set(err, INLAY_E_STOPPED, "stopped on request");
}

int inlay_wire_sleep(struct session *session, int64_t ms, struct inlay_error *err)
{
    int64_t deadline = inlay_clock_ms() + ms;

    while (!session->stopping && inlay_clock_ms() < deadline)
        inlay_wire_poll(session, -1, 0, deadline);
    return session->stopping ? inlay_wire_stopped(err) : INLAY_OK;
}

void inlay_wire_hear_notice(void *context, const PGresult *result)
{
    struct session *session = context;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (message == NULL)
        return;
    inlay_log(session->options, INLAY_LOG_NOTICE, "%s%s%s: %s",
              session->label != NULL ? session->label : "", session->label != NULL ? ": " : "",
              severity != NULL ? severity : "NOTICE", message);
}

/* Opening a connection. */
#ifndef INLAY_CONNECT_H
#define INLAY_CONNECT_H

#include "wire/session.h"

/* Sets session->conn; retries for `wait_ms` while no server answers. */
int inlay_connect(struct session *session, int64_t wait_ms, struct inlay_error *err);

/* Waits for the socket (not where it is -1), for stop_fd, or until `deadline`; ticks. Returns the
 * socket's revents. */
int inlay_session_poll(struct session *session, int socket, short events, int64_t deadline);

/* Is this text a connection string that libpq will read as its writer meant it? Refuses what could
 * make an error message quote a password. INLAY_OK or INLAY_E_ARGUMENT. */
int inlay_conninfo_validate(const char *conninfo, struct inlay_error *err);

/* The same, less what only libpq's own messages could quote: whoever shows one asks for the whole
 * first. Spares a start with a complete URL libpq's defaults, for which it looks up the user. */
int inlay_conninfo_validate_sent(const char *conninfo, struct inlay_error *err);

#endif

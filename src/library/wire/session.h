/* Opening a session, on a connection of our own or the caller's, and giving it back. */
#ifndef INLAY_SESSION_H
#define INLAY_SESSION_H

#include "wire/wire.h"

/* Takes the caller's connection or opens one, retrying for `wait_ms` while no server answers.
 * To be closed after a failure too. INLAY_OK, INLAY_E_ARGUMENT, _CONNECTION, _REFUSED,
 * _STOPPED, _MEMORY. */
int inlay_session_open(struct session *session, const struct inlay_options *options,
                       int64_t wait_ms, struct inlay_error *err);

/* Closes our own connection; gives a caller's back as the header promises. False where that could
 * not be done. */
bool inlay_session_close(struct session *session);

#endif

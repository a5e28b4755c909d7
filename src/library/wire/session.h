/* Opening a session, on a connection of our own or the caller's, and giving it back. */
#ifndef INLAY_SESSION_H
#define INLAY_SESSION_H

#include "wire/wire.h"

/* Takes the caller's connection or opens one, retrying for `wait_ms` while no server answers.
 * To be closed after a failure too. INLAY_OK, INLAY_E_ARGUMENT, _CONNECTION, _REFUSED,
 * _STOPPED, _MEMORY. */
int inlay_session_open(struct session *session, const struct inlay_options *options,
                       int64_t wait_ms, struct inlay_error *err);

/* Takes over a connection of ours from a session that is not used any more, for other options; the
 * caller's tick stays. Does `from` have one that is idle and well? */
bool inlay_session_may_move(const struct session *from);
void inlay_session_move(struct session *to, struct session *from,
                        const struct inlay_options *options);

/* Closes our own connection; gives a caller's back as the header promises. False where that could
 * not be done. */
bool inlay_session_close(struct session *session);

#endif

/* Opening a connection. */
#ifndef INLAY_CONNECT_H
#define INLAY_CONNECT_H

#include "wire/wire.h"

/* Sets session->conn; retries for `wait_ms` while no server answers. */
int inlay_connect(struct session *session, int64_t wait_ms, struct inlay_error *err);

#endif

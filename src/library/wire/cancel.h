/* Asking the server to stop what runs. libpq's PQcancel connects again and blocks while it does,
 * for ever if packets are dropped; a connection that is only polled has no other way before
 * libpq 17. So it is called in a thread of its own, which is left alone when its call waits for it
 * no longer. That is why the library is linked with -z nodelete: dlclose must not take the code
 * from under the thread. */
#ifndef INLAY_CANCEL_H
#define INLAY_CANCEL_H

#include <libpq-fe.h>
#include <stdbool.h>

struct cancel;

/* Begins a request; NULL where that is not possible. The caller releases it. */
struct cancel *inlay_cancel_send(PGconn *conn);

/* Has the server taken it, or refused? True for NULL. */
bool inlay_cancel_done(const struct cancel *cancel);

/* Lets go of a request, done or not; NULL is allowed. */
void inlay_cancel_release(struct cancel *cancel);

#endif

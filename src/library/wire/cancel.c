/* Cancels what the server runs for us, in a thread, because libpq's own call blocks. */
#include "wire/cancel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct cancel {
    PGcancel *handle;
    atomic_bool done;
    atomic_int owners; /* the caller and the thread: the last one frees */
};

void inlay_cancel_release(struct cancel *cancel)
{
    if (cancel == NULL || atomic_fetch_sub(&cancel->owners, 1) > 1)
        return;
    PQfreeCancel(cancel->handle);
    free(cancel);
}

bool inlay_cancel_done(const struct cancel *cancel)
{
    return cancel == NULL || atomic_load(&cancel->done);
}

static void *run(void *context)
{
    struct cancel *cancel = context;
    char ignored[256];

    PQcancel(cancel->handle, ignored, sizeof ignored);
    atomic_store(&cancel->done, true);
    inlay_cancel_release(cancel);
    return NULL;
}

/* The host's signals are not for this thread. */
static bool start_thread(struct cancel *cancel)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, run, cancel) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}

struct cancel *inlay_cancel_send(PGconn *conn)
{
    struct cancel *cancel = calloc(1, sizeof *cancel);

    if (cancel == NULL)
        return NULL;
    cancel->handle = PQgetCancel(conn);
    atomic_init(&cancel->owners, 2);
    if (cancel->handle != NULL && start_thread(cancel))
        return cancel;
    atomic_init(&cancel->owners, 1);
    inlay_cancel_release(cancel);
    return NULL;
}

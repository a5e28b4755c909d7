/* Turns SIGINT and SIGTERM into a descriptor that the library waits on, and puts the host's
 * handlers back afterwards. */
#include "terminal/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* A handler reaches nothing but globals. */
static volatile sig_atomic_t seen;
static volatile sig_atomic_t wake_fd;

static void on_signal(int number)
{
    if (seen)
        _exit(128 + number);
    seen = number;
    int saved = errno;
    /* The pipe is empty: one byte never blocks, and if it fails nothing can be said. */
    ssize_t written = write(wake_fd, "", 1);
    (void)written;
    errno = saved;
}

static void take(int number, struct sigaction *before)
{
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&ours.sa_mask);
    sigaction(number, NULL, before);
    if (before->sa_handler != SIG_IGN)
        sigaction(number, &ours, NULL);
}

bool inlay_cli_signals_take(struct signals *signals)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    signals->stop_fd = ends[0];
    signals->wake_fd = ends[1];
    seen = 0;
    wake_fd = ends[1];
    take(SIGINT, &signals->interrupt);
    take(SIGTERM, &signals->terminate);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, &signals->broken_pipe);
    return true;
}

void inlay_cli_signals_release(struct signals *signals)
{
    sigaction(SIGINT, &signals->interrupt, NULL);
    sigaction(SIGTERM, &signals->terminate, NULL);
    sigaction(SIGPIPE, &signals->broken_pipe, NULL);
    close(signals->stop_fd);
    close(signals->wake_fd);
}

int inlay_cli_signals_seen(void)
{
    return seen;
}

bool inlay_cli_signals_sleep(int stop_fd, int64_t milliseconds)
{
    struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
    /* EINTR is the signal itself: the pipe is readable by then. */
    return poll(&stop, 1, (int)milliseconds) != 0 && seen;
}

/* SIGINT, SIGTERM and SIGPIPE while a verb talks to a server. */
#ifndef INLAY_CLI_SIGNALS_H
#define INLAY_CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct signals {
    int stop_fd; /* readable once SIGINT or SIGTERM came */
    int wake_fd;
    struct sigaction interrupt, terminate, broken_pipe; /* what the program had */
};

/* The first SIGINT or SIGTERM makes stop_fd readable, a second one ends the process. A signal that
 * the program was started to ignore (nohup) stays ignored. SIGPIPE is ignored: a reader of our
 * output that goes away must not kill a migration. False, with errno, when there is no pipe. */
bool inlay_cli_signals_take(struct signals *signals);

/* Puts everything back. */
void inlay_cli_signals_release(struct signals *signals);

/* The signal that came since inlay_cli_signals_take, or 0. */
int inlay_cli_signals_seen(void);

/* Sleeps; true when a signal ended the sleep. */
bool inlay_cli_signals_sleep(int stop_fd, int64_t milliseconds);

#endif

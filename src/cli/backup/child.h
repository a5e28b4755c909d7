/* Running another program to its end: no shell, no descriptor of ours but those it is given. */
#ifndef INLAY_CLI_CHILD_H
#define INLAY_CLI_CHILD_H

#include <stdint.h>

#include "writing/buffer.h"

#define ARGUMENTS_MAX 8

struct child {
    const char *path;
    const char *arguments[ARGUMENTS_MAX]; /* argv, ended by NULL */
    char *const *environment;             /* ended by NULL */
    int output;                           /* becomes its stdout */
    int stop_fd;      /* readable: it gets a signal to end, and is soon killed; -1: never */
    int64_t limit_ms; /* after so long it is ended as well; 0: never */
    void (*tick)(void *context, int64_t elapsed_ms); /* a few times a second; or NULL */
    void *context;

    struct buffer errors; /* what it said on stderr; the caller frees */
    int64_t elapsed_ms;
    int status; /* as waitpid gave it */
};

enum child_end {
    CHILD_DONE,    /* it exited with 0 */
    CHILD_FAILED,  /* it exited with another status, or by a signal */
    CHILD_STOPPED, /* stop_fd was readable */
    CHILD_NOT_RUN  /* it could not be started: errno */
};

/* Where a program is, by PATH; false where it is not. */
bool inlay_cli_child_find(const char *name, char *path, size_t size);

/* Runs it. What it has started is ended with it, except on a terminal. When we are killed it gets a
 * signal to end (Linux). */
enum child_end inlay_cli_child_run(struct child *child);

#endif

/* Runs another program and waits for its end, with the descriptors that it is given and without a
 * shell. Knows nothing of pg_dump: backup.c does. */
#include "backup/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "terminal/clock.h"

#define TICK_MS 200

/* After its standard error has ended, it ends itself within moments. */
#define SOON_MS 10

/* How long it may take to end after the signal to end. */
#define PATIENCE_MS 5000

#define ERRORS_MAX 4096

/* Where no limit is set that means anything. */
#define DESCRIPTORS_MAX 65536

bool inlay_cli_child_find(const char *name, char *path, size_t size)
{
    const char *directories = getenv("PATH");
    for (const char *start = directories; start && *start;) {
        size_t length = strcspn(start, ":");
        int written = snprintf(path, size, "%.*s%s%s", (int)length, start, length ? "/" : "", name);
        if (written > 0 && (size_t)written < size && access(path, X_OK) == 0)
            return true;
        start += length + (start[length] == ':');
    }
    return false;
}

/* ---- in the child, between fork and exec: only what is safe in a signal handler ---- */

static void default_unless_ignored(int number)
{
    struct sigaction action;
    sigaction(number, NULL, &action);
    if (action.sa_handler != SIG_IGN)
        signal(number, SIG_DFL);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    default_unless_ignored(SIGINT);
    default_unless_ignored(SIGTERM);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* It must not outlive us: the lock that it works under ends with us. */
static void end_with_parent(pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != parent)
        _exit(127);
}

/* Alone in a group it ends with all that it has started. On a terminal it stays in ours: there it
 * may ask for a password, and the keys reach it. */
static bool is_of_terminal(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool foreground = terminal >= 0 && tcgetpgrp(terminal) == getpgrp();
    if (terminal >= 0)
        close(terminal);
    return foreground;
}

static void become(const struct child *child, int errors, int descriptors, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(child->output, STDOUT_FILENO) < 0 ||
        dup2(errors, STDERR_FILENO) < 0)
        _exit(127);
    for (int fd = STDERR_FILENO + 1; fd < descriptors; fd++)
        close(fd);
    reset_signals();
    end_with_parent(parent);
    if (!is_of_terminal())
        setpgid(0, 0);
    char *arguments[ARGUMENTS_MAX]; /* execve changes none, but its type does not say so */
    memcpy(arguments, child->arguments, sizeof arguments);
    execve(child->path, arguments, child->environment);
    _exit(127);
}

/* ---- in the parent ---- */

static int count_descriptors(void)
{
    long most = sysconf(_SC_OPEN_MAX);
    return most > 0 && most < DESCRIPTORS_MAX ? (int)most : DESCRIPTORS_MAX;
}

/* A signal that comes between fork and exec would run our handler in the child. */
static pid_t start(const struct child *child, int errors)
{
    sigset_t all, before;
    int descriptors = count_descriptors();
    pid_t parent = getpid();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(child, errors, descriptors, parent);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return pid;
}

/* Takes what was said, the beginning of it; false at its end. */
static bool hear(struct child *child, int errors)
{
    char bytes[512];
    ssize_t length = read(errors, bytes, sizeof bytes);
    if (length > 0 && child->errors.length < ERRORS_MAX)
        inlay_cli_buffer_add(&child->errors, bytes, (size_t)length);
    return length > 0 || (length < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Waits for a word, for the order to stop, or for the next tick. */
static void attend(struct child *child, int *errors, bool *stop)
{
    struct pollfd ends[] = {{.fd = *stop ? -1 : child->stop_fd, .events = POLLIN},
                            {.fd = *errors, .events = POLLIN}};
    if (poll(ends, 2, *errors >= 0 ? TICK_MS : SOON_MS) <= 0)
        return;
    *stop |= ends[0].revents != 0;
    if (ends[1].revents && !hear(child, *errors))
        *errors = -1;
}

static void tell(pid_t pid, int number)
{
    if (kill(-pid, number) != 0) /* it has no group of its own */
        kill(pid, number);
}

/* Returns the status of waitpid. */
static int await_end(struct child *child, pid_t pid, int errors, bool *stop)
{
    int64_t began = inlay_cli_clock_ms(), told = 0;
    int status = -1;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        attend(child, &errors, stop);
        child->elapsed_ms = inlay_cli_clock_ms() - began;
        if (child->tick && !*stop)
            child->tick(child->context, child->elapsed_ms);
        bool late = child->limit_ms > 0 && child->elapsed_ms > child->limit_ms;
        if ((*stop || late) && !told) {
            tell(pid, SIGTERM);
            told = inlay_cli_clock_ms();
        } else if (told && inlay_cli_clock_ms() - told > PATIENCE_MS) {
            tell(pid, SIGKILL);
        }
    }
    child->elapsed_ms = inlay_cli_clock_ms() - began;
    while (errors >= 0) {
        struct pollfd end = {.fd = errors, .events = POLLIN};
        if (poll(&end, 1, 0) <= 0 || !hear(child, errors))
            break;
    }
    return status;
}

/* A key that interrupts reaches the child too, and it may be the faster one. */
static bool is_stopped(const struct child *child)
{
    struct pollfd stop = {.fd = child->stop_fd, .events = POLLIN};
    return poll(&stop, 1, TICK_MS) > 0;
}

static enum child_end run_to_end(struct child *child, const int errors[2])
{
    bool stop = false;
    pid_t pid = start(child, errors[1]);
    if (pid < 0)
        return CHILD_NOT_RUN;
    close(errors[1]);
    child->status = await_end(child, pid, errors[0], &stop);
    if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0 && !stop)
        return CHILD_DONE;
    return stop || is_stopped(child) ? CHILD_STOPPED : CHILD_FAILED;
}

/* The program may ignore SIGCHLD, and then we would not learn how it ended. */
enum child_end inlay_cli_child_run(struct child *child)
{
    struct sigaction before, ours = {.sa_handler = SIG_DFL};
    int errors[2];
    if (pipe(errors) != 0)
        return CHILD_NOT_RUN;
    fcntl(errors[0], F_SETFD, FD_CLOEXEC);
    fcntl(errors[1], F_SETFD, FD_CLOEXEC);
    sigemptyset(&ours.sa_mask);
    sigaction(SIGCHLD, &ours, &before);
    enum child_end end = run_to_end(child, errors);
    int saved = errno;
    sigaction(SIGCHLD, &before, NULL);
    if (end == CHILD_NOT_RUN)
        close(errors[1]);
    close(errors[0]);
    errno = saved;
    return end;
}

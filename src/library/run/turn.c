#include "run/turn.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "history/sql.h"

#include <stdlib.h>
#include <string.h>

#define POLL_FIRST_MS 50
#define POLL_MOST_MS 1000
#define TELL_AFTER_MS 2000
#define TELL_AGAIN_MS 30000

struct wait {
    struct run *run;
    int64_t patience_ms;
    int64_t deadline;
    int64_t tell_at;
    size_t rows; /* of the history when the deadline was set */
    struct backoff backoff;
    char holder[256];
};

static struct wait begin_wait(struct run *run)
{
    int64_t now = inlay_clock_ms();
    struct wait wait = {.run = run, .tell_at = now + TELL_AFTER_MS};

    wait.patience_ms = inlay_patience_for_lock(&run->request.options);
    wait.deadline = now + wait.patience_ms;
    wait.rows = run->known.snapshot.history.row_count;
    wait.backoff =
        inlay_backoff_begin(POLL_FIRST_MS, POLL_MOST_MS, now ^ run->known.snapshot.backend_pid);
    return wait;
}

static int give_up_waiting(const struct wait *wait, struct inlay_error *err)
{
    const char *name = wait->run->request.name.text;

    if (wait->patience_ms == 0)
        inlay_error_set(err, INLAY_E_LOCKED,
                        "another process holds the migration lock of %s (--migrate-lock-wait 0)",
                        name);
    else
        inlay_error_set(
            err, INLAY_E_LOCKED,
            "another process holds the migration lock of %s and has applied nothing for %lld s",
            name, (long long)(wait->patience_ms / 1000));
    if (wait->holder[0] != '\0')
        inlay_text_put(err->detail, sizeof err->detail, "the lock is held by %s", wait->holder);
    inlay_text_put(err->hint, sizeof err->hint,
                   "let it finish and run again, or wait longer with --migrate-lock-wait; to end a "
                   "hanging process: SELECT pg_terminate_backend(PID);");
    return err->code;
}

static void tell_holder(struct wait *wait)
{
    const struct run *run = wait->run;
    int64_t now = inlay_clock_ms();

    inlay_text_put(wait->holder, sizeof wait->holder, "%s", run->known.snapshot.holder);
    if (now < wait->tell_at || wait->holder[0] == '\0')
        return;
    inlay_log(&run->request.options, INLAY_LOG_INFO,
              "waiting for the migration lock of %s, held by %s", run->request.name.text,
              wait->holder);
    wait->tell_at = now + TELL_AGAIN_MS;
}

/* One look while somebody else has the lock: what it shows, and how to go on. */
static int consider(struct wait *wait, struct inlay_error *err)
{
    struct run *run = wait->run;

    if (inlay_run_verdict(run, err) != INLAY_OK)
        return err->code;
    tell_holder(wait);
    if (run->known.snapshot.history.row_count != wait->rows) {
        wait->rows = run->known.snapshot.history.row_count;
        wait->deadline = inlay_clock_ms() + wait->patience_ms;
    }
    if (inlay_clock_ms() >= wait->deadline)
        return give_up_waiting(wait, err);
    int64_t delay = inlay_backoff_next(&wait->backoff, wait->deadline - inlay_clock_ms());
    return inlay_wire_sleep(&run->connection.session, delay, err);
}

static int wait_for_lock(struct run *run, struct admission *admission, struct inlay_error *err)
{
    struct wait wait = begin_wait(run);
    int rc = INLAY_OK;

    for (bool first = true; rc == INLAY_OK; first = false) {
        int64_t now = inlay_clock_ms();
        bool ask = now >= wait.tell_at || now >= wait.deadline;
        rc = inlay_run_look_after(run, first ? &admission->before : NULL,
                                  ask ? SNAPSHOT_ASK_HOLDER : SNAPSHOT_TRY_LOCK, err);
        if (rc == INLAY_OK && first)
            rc = inlay_admission_entered(run, admission, err);
        if (rc != INLAY_OK || run->connection.lock.held ||
            inlay_goal_reached(&run->known.plan, &run->request.goal))
            return rc;
        rc = consider(&wait, err);
    }
    return rc;
}

int inlay_turn_wait(struct run *run, struct admission *admission, struct inlay_error *err)
{
    run->report.waiting_since = inlay_clock_ms();
    int rc = wait_for_lock(run, admission, err);
    run->report.waiting_since = 0;
    return rc;
}

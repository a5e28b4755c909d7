/* Waits for the migration lock, looking again each time, until it is ours, the goal is reached by
 * another process or the time is over. */
#include "run/turn.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "history/sql.h"
#include "run/look.h"

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
    char holder[512];
};

static void begin_wait(struct wait *wait)
{
    const struct snapshot *now = &wait->run->known.snapshot;
    int64_t clock = inlay_clock_ms();

    wait->patience_ms = inlay_patience_for_lock(&wait->run->request.options);
    wait->deadline = inlay_clock_after(wait->patience_ms);
    wait->tell_at = clock + TELL_AFTER_MS;
    wait->rows = now->history.row_count;
    wait->backoff = inlay_backoff_begin(POLL_FIRST_MS, POLL_MOST_MS, clock ^ now->backend_pid);
}

static int give_up_waiting(const struct wait *wait, struct inlay_error *err)
{
    const char *name = wait->run->request.name.text;
    const char *pid = wait->run->known.snapshot.holder_pid;

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
                   "let it finish and run again, or wait longer with --migrate-lock-wait; "
                   "--migrate-status shows its statement; to end a hanging process, stop its "
                   "program; if that cannot be reached: SELECT pg_terminate_backend(%s);",
                   pid[0] != '\0' ? pid : "PID");
    return err->code;
}

/* Which process it is, and where: it applies in the order in which we would. */
static void name_holder(struct wait *wait)
{
    const struct knowledge *known = &wait->run->known;
    const struct plan_entry *next = inlay_plan_first(&known->plan, INLAY_STATE_PENDING);

    inlay_text_put(wait->holder, sizeof wait->holder, "%s", known->snapshot.holder);
    if (wait->holder[0] != '\0' && next != NULL)
        inlay_text_add(wait->holder, sizeof wait->holder, "; next to be applied: %s",
                       next->migration->up.path);
}

static void tell_holder(struct wait *wait)
{
    const struct run *run = wait->run;
    int64_t now = inlay_clock_ms();

    name_holder(wait);
    if (now < wait->tell_at || wait->holder[0] == '\0')
        return;
    inlay_log(&run->request.options, INLAY_LOG_INFO,
              "waiting for the migration lock of %s, held by %s", run->request.name.text,
              wait->holder);
    wait->tell_at = now + TELL_AGAIN_MS;
}

/* One look while another process has the lock: what it shows, and how to continue. */
static int consider(struct wait *wait, struct inlay_error *err)
{
    struct run *run = wait->run;

    if (inlay_run_verdict(&run->request, &run->known.plan, err) != INLAY_OK)
        return err->code;
    tell_holder(wait);
    if (run->known.snapshot.history.row_count != wait->rows) {
        wait->rows = run->known.snapshot.history.row_count;
        wait->deadline = inlay_clock_after(wait->patience_ms);
    }
    if (inlay_clock_ms() >= wait->deadline)
        return give_up_waiting(wait, err);
    int64_t delay = inlay_backoff_next(&wait->backoff, wait->deadline - inlay_clock_ms());
    return inlay_wire_sleep(&run->connection.session, delay, err);
}

static int wait_for_lock(struct wait *wait, struct admission *admission, struct inlay_error *err)
{
    struct run *run = wait->run;
    int rc = INLAY_OK;

    begin_wait(wait);
    for (bool first = true; rc == INLAY_OK; first = false) {
        int64_t now = inlay_clock_ms();
        bool ask = now >= wait->tell_at || now >= wait->deadline;
        rc = inlay_run_look(run, first ? &admission->before : NULL,
                            ask ? SNAPSHOT_ASK_HOLDER : SNAPSHOT_TRY_LOCK, err);
        if (rc == INLAY_OK && first)
            rc = inlay_admission_entered(admission, err);
        if (rc != INLAY_OK || run->connection.lock.held ||
            inlay_goal_reached(&run->known.plan, &run->request.goal))
            return rc;
        rc = consider(wait, err);
    }
    return rc;
}

int inlay_turn_wait(struct run *run, struct admission *admission, struct inlay_error *err)
{
    struct wait wait = {.run = run};

    run->report.waiting_since = inlay_clock_ms();
    int rc = wait_for_lock(&wait, admission, err);
    run->report.waiting_since = 0;
    return rc;
}

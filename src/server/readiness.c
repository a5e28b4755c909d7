/* What is known of the database, judged and put into words. */
#include "readiness.h"

#include <inttypes.h>
#include <stdio.h>

#include "writing/text.h"

/* The worker reads the status every few seconds, and a connection without an answer takes it ten
 * more to say so, which is the better reason. An answer that is older than this is none: the
 * database hangs. */
#define STALE_MS 20000

/* How many unknown versions a warning names. */
#define WARNING_VERSIONS 10

static enum condition condition_of(enum inlay_code code)
{
    switch (code) {
    case INLAY_E_CONNECTION:
    case INLAY_E_LOST:
        return CONDITION_UNREACHABLE;
    case INLAY_E_MISMATCH:
        return CONDITION_MISMATCH;
    case INLAY_E_REFUSED:
        return CONDITION_REFUSED;
    case INLAY_E_LOCKED:
        return CONDITION_WAITING;
    default:
        return CONDITION_FAILED;
    }
}

static struct readiness of_error(const struct inlay_error *err)
{
    return (struct readiness){condition_of(err->code), err};
}

static struct readiness of_status(const struct snapshot *now, int64_t clock)
{
    const struct inlay_status *status = now->status;

    if (clock - now->answered_at > STALE_MS)
        return (struct readiness){CONDITION_UNREACHABLE, NULL};
    if (status->verdict.code == INLAY_E_REFUSED && status->read_only)
        return (struct readiness){CONDITION_PENDING, &status->verdict};
    if (status->verdict.code != INLAY_OK)
        return of_error(&status->verdict);
    if (status->pending == 0)
        return (struct readiness){CONDITION_READY, NULL};
    if (now->failure.code == INLAY_OK)
        return (struct readiness){CONDITION_PENDING, NULL};
    if (now->failure.code == INLAY_E_LOST)
        return (struct readiness){CONDITION_FAILED, &now->failure};
    return of_error(&now->failure);
}

struct readiness readiness_of(const struct snapshot *now, int64_t clock)
{
    switch (now->phase) {
    case PHASE_MIGRATING:
        return (struct readiness){CONDITION_MIGRATING, NULL};
    case PHASE_WAITING:
        return (struct readiness){CONDITION_WAITING,
                                  now->trouble.code != INLAY_OK ? &now->trouble : NULL};
    case PHASE_TROUBLE:
        return of_error(&now->trouble);
    case PHASE_KNOWN:
        return of_status(now, clock);
    default:
        return (struct readiness){CONDITION_STARTING, NULL};
    }
}

/* ---- in words ---- */

const char *condition_name(enum condition condition)
{
    static const char *const names[] = {
        "ready",   "starting", "migrating", "waiting", "unreachable",
        "pending", "failed",   "mismatch",  "refused",
    };

    return names[condition];
}

static const char *headline_of(enum condition condition)
{
    static const char *const headlines[] = {
        "ready",
        "starting",
        "migrating",
        "waiting for a lock",
        "cannot reach the database",
        "pending",
        "migrating failed; this server does not try again",
        "history and binary disagree",
        "refused to migrate; this server does not try again",
    };

    return headlines[condition];
}

const char *next_step(const struct snapshot *now, enum condition condition)
{
    static const char *const steps[] = {
        "nothing",
        "wait",
        "wait; it ends by itself, and SIGTERM stops it",
        "wait for the other process; if that hangs, stop it",
        "see that PostgreSQL is up and the connection string leads to it; this server keeps trying",
        "restart this server, or run it with --migrate-only",
        "repair what the log names, build, and deploy again",
        "run it with --migrate-status: the message ends with the ways out",
        "do what the log says, and restart this server",
    };

    if (condition == CONDITION_PENDING && !now->migrates)
        return "run it with --migrate-only";
    if (condition == CONDITION_PENDING && now->status->read_only)
        return "nothing on a standby; else let the database take writes";
    return steps[condition];
}

static void write_progress(struct buffer *out, const struct snapshot *now)
{
    inlay_cli_buffer_format(out, " %zu/%zu", now->index, now->count);
    if (now->running == NULL)
        return;
    inlay_cli_buffer_text(out, ": ");
    inlay_cli_text_label(out, now->running);
}

static void write_pending(struct buffer *out, const struct snapshot *now)
{
    size_t pending = now->status->pending;
    const char *when = !now->migrates           ? "never"
                       : now->status->read_only ? "when the database takes writes"
                                                : "only when it starts";

    inlay_cli_buffer_format(out, ": %zu migration%s, and this server migrates %s", pending,
                            pending == 1 ? "" : "s", when);
}

static void write_newest(struct buffer *out, const struct inlay_set *set)
{
    size_t count = set->migration_count;

    if (count == 0)
        return;
    inlay_cli_buffer_format(out, ": %zu migration%s, the newest is ", count, count == 1 ? "" : "s");
    inlay_cli_text_label(out, inlay_set_migration(set, count - 1));
}

void write_headline(struct buffer *out, const struct snapshot *now,
                    const struct readiness *readiness)
{
    inlay_cli_buffer_text(out, headline_of(readiness->condition));
    if (readiness->condition == CONDITION_MIGRATING)
        write_progress(out, now);
    if (readiness->condition == CONDITION_PENDING)
        write_pending(out, now);
    if (readiness->condition == CONDITION_READY)
        write_newest(out, now->set);
}

struct reason reason_of(const struct snapshot *now, const struct readiness *readiness)
{
    struct reason reason = {""};

    if (readiness->error != NULL)
        inlay_error_format(readiness->error, reason.text, sizeof reason.text);
    else if (readiness->condition == CONDITION_WAITING && now->note[0] != '\0')
        snprintf(reason.text, sizeof reason.text, "%s\n", now->note);
    else if (readiness->condition == CONDITION_UNREACHABLE)
        snprintf(reason.text, sizeof reason.text,
                 "it has not answered for more than %d s; what is known of it is older\n",
                 STALE_MS / 1000);
    return reason;
}

static void write_unknown(struct buffer *out, const struct inlay_status *status)
{
    size_t listed = 0;

    for (size_t i = 0; i < status->entry_count && listed < WARNING_VERSIONS; i++)
        if (inlay_status_at(status, i)->state == INLAY_STATE_UNKNOWN)
            inlay_cli_buffer_format(out, "%s%" PRId64, listed++ > 0 ? ", " : "",
                                    inlay_status_at(status, i)->version);
    if (listed < status->unknown)
        inlay_cli_buffer_text(out, ", ...");
}

void write_warning(struct buffer *out, const struct snapshot *now)
{
    const struct inlay_status *status = now->status;

    if (status == NULL || status->unknown == 0)
        return;
    inlay_cli_buffer_format(out, "the database has %zu version%s that this binary lacks: ",
                            status->unknown, status->unknown == 1 ? "" : "s");
    write_unknown(out, status);
}

void write_readiness(struct buffer *out, const struct snapshot *now,
                     const struct readiness *readiness)
{
    struct reason reason = reason_of(now, readiness);

    write_headline(out, now, readiness);
    inlay_cli_buffer_text(out, "\n");
    inlay_cli_text_escape(out, reason.text, "\n\t");
    if (readiness->condition == CONDITION_READY && now->status->unknown > 0) {
        inlay_cli_buffer_text(out, "warning: ");
        write_warning(out, now);
        inlay_cli_buffer_text(out, "\n");
    }
}

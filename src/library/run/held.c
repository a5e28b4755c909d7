/* Waiting while another session holds tables: how long, and what is said meanwhile. */
#include "run/held.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/patience.h"
#include "history/holders.h"

#include <string.h>

/* So long a lock is waited for before we say what holds it, and then until we say it again. */
#define TELL_HELD_MS 2000
#define TELL_HELD_AGAIN_MS 30000

/* What is asked besides looks takes the server no time; a machine that is busy may need more. */
#define QUESTION_LEAST_MS 10000

/* Statements that wait for ours pass between two tries. */
#define HELD_PAUSE_FIRST_MS 100
#define HELD_PAUSE_MOST_MS 1000

struct held inlay_held_init(struct session *session, const struct request *request,
                            struct report *report)
{
    return (struct held){.session = session, .request = request, .report = report};
}

void inlay_held_begin(struct held *held)
{
    int64_t now = inlay_clock_ms();

    held->deadline = held->read_by;
    if (held->deadline == 0)
        held->deadline = inlay_clock_after(inlay_patience_for_lock(&held->request->options));
    held->tell_at = now + TELL_HELD_MS;
    held->backoff = inlay_backoff_begin(HELD_PAUSE_FIRST_MS, HELD_PAUSE_MOST_MS,
                                        now ^ PQbackendPID(held->session->conn));
}

/* By ourselves, by a timeout of the role, or by another session. */
bool inlay_held_is(const struct inlay_error *err)
{
    return err->code != INLAY_E_LOST &&
           (strcmp(err->sqlstate, "57014") == 0 || strcmp(err->sqlstate, "55P03") == 0);
}

void inlay_held_limit_look(const struct held *held)
{
    int64_t now = inlay_clock_ms();
    int64_t left = held->deadline - now;
    int64_t most = held->tell_at > now + TELL_HELD_MS ? held->tell_at - now : TELL_HELD_MS;

    held->session->answer_ms = left < TELL_HELD_MS ? TELL_HELD_MS : left < most ? left : most;
    held->session->answer_by = held->deadline;
}

void inlay_held_limit_rest(const struct held *held)
{
    bool reads = held->read_by != 0;
    int64_t least = reads ? TELL_HELD_MS : QUESTION_LEAST_MS;
    int64_t left =
        reads ? held->read_by - inlay_clock_ms() : inlay_patience_for_lock(&held->request->options);

    held->session->answer_ms = left > least ? left : least;
    held->session->answer_by = reads ? held->read_by : INT64_MAX;
}

static int give_up_tables(const struct held *held, const char *holders, struct inlay_error *err)
{
    char what[sizeof held->request->name.text + 16];

    inlay_text_put(what, sizeof what, "the history %s", held->request->name.text);
    return inlay_holders_refuse(what, holders, err);
}

static void tell_tables(struct held *held, const char *holders)
{
    int64_t now = inlay_clock_ms();

    if (now < held->tell_at || holders[0] == '\0')
        return;
    inlay_log(&held->request->options, INLAY_LOG_INFO, "waiting for a lock on the history %s: %s",
              held->request->name.text, holders);
    held->tell_at = now + TELL_HELD_AGAIN_MS;
}

/* What waits is no migration that runs. */
static int pause_held(struct held *held, int64_t delay, struct inlay_error *err)
{
    struct report *report = held->report;
    const struct inlay_migration *current = report->current;
    int64_t waiting_since = report->waiting_since;

    report->current = NULL;
    report->waiting_since = waiting_since != 0 ? waiting_since : inlay_clock_ms();
    int rc = inlay_wire_sleep(held->session, delay, err);
    report->current = current;
    report->waiting_since = waiting_since;
    return rc;
}

int inlay_held_wait(struct held *held, struct inlay_error *err)
{
    char holders[sizeof err->detail];
    struct inlay_error own;

    inlay_held_limit_rest(held);
    int rc = inlay_holders_ask(held->session, &held->request->name, holders, sizeof holders, &own);
    if (rc != INLAY_OK)
        return inlay_error_give(rc, &own, err);
    int64_t left = held->deadline - inlay_clock_ms();
    if (left <= 0)
        return give_up_tables(held, holders, err);
    tell_tables(held, holders);
    return pause_held(held, inlay_backoff_next(&held->backoff, left), err);
}

bool inlay_held_again(struct held *held, int *rc, struct inlay_error *err)
{
    if (*rc == INLAY_OK || *rc == INLAY_E_LOST || strcmp(err->sqlstate, "55P03") != 0)
        return false;
    if (held->deadline == 0) { /* one try has waited */
        inlay_held_begin(held);
        held->deadline -= TELL_HELD_MS;
        held->tell_at = 0;
    }
    inlay_query_rollback(held->session);
    *rc = inlay_held_wait(held, err);
    return *rc == INLAY_OK;
}

/* ---- tables that are not ours ---- */

static bool is_held_back(int rc, const struct inlay_error *err)
{
    return rc == INLAY_E_LOCKED && strcmp(err->sqlstate, "55P03") == 0;
}

static int give_up_read(const char *holders, struct inlay_error *err)
{
    char said[sizeof err->message];

    inlay_text_put(said, sizeof said, "%s", err->message);
    inlay_text_put(err->message, sizeof err->message, "a lock on a table was not obtained in time");
    inlay_text_put(err->detail, sizeof err->detail, "%s", holders[0] != '\0' ? holders : said);
    inlay_text_put(err->hint, sizeof err->hint, "%s", inlay_holders_hint);
    return INLAY_E_LOCKED;
}

int inlay_held_read(struct session *session, const struct inlay_options *options,
                    int (*read)(void *context, int64_t lock_ms, struct inlay_error *err),
                    void *context, struct inlay_error *err)
{
    const int64_t most = inlay_patience_to_read(options);
    const int64_t tries[] = {TELL_HELD_MS, most - TELL_HELD_MS};
    char holders[sizeof err->detail] = "";
    struct inlay_error own;

    for (size_t i = 0; i < sizeof tries / sizeof tries[0] && tries[i] > 0; i++) {
        if (i > 0 && holders[0] != '\0')
            inlay_log(options, INLAY_LOG_INFO, "waiting for a lock on a table: %s", holders);
        int rc = read(context, tries[i], err);
        if (!is_held_back(rc, err))
            return rc;
        rc = inlay_holders_ask(session, NULL, holders, sizeof holders, &own);
        if (rc != INLAY_OK)
            return inlay_error_give(rc, &own, err);
    }
    return give_up_read(holders, err);
}

/* Calls the host's callbacks: events, and the questions that the host may answer with no. */
#include "run/report.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "wire/environment.h"

#include <inlay-admin.h>

static struct inlay_event describe_event(const struct report *report, enum inlay_event_kind kind,
                                         int64_t elapsed_ms)
{
    return (struct inlay_event){
        .kind = kind,
        .migration = report->current,
        .index =
            report->applied + report->undone + report->skipped + (report->current != NULL ? 1 : 0),
        .count = report->total,
        .statement = report->current_statement,
        .batch = report->batch,
        .elapsed_ms = elapsed_ms,
        .down = report->current != NULL && report->current_down,
        .recorded = report->current != NULL && report->current_recorded,
        .target = report->target,
        .effects = report->effects,
        .effect_count = report->effect_count,
        .effect_size = sizeof(struct inlay_effect),
    };
}

void inlay_report_tell(struct report *report, enum inlay_event_kind kind, int64_t elapsed_ms)
{
    const struct inlay_event event = describe_event(report, kind, elapsed_ms);

    inlay_tell(report->options, &event);
}

int inlay_report_ask(const struct report *report, inlay_question question,
                     enum inlay_event_kind kind, struct inlay_error *err)
{
    const struct inlay_event event = describe_event(report, kind, 0);
    struct inlay_error own;

    if (question == NULL)
        return INLAY_OK;
    inlay_error_clear(&own);
    int rc = question(report->options->user, &event, &own);
    if (rc == INLAY_OK)
        return INLAY_OK;
    if (own.message[0] == '\0')
        inlay_error_set(&own, INLAY_E_REFUSED, "the program refused to continue");
    own.code = rc == INLAY_E_STOPPED ? INLAY_E_STOPPED : INLAY_E_REFUSED;
    return inlay_error_give(own.code, &own, err);
}

int inlay_report_permit(struct report *report, const struct step *step, struct inlay_error *err)
{
    if (report->options->before_migration == NULL)
        return INLAY_OK;
    report->current = step->migration;
    report->current_down = step->down;
    report->current_statement = 0;
    int rc = inlay_report_ask(report, report->options->before_migration, INLAY_EVENT_STARTED, err);
    report->current = NULL;
    if (rc == INLAY_OK)
        return rc;
    err->version = step->migration->version;
    inlay_error_file(err, report->set, step->script);
    return rc;
}

void inlay_report_started(struct report *report, const struct step *step)
{
    report->current = step->migration;
    report->current_down = step->down;
    report->current_recorded = step->recorded;
    report->current_since = inlay_clock_ms();
    report->current_statement = 0;
    report->session->label = step->script->path;
    inlay_report_tell(report, INLAY_EVENT_STARTED, 0);
}

void inlay_report_applied(struct report *report, int64_t elapsed_ms)
{
    inlay_report_tell(report, INLAY_EVENT_APPLIED, elapsed_ms);
    if (report->current_down) {
        report->undone++;
    } else {
        report->applied++;
        if (report->current->version > report->newest) /* which no repeatable is */
            report->newest = report->current->version;
    }
    report->current = NULL;
    report->session->label = NULL;
}

static int ask_before(struct report *report, const struct step *first, struct inlay_error *err)
{
    struct environment environment = {0};

    if (report->options->before_run == NULL)
        return INLAY_OK;
    int rc = inlay_environment_init(&environment, report->session, err);
    report->current = first != NULL ? first->migration : NULL;
    report->current_down = first != NULL && first->down;
    report->target = &environment.known;
    if (rc == INLAY_OK)
        rc = inlay_report_ask(report, report->options->before_run, INLAY_EVENT_BEGIN, err);
    report->current = NULL;
    report->target = NULL;
    inlay_environment_finish(&environment);
    return rc;
}

/* A run that begins again keeps its number, and is not asked about a second time. */
int inlay_report_announce(struct report *report, const struct step *first, size_t steps,
                          int64_t batch, struct inlay_error *err)
{
    report->total = report->applied + report->undone + report->skipped + steps;
    if (report->batch != 0)
        return INLAY_OK;
    report->batch = batch;
    inlay_report_tell(report, INLAY_EVENT_BEGIN, 0);
    return ask_before(report, first, err);
}

void inlay_report_tick(void *context)
{
    struct report *report = context;
    int64_t now = inlay_clock_ms();

    if (report->current != NULL)
        inlay_report_tell(report, INLAY_EVENT_PROGRESS, now - report->current_since);
    else if (report->waiting_since > 0)
        inlay_report_tell(
            report, report->session->conn != NULL ? INLAY_EVENT_WAITING : INLAY_EVENT_CONNECTING,
            now - report->waiting_since);
}

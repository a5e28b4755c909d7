#include "apply/failure.h"
#include "apply/transaction/retry.h"
#include "plan/repeatable.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <string.h>

/* ---- where ---- */

/* PostgreSQL counts characters from 1 within the statement that it was sent. */
static size_t byte_of_character(const struct inlay_script *script, size_t statement,
                                const char *position)
{
    const struct inlay_statement *s = &script->statements[statement];
    const char *c = script->text + s->offset;
    const char *end = c + s->length;
    int64_t characters;

    if (!inlay_text_number(position, &characters))
        return s->offset;
    while (--characters > 0 && c < end)
        c += inlay_text_character(c, (size_t)(end - c));
    return (size_t)(c - script->text);
}

void inlay_failure_place(const struct inlay_set *set, const struct step *step, size_t statement,
                         const PGresult *result, struct inlay_error *err)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);

    err->version = step->migration->version;
    inlay_error_place(err, set, step->script, byte_of_character(step->script, statement, position));
}

/* ---- what ---- */

/* A row that is written or taken away alone has an empty script. */
static const struct inlay_script *script_of(const struct step *step)
{
    return step->script->path[0] != '\0' ? step->script : &step->migration->up;
}

void inlay_failure_ended(const struct request *request, const struct step *step,
                         struct inlay_error *err)
{
    inlay_error_set(err, INLAY_E_FAILED,
                    "the migration ended its own transaction, or changed its row in %s",
                    request->name.text);
    inlay_error_file(err, request->set, script_of(step));
    inlay_text_put(err->hint, sizeof err->hint,
                   "leave transactions to inlay (no COMMIT or ROLLBACK, in procedures neither) and "
                   "the history alone; what must commit in between belongs into a no-transaction "
                   "file");
}

static void add_context(struct inlay_error *err, const char *what, const char *of)
{
    inlay_text_add(err->context, sizeof err->context, "%s%s%s", err->context[0] != '\0' ? "\n" : "",
                   what, of);
}

void inlay_failure_describe(const struct request *request, const struct step *step,
                            const struct cursor *at, const PGresult *result,
                            struct inlay_error *err)
{
    /* What the seal itself raises. */
    if (at->phase == PHASE_SEAL && inlay_result_has_state(result, "22P02")) {
        inlay_failure_ended(request, step, err);
        return;
    }
    inlay_result_error(result, INLAY_E_FAILED, err);
    switch (at->phase) {
    case PHASE_BODY:
        inlay_failure_place(request->set, step, at->item, result, err);
        return;
    case PHASE_CLAIM:
    case PHASE_SEAL:
    case PHASE_KEEP:
        add_context(err, "while recording the migration in ", request->name.text);
        break;
    case PHASE_CONSTRAINTS:
        add_context(err, "a deferred constraint, checked at the end of the migration", "");
        break;
    default:
        break;
    }
    inlay_error_file(err, request->set, script_of(step));
}

/* The server has one SQLSTATE for this and for a request to cancel, and tells them apart only in
 * its message, which may be in another language. */
void inlay_failure_explain(const struct limits *limits, const struct step *step,
                           struct inlay_error *err)
{
    struct limit limit = inlay_limit_statement(limits, step->script);
    char time[32];

    if (strcmp(err->sqlstate, "57014") != 0 || limit.ms == 0 ||
        strstr(err->message, "user request") != NULL)
        return;
    inlay_limit_text(limit.ms, time, sizeof time);
    inlay_text_put(err->hint, sizeof err->hint,
                   "%s statement_timeout of %s ended this; the file may have its own: "
                   "-- inlay: statement_timeout=TIME",
                   limit.whose, time);
}

/* ---- what is left ---- */

void inlay_failure_outcome(const struct report *report, const struct step *step,
                           struct inlay_error *err)
{
    const char *path = script_of(step)->path;

    err->version = step->migration->version;
    if (err->code == INLAY_E_REFUSED)
        inlay_text_put(err->outcome, sizeof err->outcome, "%s was not run; ", path);
    else
        inlay_text_put(err->outcome, sizeof err->outcome, "%s was rolled back; ", path);
    if (report->undone > 0)
        inlay_text_add(err->outcome, sizeof err->outcome,
                       "what this run undid before it stays undone; ");
    if (report->applied == 0)
        inlay_text_add(err->outcome, sizeof err->outcome, "this run applied no migration");
    else
        inlay_text_add(err->outcome, sizeof err->outcome,
                       "the %zu migration%s applied earlier in this run stay%s applied",
                       report->applied, report->applied == 1 ? "" : "s",
                       report->applied == 1 ? "s" : "");
    if (err->code == INLAY_E_FAILED)
        inlay_text_add(err->outcome, sizeof err->outcome, ". %s",
                       inlay_error_passes(err) ? "Run again" : "Fix the file, rebuild, run again");
}

void inlay_failure_half(const struct step *step, struct inlay_error *err)
{
    long long version = step->migration->version;
    char *outcome = err->outcome;
    size_t size = sizeof err->outcome;

    err->version = version;
    if (step->down)
        inlay_text_put(outcome, size,
                       "%s is PARTLY COMMITTED: it ended its own transaction, so the part before "
                       "that is permanent, and the version still counts as applied. Undo that part "
                       "by hand, or finish it by hand and run --migrate-unmark %lld",
                       step->script->path, version);
    else if (inlay_is_repeatable(step->migration))
        inlay_text_put(outcome, size,
                       "%s is PARTLY COMMITTED: it ended its own transaction, so the part before "
                       "that is permanent; the next run starts it again from the beginning",
                       step->script->path);
    else
        inlay_text_put(outcome, size,
                       "%s is PARTLY COMMITTED: it ended its own transaction, so the part before "
                       "that is permanent, and its history row was removed. Undo that part by "
                       "hand, or finish it by hand and run --migrate-mark %lld",
                       step->script->path, version);
}

void inlay_failure_unknown(const struct step *step, size_t behind, struct inlay_error *err)
{
    const char *path = script_of(step)->path;

    err->version = step->migration->version;
    inlay_text_put(err->outcome, sizeof err->outcome, "%s may or may not be committed", path);
    if (behind > 0)
        inlay_text_add(err->outcome, sizeof err->outcome,
                       " (nor is it known for the %zu sent after it)", behind);
    inlay_text_add(err->outcome, sizeof err->outcome, "%s",
                   step->down ? ". See --migrate-status before you undo more"
                              : ". Run again: the next run reads it from the history");
}

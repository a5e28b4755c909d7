/* Fills the error of a failed migration: place, message, what was kept and what to do. Only words;
 * recover.c decides. */
#include "apply/transaction/failure.h"
#include "history/sql.h"
#include "plan/repeatable.h"
#include "plan/steps.h"
#include "plan/verify.h"
#include "run/limits.h"

#include <string.h>

/* ---- where ---- */

/* PostgreSQL counts characters from 1 within the statement that it was sent, of which `shift` come
 * before ours. */
static size_t byte_of_character(const struct inlay_script *script, size_t statement,
                                const char *position, size_t shift)
{
    const struct inlay_statement *s = inlay_script_statement(script, statement);
    const char *c = script->text + s->offset;
    const char *end = c + s->length;
    int64_t characters;

    if (!inlay_text_number(position, &characters))
        return s->offset;
    characters -= (int64_t)shift;
    while (--characters > 0 && c < end)
        c += inlay_text_character(c, (size_t)(end - c));
    return (size_t)(c - script->text);
}

void inlay_failure_place(const struct inlay_set *set, const struct step *step, size_t statement,
                         const PGresult *result, struct inlay_error *err)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);

    err->version = step->migration->version;
    inlay_error_place(err, set, step->script,
                      byte_of_character(step->script, statement, position, 0));
}

/* "not verified: false" is what we let the server raise. */
void inlay_failure_unverified(const struct inlay_set *set, const struct inlay_migration *migration,
                              size_t statement, const PGresult *result, struct inlay_error *err)
{
    const struct inlay_script *verify = migration->verify;
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    size_t shift = inlay_verify_shift(verify, statement);

    if (inlay_result_quotes(result, RAISED_FALSE)) {
        inlay_error_set(err, INLAY_E_FAILED, "this query of the verify script is %s",
                        inlay_result_quotes(result, RAISED_FALSE "NULL") ? "NULL" : "false");
        position = NULL;
    } else {
        inlay_result_error(result, INLAY_E_FAILED, err);
    }
    err->version = migration->version;
    inlay_error_place(err, set, verify, byte_of_character(verify, statement, position, shift));
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
                   "the history alone; what must commit in between belongs in a no-transaction "
                   "file");
}

bool inlay_failure_unfit(const struct request *request, const struct step *step,
                         const PGresult *result, bool kept, struct inlay_error *err)
{
    struct unfit unfit;

    if (!inlay_shape_unfit(result, &request->name, &unfit))
        return false;
    inlay_error_set(err, INLAY_E_FAILED, "the migration leaves %s unfit: it %s", unfit.quoted,
                    unfit.what);
    inlay_error_file(err, request->set, script_of(step));
    if (kept && unfit.hint[0] != '\0')
        inlay_text_put(err->hint, sizeof err->hint, "%s; then run again", unfit.hint);
    else if (!kept)
        inlay_text_put(err->hint, sizeof err->hint,
                       "leave %s and %s alone, in loops over all tables and in event triggers too",
                       request->name.quoted, request->name.quoted_state);
    return true;
}

static void add_context(struct inlay_error *err, const char *what, const char *of)
{
    inlay_text_add(err->context, sizeof err->context, "%s%s%s", err->context[0] != '\0' ? "\n" : "",
                   what, of);
}

static const char recording[] = "while recording the migration in ";

static const char setting_path[] = "while setting the search_path of --migrate-search-path";

void inlay_failure_search_path(struct inlay_error *err)
{
    if (strcmp(err->sqlstate, "3F000") == 0)
        add_context(err, setting_path, "");
}

/* The claim was written, so what bars the seal from writing is the body's doing. */
static bool is_barred(const struct cursor *at, const PGresult *result, struct inlay_error *err)
{
    bool after = at->phase > PHASE_BODY && at->phase != PHASE_VERIFY;
    bool records = at->phase >= PHASE_SEAL && at->phase <= PHASE_FORGET;

    if (after && inlay_result_has_state(result, "25006")) {
        inlay_error_set(err, INLAY_E_FAILED,
                        "the migration made its transaction read-only: it cannot be recorded");
        inlay_text_put(err->sqlstate, sizeof err->sqlstate, "25006");
        inlay_text_put(err->hint, sizeof err->hint,
                       "take SET transaction_read_only, or what does the same, out of the file");
    } else if (records && inlay_result_has_state(result, "42501")) {
        inlay_error_set(err, INLAY_E_FAILED,
                        "the migration took the right to write inlay's tables from this role");
        inlay_text_put(err->detail, sizeof err->detail, "%s",
                       PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        inlay_text_put(err->hint, sizeof err->hint,
                       "leave their owner, privileges and policies alone");
    } else {
        return false;
    }
    return true;
}

/* An index that is unique by anything but the key. */
static void hint_constraint(const PGresult *result, struct inlay_error *err)
{
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    if (constraint != NULL && inlay_result_has_state(result, "23505"))
        inlay_text_put(err->hint, sizeof err->hint,
                       "inlay's tables take no unique constraint but their keys: drop \"%s\", run "
                       "again",
                       constraint);
}

static bool is_question(const struct step *step, size_t item)
{
    return item >= VERIFY_BEFORE &&
           item < VERIFY_BEFORE + inlay_verify_script(step)->statement_count;
}

void inlay_failure_describe(const struct request *request, const struct step *step,
                            const struct cursor *at, const PGresult *result,
                            struct inlay_error *err)
{
    if (at->phase == PHASE_SEAL && inlay_failure_unfit(request, step, result, false, err))
        return;
    if (is_barred(at, result, err)) {
        inlay_error_file(err, request->set, script_of(step));
        return;
    }
    if (at->phase == PHASE_SEAL && inlay_result_quotes(result, RAISED_ROWS)) {
        inlay_failure_ended(request, step, err);
        return;
    }
    if (at->phase == PHASE_VERIFY && is_question(step, at->item)) {
        inlay_failure_unverified(request->set, step->migration, at->item - VERIFY_BEFORE, result,
                                 err);
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
    case PHASE_FORGET:
        add_context(err, recording, request->name.text);
        hint_constraint(result, err);
        break;
    case PHASE_LIMITS:
        inlay_failure_search_path(err);
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
static const char user_request[] = "user request";

void inlay_failure_explain(const struct limits *limits, const struct inlay_script *script,
                           struct inlay_error *err)
{
    struct limit limit = inlay_limit_statement(limits, script);
    char time[32];

    if (strcmp(err->sqlstate, "57014") != 0 || limit.ms <= 0 ||
        strstr(err->message, user_request) != NULL)
        return;
    inlay_limit_text(limit.ms, time, sizeof time);
    inlay_text_put(err->hint, sizeof err->hint,
                   "%s statement_timeout of %s ended this; the file may have its own: "
                   "-- inlay: statement_timeout=TIME",
                   limit.whose, time);
}

static bool exists_already(const struct inlay_error *err)
{
    static const char *const states[] = {"42P07", "42701", "42710", "42P06", "42723"};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

/* What does not run in a transaction, inside of DO or a function: there the build cannot see it. */
static void hint_transaction(struct inlay_error *err)
{
    if (strcmp(err->sqlstate, "25001") == 0)
        inlay_text_put(err->hint, sizeof err->hint,
                       "write the statement itself, not in DO or a function, into a file of its "
                       "own with '-- inlay: no-transaction' at the top");
    else if (strcmp(err->sqlstate, "2D000") == 0)
        inlay_text_put(err->hint, sizeof err->hint,
                       "what commits by itself needs a file of its own with "
                       "'-- inlay: no-transaction' at the top; a file that is applied elsewhere "
                       "is not edited: embed it with --no-transaction FILE");
}

void inlay_failure_advise(const struct knowledge *known, const struct step *step,
                          struct inlay_error *err)
{
    if (err->line == 0 || err->hint[0] != '\0')
        return;
    hint_transaction(err);
    if (step->down || inlay_is_repeatable(step->migration) || !exists_already(err))
        return;
    if (known->snapshot.history.row_count == 0)
        inlay_text_put(err->hint, sizeof err->hint,
                       "if this schema was there before inlay: --migrate-baseline VERSION records "
                       "all versions up to that one without running them");
    else
        inlay_text_put(err->hint, sizeof err->hint,
                       "if the database already has all that this file makes: --migrate-mark %lld "
                       "records it without running it",
                       (long long)step->migration->version);
}

/* ---- what is left ---- */

/* What is to be done about it; not always to the file. */
static const char *way_on(const struct inlay_error *err)
{
    static const char *const servers[] = {"53", "58", "XX"}; /* classes */

    if (err->code == INLAY_E_LOCKED)
        return "Run again";
    if (strstr(err->context, recording) != NULL)
        return "The history table is at fault, not the file: repair it, run again";
    if (strstr(err->context, setting_path) != NULL)
        return "CREATE SCHEMA, or name another; run again";
    if (strcmp(err->sqlstate, "42501") == 0)
        return "Give the role that right, or fix the file and rebuild; run again";
    if (strcmp(err->sqlstate, "57014") == 0 && strstr(err->message, user_request) != NULL)
        return "Run again";
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        if (strncmp(err->sqlstate, servers[i], 2) == 0)
            return "This may be the server's fault and not the file's: see its log, run again";
    return "Fix the file, rebuild, run again";
}

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
    if (err->code == INLAY_E_LOCKED || err->code == INLAY_E_FAILED)
        inlay_text_add(err->outcome, sizeof err->outcome, ". %s", way_on(err));
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

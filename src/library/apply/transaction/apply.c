#include "apply/transaction/apply.h"
#include "apply/transaction/in_c.h"
#include "apply/transaction/recover.h"
#include "plan/steps.h"
#include "run/limits.h"

/* Of more migrations than so many the seal is prepared. */
#define FEW 16

/* A migration in C ends the pipeline: it is called between the claim and what follows a body. */
static int converse_with_function(struct apply *apply)
{
    const struct step *step = inlay_apply_current(apply);
    int rc = inlay_conversation_hold(apply, PHASE_CONSTRAINTS);

    if (rc == INLAY_OK) {
        rc = inlay_in_c_run(&apply->run->connection.session, step->script->function, apply->err);
        if (rc == INLAY_E_FAILED) {
            apply->outcome = rc;
            inlay_error_file(apply->err, apply->run->request.set, step->script);
        }
    }
    return rc == INLAY_OK ? inlay_conversation_hold(apply, PHASE_COUNT) : rc;
}

static int converse(struct apply *apply)
{
    int rc = inlay_apply_current(apply)->script->function != NULL
                 ? converse_with_function(apply)
                 : inlay_conversation_hold(apply, PHASE_COUNT);
    bool open = apply->reader.step < apply->count;

    if (rc != INLAY_OK && open)
        rc = inlay_recover(apply, rc);
    else if (rc != INLAY_E_STOPPED && apply->envelope.unlocks)
        rc = INLAY_OK; /* the end: all is committed and heard, but for the unlock perhaps */
    apply->run->report.current = NULL;
    apply->run->connection.session.label = NULL;
    return rc;
}

/* To parse and plan the seal is half of what a small migration costs the server beside its body:
 * it is prepared where there are many. The last of them goes without, and leaves nothing
 * prepared. */
static size_t count_sealed(const struct apply *apply)
{
    size_t first = apply->reader.step;
    size_t end = first;

    if (apply->plainly || apply->course.bare)
        return first;
    while (end < apply->count && inlay_messages_can_prepare(&apply->course.steps[end]))
        end++;
    return end - first > FEW ? end - 1 : first;
}

/* Begins with the first step that is not committed. */
static void begin_conversation(struct apply *apply)
{
    apply->course.first = apply->reader.step;
    apply->course.sealed = count_sealed(apply);
    apply->sender = apply->reader = (struct cursor){.step = apply->reader.step};
    apply->started = apply->reader.step;
    apply->bytes = 0;
    apply->full = false;
    apply->claim_xid[0] = '\0';
    apply->trips = false;
    apply->outcome = INLAY_OK;
    inlay_envelope_begin(&apply->envelope);
}

static bool has_statement_timeout(const struct run *run, const struct stretch *stretch)
{
    for (size_t i = 0; i < stretch->count; i++)
        if (inlay_limit_statement(&run->connection.limits, stretch->steps[i].script).ms != 0)
            return true;
    return false;
}

int inlay_apply(struct run *run, const struct stretch *stretch, struct inlay_error *err)
{
    struct apply apply = {
        .exchange = inlay_conversation,
        .run = run,
        .course = {.steps = stretch->steps,
                   .again = run->connection.limits.again_count,
                   .limits = has_statement_timeout(run, stretch) ? 2 : 1,
                   .bare = run->request.options.pooler == INLAY_POOLER_TRANSACTION,
                   .asynchronous = run->connection.limits.asynchronous ? stretch->count - 1 : 0},
        .count = stretch->count,
        .err = err,
    };
    int rc = inlay_messages_init(&apply.messages, run) ? INLAY_OK : inlay_error_memory(err);

    if (rc == INLAY_OK)
        rc =
            inlay_envelope_init(&apply.envelope, run, stretch->makes_tables, stretch->unlocks, err);
    while (rc == INLAY_OK && apply.reader.step < stretch->count) {
        begin_conversation(&apply);
        rc = converse(&apply);
    }
    inlay_envelope_finish(&apply.envelope);
    inlay_messages_finish(&apply.messages);
    return rc;
}

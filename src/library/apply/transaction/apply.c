/* Runs a stretch of transactional migrations: one conversation after another until all are
 * committed or one fails for good. */
#include "apply/transaction/apply.h"
#include "apply/transaction/in_c.h"
#include "apply/transaction/recover.h"
#include "plan/steps.h"
#include "run/limits.h"

#include <string.h>

/* Of more migrations than so many the seal is prepared. */
#define FEW 4

/* A migration in C ends the pipeline: it is called between the claim and what follows a body. */
static int converse_with_function(struct apply *apply)
{
    const struct step *step = inlay_apply_current(apply);
    int rc = inlay_conversation_hold(apply, PHASE_CONSTRAINTS);

    if (rc == INLAY_OK) {
        rc = inlay_in_c_run(&apply->run->connection.session, apply->run->request.set, step->script,
                            apply->err);
        if (rc == INLAY_E_FAILED)
            apply->outcome = rc;
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

/* Few: the first of them has the seal that was prepared ahead, if it is one that it fits. No later
 * one has it. */
static bool take_seal_ahead(struct apply *apply)
{
    const struct snapshot *now = &apply->run->known.snapshot;
    const struct step *first = inlay_apply_current(apply);
    bool ready = apply->run->connection.seal_ready && apply->course.sealed == apply->course.first;

    apply->run->connection.seal_ready = false;
    return ready && inlay_messages_can_prepare(first) && first->script->function == NULL &&
           strcmp(now->history_shape.owner, now->state_shape.owner) == 0;
}

/* Begins with the first step that is not committed. */
static void begin_conversation(struct apply *apply)
{
    apply->course.first = apply->reader.step;
    apply->course.sealed = count_sealed(apply);
    apply->course.ahead = take_seal_ahead(apply);
    apply->course.sealed += apply->course.ahead;
    apply->sender = apply->reader = (struct cursor){.step = apply->reader.step};
    apply->started = apply->reader.step;
    apply->bytes = 0;
    apply->full = false;
    apply->claim_xid[0] = '\0';
    apply->trips = false;
    apply->outcome = INLAY_OK;
    inlay_envelope_begin(&apply->envelope);
}

static bool has_statement_timeout(const struct limits *limits, const struct stretch *stretch)
{
    for (size_t i = 0; i < stretch->count; i++)
        if (inlay_limit_statement(limits, stretch->steps[i].script).ms != 0)
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
                   .limits = has_statement_timeout(&run->connection.limits, stretch) ? 2 : 1,
                   .search_path = run->request.options.search_path != NULL,
                   .bare = run->request.options.pooler == INLAY_POOLER_TRANSACTION,
                   .asynchronous = run->connection.limits.asynchronous ? stretch->count - 1 : 0},
        .envelope = {.request = &run->request,
                     .known = &run->known,
                     .lock = &run->connection.lock,
                     .unlocks = stretch->unlocks && run->connection.lock.held},
        .count = stretch->count,
        .retry = {.connection = &run->connection, .report = &run->report},
        .held = inlay_held_init(&run->connection.session, &run->request, &run->report),
        .err = err,
    };
    int rc = inlay_messages_init(&apply.messages, &run->request, &run->known,
                                 &run->connection.limits, &run->report)
                 ? INLAY_OK
                 : inlay_error_memory(err);

    if (rc == INLAY_OK && stretch->makes_tables)
        rc = inlay_envelope_add_tables(&apply.envelope, err);
    while (rc == INLAY_OK && apply.reader.step < stretch->count) {
        begin_conversation(&apply);
        rc = converse(&apply);
    }
    inlay_envelope_finish(&apply.envelope);
    inlay_messages_finish(&apply.messages);
    return rc;
}

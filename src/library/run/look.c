/* Looks at the database until it is steady and free, and merges what is seen into a plan. */
#include "run/look.h"
#include "plan/merge.h"
#include "run/held.h"

#include <string.h>

/* How often it is looked at a history that comes and goes. */
#define LOOKS 5

/* What is asked, through what, and what is known afterwards. */
struct looking {
    struct connection *connection;
    struct knowledge *known;
    const struct questions_before *before;
    enum snapshot_lock lock;
};

/* Between two statements of a look another session may drop the table that the first of them saw: a
 * reset does. */
static int look_until_steady(const struct looking *look, struct inlay_error *err)
{
    struct lock *held = &look->connection->lock;
    struct snapshot *snapshot = &look->known->snapshot;
    int rc = INLAY_OK;

    for (int turn = 0; turn < LOOKS; turn++) {
        inlay_knowledge_forget(look->known);
        rc = inlay_snapshot_read(&look->connection->session, held->name,
                                 turn == 0 ? look->before : NULL,
                                 held->held ? SNAPSHOT_ONLY : look->lock, snapshot, err);
        held->held = held->held || snapshot->locked;
        if (rc != INLAY_E_REFUSED || strcmp(err->sqlstate, "42P01") != 0)
            break;
    }
    return rc;
}

/* A lock on our tables, of an ALTER perhaps that was left open, keeps a look waiting: it is asked
 * again until the time is over. */
static int look_until_free(const struct looking *look, struct held *held, struct inlay_error *err)
{
    inlay_held_begin(held);
    for (;;) {
        inlay_held_limit_look(held);
        int rc = look_until_steady(look, err);
        inlay_held_limit_rest(held);
        if (rc == INLAY_OK || !inlay_held_is(err))
            return rc;
        if (inlay_held_wait(held, err) != INLAY_OK)
            return err->code;
        if (look->before != NULL)
            inlay_results_clear(look->before->results, look->before->count);
    }
}

int inlay_run_look(struct run *run, const struct questions_before *before, enum snapshot_lock lock,
                   struct inlay_error *err)
{
    const struct looking look = {
        .connection = &run->connection, .known = &run->known, .before = before, .lock = lock};
    struct held held = inlay_held_init(&run->connection.session, &run->request, &run->report);

    held.read_by = run->deadline;
    int rc = look_until_free(&look, &held, err);

    /* What ran of the repeatables is known there alone. */
    if (rc == INLAY_OK && run->known.snapshot.history.state_denied &&
        run->request.set->repeatable_count > 0)
        rc = inlay_snapshot_refuse_state(&run->known.snapshot, &run->request.name, err);
    if (rc == INLAY_OK)
        rc = inlay_merge(run->request.set, &run->known.snapshot.history, &run->known.plan, err);
    return rc;
}

#include "run/prepare.h"
#include "base/log.h"

#include <string.h>

enum { RACES_MAX = 3 };

bool inlay_prepare_needs_state(const struct run *run)
{
    const struct snapshot *now = &run->known.snapshot;

    return !now->state_shape.exists &&
           (!now->history.exists ||
            inlay_goal_needs_state(&run->request.goal, run->request.set, &run->known.plan));
}

int inlay_prepare_list(const struct run *run, struct tables *tables, struct inlay_error *err)
{
    int rc = inlay_tables_list(&run->request.name, &run->known.snapshot,
                               inlay_prepare_needs_state(run), tables, err);

    if (rc == INLAY_OK && tables->count > 0 && !run->request.goal.rehearses)
        inlay_log(&run->request.options, INLAY_LOG_INFO, "%s the history %s",
                  run->known.snapshot.history.exists ? "completing" : "creating",
                  run->request.name.text);
    return rc;
}

int inlay_prepare_refuse(struct run *run, struct inlay_error *err)
{
    run->unmade++;
    inlay_text_put(err->outcome, sizeof err->outcome,
                   "the history %s could not be prepared; nothing was changed",
                   run->request.name.text);
    return err->code;
}

static int make_tables(struct run *run, bool begun, struct inlay_error *err)
{
    struct tables tables;
    int rc = inlay_prepare_list(run, &tables, err);

    if (rc == INLAY_OK)
        rc = inlay_tables_make(&run->connection.session, &tables, begun, err);
    if (rc == INLAY_E_REFUSED)
        rc = inlay_prepare_refuse(run, err);
    inlay_tables_free(&tables);
    return rc;
}

int inlay_prepare(struct run *run, struct inlay_error *err)
{
    return make_tables(run, false, err);
}

int inlay_prepare_inside(struct run *run, struct inlay_error *err)
{
    return make_tables(run, true, err);
}

/* Without the lock another process may make the tables at the same moment; theirs will do. 23505
 * comes from the catalogs themselves, 42710 from the type that a table brings: or from a type that
 * has nothing to do with us, and stays where it is. */
bool inlay_prepare_lost_race(const struct run *run, const struct inlay_error *err)
{
    static const char *const states[] = {"23505", "42701", "42710", "42P06", "42P07"};

    if (run->unmade > RACES_MAX)
        return false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return run->request.options.pooler == INLAY_POOLER_TRANSACTION;
    return false;
}

/* Makes the history and the state table if they are missing, and tells a lost race from a
 * refusal. */
#include "run/prepare.h"
#include "base/log.h"

#include <string.h>

enum { RACES_MAX = 3 };

bool inlay_prepare_needs_state(const struct request *request, const struct knowledge *known)
{
    const struct snapshot *now = &known->snapshot;

    return !now->state_shape.exists &&
           (!now->history.exists ||
            inlay_goal_needs_state(&request->goal, request->set, &known->plan));
}

int inlay_prepare_list(const struct request *request, const struct knowledge *known,
                       struct tables *tables, struct inlay_error *err)
{
    int rc = inlay_tables_list(&request->name, &known->snapshot,
                               inlay_prepare_needs_state(request, known), tables, err);

    if (rc == INLAY_OK && tables->count > 0 && !request->goal.rehearses)
        inlay_log(&request->options, INLAY_LOG_INFO, "%s the history %s",
                  known->snapshot.history.exists ? "completing" : "creating", request->name.text);
    return rc;
}

int inlay_prepare_refuse(const struct request *request, struct knowledge *known,
                         struct inlay_error *err)
{
    known->unmade++;
    inlay_text_put(err->outcome, sizeof err->outcome,
                   "the history %s could not be prepared; nothing was changed", request->name.text);
    return err->code;
}

static int make_tables(struct session *session, const struct request *request,
                       struct knowledge *known, bool begun, struct inlay_error *err)
{
    struct tables tables;
    int rc = inlay_prepare_list(request, known, &tables, err);

    if (rc == INLAY_OK)
        rc = inlay_tables_make(session, &tables, begun, err);
    if (rc == INLAY_E_REFUSED)
        rc = inlay_prepare_refuse(request, known, err);
    inlay_tables_free(&tables);
    return rc;
}

int inlay_prepare(struct session *session, const struct request *request, struct knowledge *known,
                  struct inlay_error *err)
{
    return make_tables(session, request, known, false, err);
}

int inlay_prepare_inside(struct session *session, const struct request *request,
                         struct knowledge *known, struct inlay_error *err)
{
    return make_tables(session, request, known, true, err);
}

/* Without the lock another process may make the tables at the same moment; theirs will do. 23505
 * comes from the catalogs themselves, 42710 from the type that a table brings: or from a type that
 * has nothing to do with us, and stays where it is. */
bool inlay_prepare_lost_race(const struct request *request, const struct knowledge *known,
                             const struct inlay_error *err)
{
    static const char *const states[] = {"23505", "42701", "42710", "42P06", "42P07"};

    if (known->unmade > RACES_MAX)
        return false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return request->options.pooler == INLAY_POOLER_TRANSACTION;
    return false;
}

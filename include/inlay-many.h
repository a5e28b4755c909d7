/*
 * Many databases, or many schemas of one, with the same migrations: a history for each customer.
 *
 *     struct inlay_many_target targets[] = {{.schema = "acme"}, {.schema = "zenith"}};
 *     inlay_many_look(&app_migrations, NULL, targets, 2, found, &mine, &err);
 *
 * A program that calls none of this links none of it.
 */
#ifndef INLAY_MANY_H
#define INLAY_MANY_H

#include <inlay.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where one history is. With a schema the history is the table of that name in this schema, and
 * each migration begins with the search_path SCHEMA, or SCHEMA and what options.search_path says
 * besides. Texts stay as they are until the call returns. */
struct inlay_many_target {
    const char *schema;   /* as stored: no quotes; NULL: that of the options or the set */
    const char *conninfo; /* NULL: that of the options */
    const char *name;     /* the caller's own; inlay_many_select fills it */
    int64_t reserved[2];
};

enum inlay_standing {
    INLAY_CURRENT = 0,    /* nothing is pending, nothing disagrees */
    INLAY_BEHIND = 1,     /* something is pending */
    INLAY_NEW = 2,        /* the same, and there is no history yet */
    INLAY_DISAGREES = 3,  /* history and set disagree: inlay_migrate would refuse */
    INLAY_UNREADABLE = 4, /* no connection, no right to read, a lock, a table that is no history */
};

/* "current", "behind", "new", "disagreeing", "unreadable". Constant. Since 0.1. */
INLAY_API const char *inlay_standing_name(enum inlay_standing standing);

/* What was found of one target; it lives as long as the callback. */
struct inlay_many_finding {
    size_t target; /* its index */
    enum inlay_standing standing;
    size_t pending;
    const struct inlay_error *error; /* what inlay_check would return; .code INLAY_OK: nothing */
    int64_t reserved[4];
};

/* Looks at all of them as inlay_check does: no lock of ours, no write. Those of one connection
 * string are asked together, over a connection that is renewed after 1,000 of them; those whose
 * history another session has locked, or is not as inlay makes it, are looked at alone afterwards.
 * `found` is called once for each target, not in their order. options.connection has to be NULL.
 * Returns INLAY_OK when all were told, however they stand; INLAY_E_ARGUMENT, _STOPPED, _MEMORY: the
 * rest was not. Since 0.1. */
INLAY_API int inlay_many_look(const struct inlay_set *set, const struct inlay_options *options,
                              const struct inlay_many_target *targets, size_t count,
                              void (*found)(void *user, const struct inlay_many_finding *finding),
                              void *user, struct inlay_error *err);

/* A queue of targets. Its functions are called in the thread of the call. */
struct inlay_many_queue {
    const struct inlay_many_target *(*next)(void *user); /* NULL: there are no more */
    /* How it ended: as inlay_migrate does. `result` is zero where that failed. */
    void (*done)(void *user, const struct inlay_many_target *target,
                 const struct inlay_result *result, const struct inlay_error *err);
    void *user;
};

/* inlay_migrate for one target after another, each whatever became of those before it. As long as
 * they have one connection string they share a connection, which is renewed after 1,000 of them.
 * Threads may work off one queue, if its functions are made for it; the options' callbacks are
 * called in each of them. options.connection has to be NULL. Returns INLAY_OK when the queue is
 * empty; INLAY_E_ARGUMENT; INLAY_E_STOPPED: the target in hand was told so. Since 0.1. */
INLAY_API int inlay_many_migrate(const struct inlay_set *set, const struct inlay_options *options,
                                 const struct inlay_many_queue *queue, struct inlay_error *err);

/* Asks the database of the options for targets, in a transaction that only reads: a row for each,
 * with columns named schema, conninfo or both, and perhaps name. Returns INLAY_OK; INLAY_E_ARGUMENT
 * (the query fails, or its columns are others); _CONNECTION, _REFUSED, _LOST, _STOPPED, _MEMORY.
 * Since 0.1. */
INLAY_API int inlay_many_select(const struct inlay_options *options, const char *query,
                                void (*each)(void *user, const struct inlay_many_target *target),
                                void *user, struct inlay_error *err);

#ifdef __cplusplus
}
#endif

#endif

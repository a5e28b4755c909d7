/*
 * What a run tells its host while it works: options.log, options.event, options.before_run and
 * options.before_migration of inlay.h.
 */
#ifndef INLAY_EVENTS_H
#define INLAY_EVENTS_H

#include <inlay-set.h>

#ifdef __cplusplus
extern "C" {
#endif

enum inlay_log_level {
    INLAY_LOG_INFO = 1,   /* what is being done, who is waited for */
    INLAY_LOG_NOTICE = 2, /* the server's notices, labelled by migration */
    INLAY_LOG_WARNING = 3 /* unknown newer rows, a late file, a retried connection */
};

enum inlay_event_kind {
    INLAY_EVENT_BEGIN = 0,       /* there is work: `count` migrations will run in `batch` */
    INLAY_EVENT_WAITING = 1,     /* for the lock, or to try again; repeated every 500 ms */
    INLAY_EVENT_STARTED = 2,     /* the migration has been sent */
    INLAY_EVENT_PROGRESS = 3,    /* every 500 ms while the migration runs */
    INLAY_EVENT_APPLIED = 4,     /* the migration is committed */
    INLAY_EVENT_SKIPPED = 5,     /* somebody else applied it meanwhile */
    INLAY_EVENT_FAILED = 6,      /* the migration failed */
    INLAY_EVENT_END = 7,         /* the run is over; `index` migrations of `count` were applied */
    INLAY_EVENT_CONNECTING = 8,  /* no server answers yet; repeated every 500 ms */
    INLAY_EVENT_RETRIED = 9,     /* a lock, a deadlock, its PREPARE: nothing kept, it runs again */
    INLAY_EVENT_REHEARSED = 10,  /* inlay_rehearse: it ran to its end, and is rolled back */
    INLAY_EVENT_UNREHEARSED = 11 /* inlay_rehearse: it could not be; the log says why */
};

/* Where a run works, for another program that is to go there: pg_dump, say. Valid during
 * before_run only. */
struct inlay_target {
    int server_version; /* 150004 is PostgreSQL 15.4 */
    /* "PGHOST=...", "PGUSER=..." and so on, then NULL: the environment in which libpq connects to
     * the same host, database and role. It may hold a password. What is not in it and begins with
     * PG must not be in that environment. Settings that have no variable (sslpassword, keepalives)
     * are not in it. */
    char *const *environment; /* as execve takes it */
    const char *database;     /* as in PGDATABASE */
};

struct inlay_effect;

/* One step of a run. Valid during the callback only. */
struct inlay_event {
    enum inlay_event_kind kind;
    const struct inlay_migration *migration; /* NULL for BEGIN, WAITING, END; but see before_run */
    size_t index;                            /* position of the migration in this run, from 1 */
    size_t count;                            /* migrations in this run */
    /* PROGRESS: statements of it that are known to be done. With more than sixteen migrations in
     * flight the server tells of them when it tells of the COMMIT. */
    size_t statement;
    int64_t batch;      /* this run's number; 0 before it is known */
    int64_t elapsed_ms; /* of the migration, or of the wait, or of the run (END) */
    bool down;     /* the migration is being undone: APPLIED then means that this is committed */
    bool recorded; /* what it replaces is applied: its row alone is written, or taken away */
    const struct inlay_target *target; /* before_run: where it works; else NULL */
    /* inlay_rehearse, APPLIED, REHEARSED and FAILED: what the migration did, see inlay-admin.h. */
    const struct inlay_effect *effects;
    size_t effect_count;
    size_t effect_size; /* of each of them: see inlay_effect_at */
};

#ifdef __cplusplus
}
#endif

#endif

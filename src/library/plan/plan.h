/* The plan: set and history side by side, and what follows. Pure: no I/O, no libpq. */
#ifndef INLAY_PLAN_H
#define INLAY_PLAN_H

#include "history/history.h"

struct plan_entry {
    int64_t version;
    enum inlay_state state;
    bool late;      /* pending below a version that is applied */
    bool recorded;  /* what it replaces is applied, or is applied first: its row is all there is */
    bool down_kept; /* its down script is stored in the state table */
    const struct inlay_migration *migration; /* NULL: not embedded */
    const struct history_row *row;           /* NULL: not in the history */
    int64_t replaced_by; /* the lowest version that stands for it, where it is replaced */
    const struct history_progress *partial; /* how far one of its scripts got, or NULL */
    bool half_undone;                       /* applied, and its down script stopped half way */
};

enum cover_state {
    COVER_APPLIED, /* it has its row */
    COVER_RUNS,    /* nothing of what it replaces is applied: it is to run */
    COVER_RECORDS, /* all of it is: it is to be recorded */
    COVER_STEPS,   /* some of it is, and the rest is embedded: that runs, then it is recorded */
    COVER_PARTLY   /* some of it is, or perhaps not all, and the rest is not to be had */
};

/* A migration that replaces others, as the set or the history says. */
struct plan_cover {
    int64_t version;
    int64_t first, last;
    const struct inlay_range *range; /* NULL: not embedded */
    enum cover_state state;
    int64_t count;   /* applied: versions that there were in between then; 0: not known */
    size_t embedded; /* versions in between that this binary has */
    size_t rows;     /* ... and that the history has */
    int64_t missing; /* partly: the first that is not applied */
};

struct plan_repeatable {
    enum inlay_state state;                  /* applied, pending, replaced, unknown */
    const struct inlay_migration *migration; /* NULL: not embedded */
    const struct history_repeatable *row;    /* NULL: it never ran */
};

struct plan {
    struct plan_entry *entries; /* ascending by version */
    size_t count;
    struct plan_cover *covers; /* those that are embedded ascending, then those that are not */
    size_t cover_count;
    struct plan_repeatable *repeatables; /* ascending by name */
    size_t repeatable_count;
    size_t applied, pending, unknown, renamed, edited, replaced; /* pending: repeatables too */
    size_t pending_repeatables;
    int64_t next_batch;
};

/* Frees what the plan owns and makes it empty. */
void inlay_plan_free(struct plan *plan);

/* Is the entry to be applied when everything up to version `last` is? What is replaced by a
 * migration above that is. */
bool inlay_plan_is_due(const struct plan_entry *entry, int64_t last);

/* What runs first on the way up to version `last`, or NULL. */
const struct inlay_migration *inlay_plan_first_due(const struct plan *plan, int64_t last);

/* Where this version is among the entries, or would be. */
size_t inlay_plan_at(const struct plan *plan, int64_t version);

/* The entry of this version, or NULL. */
const struct plan_entry *inlay_plan_find(const struct plan *plan, int64_t version);

/* The newest applied version up to one; -1: none is. */
int64_t inlay_plan_newest(const struct plan *plan, int64_t up_to);

/* Names the pending versions, of those up to one, that lie below an applied one; returns how many
 * there are. */
size_t inlay_plan_late(const struct plan *plan, int64_t up_to, char *versions, size_t size);

/* Names the unknown versions above one, or those below; returns how many there are. */
size_t inlay_plan_unknown(const struct plan *plan, int64_t newest, bool above, char *versions,
                          size_t size);

/* For a hint about an entry that is not embedded: "; ..." where its down script is stored. */
const char *inlay_plan_kept(const struct plan_entry *entry, char buffer[96]);

/* The first entry in this state, or NULL. */
const struct plan_entry *inlay_plan_first(const struct plan *plan, enum inlay_state state);

/* Names the entries in this state for a message: "4, 7, 9 and 12 more". */
void inlay_plan_versions(const struct plan *plan, enum inlay_state state, char *buffer,
                         size_t size);

#endif

/* The plan: set and history side by side, and what follows. Pure: no I/O, no libpq. */
#ifndef INLAY_PLAN_H
#define INLAY_PLAN_H

#include "history.h"

struct plan_entry {
    int64_t version;
    enum inlay_state state;
    bool late;                               /* pending below a version that is applied */
    const struct inlay_migration *migration; /* NULL: not embedded */
    const struct history_row *row;           /* NULL: not in the history */
};

struct plan {
    struct plan_entry *entries; /* ascending by version */
    size_t count;
    size_t applied, pending, unknown, renamed, edited;
    int64_t next_batch;
};

/* Merges set and history. The plan points into both. INLAY_OK or INLAY_E_MEMORY; the caller frees
 * it with inlay_plan_free, after a failure too. */
int inlay_plan_make(const struct inlay_set *set, const struct history *history, struct plan *plan,
                    struct inlay_error *err);

void inlay_plan_free(struct plan *plan);

/* May this plan run, or boot where nothing is pending? INLAY_OK or INLAY_E_MISMATCH with the
 * reason and the ways out. `strict` refuses all unknown rows. */
int inlay_plan_verdict(const struct inlay_set *set, const struct plan *plan,
                       const struct history_name *name, bool strict, struct inlay_error *err);

/* The newest applied version up to one; -1: none is. */
int64_t inlay_plan_newest(const struct plan *plan, int64_t up_to);

/* Names the pending versions, of those up to one, that lie below an applied one; returns how many
 * there are. */
size_t inlay_plan_late(const struct plan *plan, int64_t up_to, char *versions, size_t size);

/* Refuses to apply them: INLAY_OK where there are none, or INLAY_E_MISMATCH. */
int inlay_plan_refuse_late(const struct inlay_set *set, const struct plan *plan, int64_t up_to,
                           struct inlay_error *err);

/* The first entry in this state, or NULL. */
const struct plan_entry *inlay_plan_first(const struct plan *plan, enum inlay_state state);

/* Names the entries in this state for a message: "4, 7, 9 and 12 more". */
void inlay_plan_versions(const struct plan *plan, enum inlay_state state, char *buffer,
                         size_t size);

#endif

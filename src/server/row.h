/* The migrations as they are shown: the last status, and on top of it what was done since. */
#ifndef SERVER_ROW_H
#define SERVER_ROW_H

#include "state.h"

struct row {
    const char *state; /* inlay_state_name, or "running", "failed", "unread" (nothing known yet) */
    const char *sign;  /* tells the states apart without colour and without reading */
    int64_t version;
    bool late;
    const char *name;
    const struct inlay_migration *migration; /* NULL where not embedded */
    const char *recorded_name;               /* NULL, as are the next two, where not recorded */
    const char *recorded_checksum;
    const char *applied_at;
    int64_t batch; /* -1, as are the next two, where there is none */
    int64_t elapsed_ms;
    int64_t statements_done;
};

size_t row_count(const struct snapshot *now);

/* By version, ascending. */
struct row row_at(const struct snapshot *now, size_t index);

#endif

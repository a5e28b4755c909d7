/* A target together with the options that lead to it. */
#ifndef INLAY_AIM_H
#define INLAY_AIM_H

#include "base/error.h"
#include <inlay-many.h>

struct aim {
    struct inlay_options options; /* point into what follows, and to the target */
    char history[256];
    char search_path[1024];
};

/* `options` are complete. INLAY_OK or INLAY_E_ARGUMENT. */
int inlay_aim(const struct inlay_set *set, const struct inlay_options *options,
              const struct inlay_many_target *target, struct aim *aim, struct inlay_error *err);

/* Copies the caller's options, which must not bring a connection. */
int inlay_aim_options(const struct inlay_options *options, struct inlay_options *to,
                      struct inlay_error *err);

#endif

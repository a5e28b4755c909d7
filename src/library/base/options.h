/* The options of a call, complete whatever age the caller has. */
#ifndef INLAY_OPTIONS_H
#define INLAY_OPTIONS_H

#include <inlay.h>

/* Copies options (NULL: all defaults) of whatever size and checks their values. INLAY_OK or
 * INLAY_E_ARGUMENT. */
int inlay_options_copy(struct inlay_options *to, const struct inlay_options *options,
                       struct inlay_error *err);

#endif

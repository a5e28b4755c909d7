/* Reading the generated tables. */
#ifndef INLAY_BASE_SET_H
#define INLAY_BASE_SET_H

#include <inlay.h>

/* Was the set generated for this library, and are its rows in order? INLAY_OK or
 * INLAY_E_ARGUMENT. */
int inlay_set_validate(const struct inlay_set *set, struct inlay_error *err);

/* The settings of a script, or those of a file that sets nothing. */
const struct inlay_settings *inlay_script_settings(const struct inlay_script *script);

#endif

/* Reading the generated tables. */
#ifndef INLAY_SET_H
#define INLAY_SET_H

#include <inlay.h>

/* The settings of a script, or those of a file that sets nothing. */
const struct inlay_settings *inlay_script_settings(const struct inlay_script *script);

#endif

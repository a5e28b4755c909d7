/* Reads environment variables; an empty one counts as not set. */
#include "words/environment.h"

#include <stdlib.h>

const char *inlay_cli_environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

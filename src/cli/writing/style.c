/* A terminal's escape sequence for each style. The caller knows whether the output is a
 * terminal. */
#include "writing/style.h"

const char *inlay_cli_style(enum style style)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_GOOD] = "\033[32m", [STYLE_WAIT] = "\033[33m",
        [STYLE_BAD] = "\033[31m",  [STYLE_HEAD] = "\033[1m",
    };
    return sequences[style];
}

/* The few styles that text has on a terminal. */
#ifndef INLAY_CLI_STYLE_H
#define INLAY_CLI_STYLE_H

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_WAIT, STYLE_BAD, STYLE_HEAD };

/* The escape sequence that begins a style, or ends it (STYLE_PLAIN). */
const char *inlay_cli_style(enum style style);

#endif

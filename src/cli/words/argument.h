/* The values that options and verbs take. */
#ifndef INLAY_CLI_ARGUMENT_H
#define INLAY_CLI_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>

enum argument {
    ARGUMENT_NONE,
    ARGUMENT_URL,
    ARGUMENT_TABLE,
    ARGUMENT_POOLER,
    ARGUMENT_DURATION, /* number: milliseconds */
    ARGUMENT_VERSION,  /* number: the version */
    ARGUMENT_COUNT,    /* number: from 1 */
    ARGUMENT_SETTINGS,
    ARGUMENT_REFUSE,
    ARGUMENT_SOURCE,
    ARGUMENT_PLACE, /* number: the version; inlay_cli_argument_statement */
    ARGUMENT_DIRECTORY,
    ARGUMENT_NAME /* may be missing; only as --OPTION=NAME */
};

struct value {
    const char *text;
    int64_t number;
};

/* How the help spells it, and what a message says is needed. */
const char *inlay_cli_argument_name(enum argument argument);
const char *inlay_cli_argument_needs(enum argument argument);

bool inlay_cli_argument_parse(enum argument argument, const char *text, struct value *value);

/* The statement of a place: VERSION:STATEMENT. */
int64_t inlay_cli_argument_statement(struct value place);

#endif

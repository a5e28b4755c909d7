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
    ARGUMENT_ONE,      /* may be missing; number: the version */
    ARGUMENT_COUNT,    /* number: from 1 */
    ARGUMENT_DOWN,     /* number: from 1; 0: the last batch */
    ARGUMENT_SETTINGS,
    ARGUMENT_SCHEMAS,
    ARGUMENT_PATTERNS,
    ARGUMENT_REFUSE,
    ARGUMENT_SOURCE,
    ARGUMENT_PLACE, /* number: the version; inlay_cli_argument_statement */
    ARGUMENT_DIRECTORY,
    ARGUMENT_NAME,  /* may be missing; only as --OPTION=NAME */
    ARGUMENT_TOPIC, /* may be missing */
    ARGUMENT_FORM,  /* may be missing; only as --OPTION=lines */
    ARGUMENT_SPAN,  /* may be missing; only as --OPTION=FROM..TO; inlay_cli_argument_span */
    ARGUMENT_TARGETS,
    ARGUMENT_JOBS, /* number: 1 to 64 */
    ARGUMENT_PART, /* inlay_cli_argument_part */
    ARGUMENT_KEEP  /* may be missing; only as --OPTION=keep */
};

struct value {
    const char *text;
    int64_t number;
};

/* How the help spells it, and what a message says is needed. */
const char *inlay_cli_argument_name(enum argument argument);
const char *inlay_cli_argument_needs(enum argument argument);

/* Is the value left out, unless it follows an equals sign, or is the next word? */
bool inlay_cli_argument_may_miss(enum argument argument, const char *next);

bool inlay_cli_argument_parse(enum argument argument, const char *text, struct value *value);

/* The statement of a place: VERSION:STATEMENT. */
int64_t inlay_cli_argument_statement(struct value place);

/* From where and to where: FROM..TO, each of which may be missing (-1). */
void inlay_cli_argument_span(struct value span, int64_t *from, int64_t *to);

/* Which part, from 1, of how many: I/N; 0 where I is missing. */
void inlay_cli_argument_part(const char *part, int64_t *index, int64_t *count);

#endif

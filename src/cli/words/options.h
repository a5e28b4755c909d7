/* The options that go with a verb, and where in struct cli each of them ends up. */
#ifndef INLAY_CLI_OPTIONS_H
#define INLAY_CLI_OPTIONS_H

#include "words/command.h"

/* What becomes of the value. */
enum option_kind {
    OPTION_TEXT,   /* const char *, as it was given */
    OPTION_FLAG,   /* bool: true */
    OPTION_NUMBER, /* int64_t */
    OPTION_WAIT,   /* int64_t, INLAY_NO_WAIT for 0, which would be the default */
    OPTION_POOLER, /* enum inlay_pooler */
    OPTION_YES,    /* const char *, and `yes` */
    OPTION_JSON,   /* bool, and `lines` where there is a value */
    OPTION_SETTINGS
};

struct option {
    const char *name; /* without prefix; NULL: the end of the table */
    enum argument argument;
    enum use use; /* which verbs it goes with */
    const char *help;
    enum option_kind kind;
    size_t offset; /* of a member of struct cli */
};

extern const struct option inlay_cli_options[];

/* The row of this name, or NULL. */
const struct option *inlay_cli_options_find(const char *name, size_t length);
const struct verb *inlay_cli_options_find_verb(const struct verb *verbs, const char *name,
                                               size_t length);

/* Puts the value where it belongs; false, and why, where settings cannot be read. */
bool inlay_cli_options_take(struct cli *cli, const struct option *option, struct value value,
                            char *why, size_t size);

#endif

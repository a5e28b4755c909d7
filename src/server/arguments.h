/* The server's own options: what inlay_cli left of the command line. */
#ifndef SERVER_ARGUMENTS_H
#define SERVER_ARGUMENTS_H

#include "listen.h"

struct arguments {
    struct address listen;
    bool migrate; /* false: --no-migrate */
    bool details; /* --status-details */
    bool help;
};

/* False, and a line on stderr, where it makes no sense. */
bool arguments_parse(int argc, char **argv, struct arguments *arguments);

extern const char arguments_help[];

#endif

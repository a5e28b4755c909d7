/*
 * A command line, and what it is made of:
 *
 *     argv -> parse.c -> struct cli -> the verb's run -> struct answer -> its text or json
 *
 * A verb is one row in the table of verbs/verbs.c: what it is called, what it does (`run`), and how
 * its answer reads as text and as JSON. Help, parsing and suggestions follow from the table.
 */
#ifndef INLAY_CLI_COMMAND_H
#define INLAY_CLI_COMMAND_H

#include <inlay.h>

#include "backup/backup.h"
#include "terminal/console.h"
#include "words/argument.h"

struct answer;
struct cli;

enum group { GROUP_EVERY_DAY, GROUP_GOING_BACK, GROUP_ADOPTING, GROUP_REPAIR, GROUP_COUNT };

/* What a verb does, as far as options go: an option goes with each verb that does its own. */
enum use {
    USE_ANY = 0,
    USE_DATABASE = 1 << 0, /* it talks to a server: signals stop it cleanly */
    USE_VERDICT = 1 << 1,  /* it asks whether a run would be refused */
    USE_LOCK = 1 << 2,     /* takes the migration lock */
    USE_SCRIPTS = 1 << 3,  /* runs migrations or down scripts */
    USE_COMMIT = 1 << 4,   /* and keeps what they did */
    USE_BACKUP = 1 << 5,   /* of a database that may hold something */
    USE_UNDO = 1 << 6,
    USE_CONFIRM = 1 << 7, /* asks first */
    USE_ADOPT = 1 << 8,
    USE_ROWS = 1 << 9, /* writes what is applied into the history */
    USE_DRIFT = 1 << 10,
    USE_TARGETS = 1 << 11, /* may work on many histories */
    USE_LOOK = USE_DATABASE | USE_VERDICT,
    USE_EDIT = USE_DATABASE | USE_LOCK,
    USE_RUN = USE_EDIT | USE_ROWS | USE_SCRIPTS | USE_COMMIT,
    USE_BACK = USE_RUN | USE_BACKUP | USE_UNDO | USE_CONFIRM
};

struct verb {
    const char *name; /* without prefix; NULL: the end of the table */
    enum argument argument;
    enum group group;
    unsigned uses;       /* of enum use */
    const char *help;    /* a line of at most 50 characters */
    const char *details; /* what else its own help says: lines, or NULL */
    void (*run)(struct cli *cli, struct answer *answer);
    /* The result for people, of a call that went well; NULL: there is none but the status. */
    void (*text)(struct buffer *out, const struct cli *cli, const struct answer *answer);
    /* The verb's own members of the JSON document, also of a call that failed; or NULL. */
    void (*json)(struct json *json, const struct cli *cli, const struct answer *answer);
};

/* One command line, from argv to its exit status. */
struct cli {
    struct console console; /* the first: the library's callbacks are handed both in one pointer */
    const struct inlay_set *set;
    const char *program; /* argv[0] without its directories */
    const char *prefix;  /* how messages spell an option: "--migrate-" or "--" */
    bool whole;          /* a program of its own: every argument is ours */
    bool json;
    bool lines;                   /* with events before the document */
    bool yes;                     /* do not ask */
    const char *yes_name;         /* the database that may be reset, or NULL */
    const struct verb *verbs;     /* that there are */
    const struct verb *verb;      /* NULL: none was given */
    struct value argument;        /* of the verb */
    struct inlay_options host;    /* what the program gave: its callbacks have its `user` */
    struct inlay_options options; /* that, and what the words say */
    struct backup backup;
    const char *targets; /* where many histories are listed, or NULL: there is one */
    int64_t jobs;        /* how many of them are migrated at once; 0: one */
    const char *part;    /* which of them are ours, or NULL: all */
    struct verb many;    /* the verb, as it reports on them */
    char usage[256];     /* the first thing that is wrong with the command line, or empty */
};

#endif

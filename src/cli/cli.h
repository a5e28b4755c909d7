/*
 * The parts of the command line and what they hand to each other:
 *
 *     argv -> options.c -> struct cli -> verbs.c -> struct answer -> report_text.c, report_json.c
 *
 * A verb is one row in the table of verbs.c: what it is called, what it does (`run`), and how its
 * answer reads as text and as JSON. Help, parsing and suggestions follow from the tables.
 */
#ifndef INLAY_CLI_INTERNAL_H
#define INLAY_CLI_INTERNAL_H

#include <inlay-admin.h>
#include <inlay-cli.h>
#include <stdio.h>

#include "backup/backup.h"
#include "terminal/console.h"
#include "writing/buffer.h"
#include "writing/json.h"

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

enum group { GROUP_EVERY_DAY, GROUP_GOING_BACK, GROUP_ADOPTING, GROUP_REPAIR, GROUP_COUNT };

struct cli;
struct answer;

struct verb {
    const char *name; /* without prefix; NULL: the end of the table */
    enum argument argument;
    enum group group;
    bool database; /* it talks to a server: signals stop it cleanly */
    const char *help;
    void (*run)(struct cli *cli, struct answer *answer);
    /* The result for people, of a call that went well; NULL: there is none but the status. */
    void (*text)(struct buffer *out, const struct cli *cli, const struct answer *answer);
    /* The verb's own members of the JSON document, also of a call that failed; or NULL. */
    void (*json)(struct json *json, const struct cli *cli, const struct answer *answer);
};

struct option {
    const char *name; /* without prefix; NULL: the end of the table */
    enum argument argument;
    const char *help;
    void (*apply)(struct cli *cli, struct value value);
};

/* One command line, from argv to its exit status. */
struct cli {
    struct console console; /* the first: the library's callbacks are handed both in one pointer */
    const struct inlay_set *set;
    const char *program; /* argv[0] without its directories */
    const char *prefix;  /* how messages spell an option: "--migrate-" or "--" */
    bool whole;          /* a program of its own: every argument is ours */
    bool json;
    bool yes;                /* do not ask */
    const char *yes_name;    /* the database that may be reset, or NULL */
    const struct verb *verb; /* NULL: none was given */
    struct value argument;   /* of the verb */
    struct inlay_options options;
    struct backup backup;
    char usage[256]; /* the first thing that is wrong with the command line, or empty */
};

/* What a verb found. */
struct answer {
    int code;                 /* enum inlay_code */
    struct inlay_error error; /* where code is not INLAY_OK */
    struct inlay_result result;
    struct inlay_selftest_result selftest;
    struct inlay_status *status;
    struct inlay_contents *contents;
    const struct inlay_migration *migration;
    struct inlay_kept_down *kept; /* for a version that is not embedded */
    int64_t waited_ms;
    bool partial; /* the text is printed although code is an error */
};

/* arguments.c */
const char *inlay_cli_argument_name(enum argument argument);
const char *inlay_cli_argument_needs(enum argument argument);
bool inlay_cli_argument_parse(enum argument argument, const char *text, struct value *value);
/* The statement of a place: VERSION:STATEMENT. */
int64_t inlay_cli_argument_statement(struct value place);

/* options.c */
extern const struct option inlay_cli_options[];
void inlay_cli_parse(struct cli *cli, int *argc, char **argv);
/* NULL where the variable is empty, too. */
const char *inlay_cli_environment(const char *name);

/* settings.c: "lock_timeout=5s isolation=serializable"; false, and why not */
bool inlay_cli_settings_read(const char *text, struct inlay_options *options, char *why,
                             size_t size);

/* suggest.c: appends what was meant by a name that there is not, "did you mean --status?", if that
 * can be guessed. */
void inlay_cli_suggest(struct buffer *out, const char *prefix, const char *name, size_t length);

/* others.c: what to say of another tool's verb, with @ for the prefix of an option; or NULL. */
const char *inlay_cli_others(const char *name, size_t length);

/* verbs.c */
extern const struct verb inlay_cli_verbs[];
extern const struct verb inlay_cli_no_verb;

/* back.c */
void inlay_cli_run_down(struct cli *cli, struct answer *answer);
void inlay_cli_run_to(struct cli *cli, struct answer *answer);
void inlay_cli_run_rollback(struct cli *cli, struct answer *answer);
void inlay_cli_run_redo(struct cli *cli, struct answer *answer);

/* selftest.c */
void inlay_cli_run_selftest(struct cli *cli, struct answer *answer);

/* rehearse.c */
void inlay_cli_run_rehearse(struct cli *cli, struct answer *answer);
void inlay_cli_json_rehearse(struct json *json, const struct cli *cli, const struct answer *answer);

/* ask.c: "WHAT? [y/N]". False, with the answer's code and error, where that is no, or where nobody
 * can be asked. */
bool inlay_cli_ask(struct cli *cli, struct answer *answer, const char *what);
/* The same where the answer is the name of the database. */
bool inlay_cli_ask_name(struct cli *cli, struct answer *answer, const char *database);

/* reset.c */
void inlay_cli_run_reset(struct cli *cli, struct answer *answer);
void inlay_cli_json_reset(struct json *json, const struct cli *cli, const struct answer *answer);

/* version.c */
void inlay_cli_run_version(struct cli *cli, struct answer *answer);
void inlay_cli_text_versions(struct buffer *out, const struct cli *cli,
                             const struct answer *answer);
void inlay_cli_json_versions(struct json *json, const struct cli *cli, const struct answer *answer);

/* await.c */
void inlay_cli_await(struct cli *cli, struct answer *answer);

/* cli.c */
void inlay_cli_fail(struct answer *answer, enum inlay_code code, const char *format, ...)
    INLAY_CLI_PRINTF(3, 4);

/* help.c */
void inlay_cli_text_help(struct buffer *out, const struct cli *cli, const struct answer *answer);

/* remarks.c */
void inlay_cli_say(struct cli *cli, struct buffer *line); /* frees it */
void inlay_cli_say_directory(struct cli *cli);
void inlay_cli_text_up_to_date(struct buffer *out, const struct inlay_set *set);
void inlay_cli_text_error(struct buffer *out, const struct inlay_error *err);
void inlay_cli_say_migrated(struct cli *cli, const struct inlay_result *result);
void inlay_cli_say_moved(struct cli *cli, const struct inlay_result *result);
void inlay_cli_say_up_to_date(struct cli *cli);
void inlay_cli_say_recorded(struct cli *cli, const char *before);
void inlay_cli_say_kept(struct cli *cli, const struct inlay_kept_down *kept);
void inlay_cli_say_help(struct cli *cli);
void inlay_cli_say_error(struct cli *cli, const struct inlay_error *err);

/* report_text.c: on stdout */
void inlay_cli_text_status(struct buffer *out, const struct cli *cli, const struct answer *answer);
void inlay_cli_text_dry_run(struct buffer *out, const struct cli *cli, const struct answer *answer);
void inlay_cli_text_list(struct buffer *out, const struct cli *cli, const struct answer *answer);
void inlay_cli_text_show(struct buffer *out, const struct cli *cli, const struct answer *answer);

/* report_json.c: on stdout */
void inlay_cli_json_document(struct buffer *out, const struct cli *cli, const struct answer *answer,
                             int exit_status);
void inlay_cli_json_only(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_moved(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_source(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_edit(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_resume_at(struct json *json, const struct cli *cli,
                              const struct answer *answer);
void inlay_cli_json_selftest(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_status(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_dry_run(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_list(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_show(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_await(struct json *json, const struct cli *cli, const struct answer *answer);
void inlay_cli_json_help(struct json *json, const struct cli *cli, const struct answer *answer);

#endif

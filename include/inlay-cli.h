/*
 * inlay's command line: the --migrate-* options for a server's own main(), or a whole program.
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct inlay_cli_outcome outcome;
 *         if (inlay_cli(&argc, argv, &app_migrations, &outcome))
 *             return outcome.exit_status;
 *         ... the server, with inlay_migrate(&app_migrations, &outcome.options, ...) if it likes
 *     }
 *
 * Built on inlay.h alone. Unlike the library it prints (results on stdout, everything else on
 * stderr) and, while a verb runs, owns SIGINT and SIGTERM: the first stops the run cleanly, a
 * second ends the process at once.
 */
#ifndef INLAY_CLI_H
#define INLAY_CLI_H

#include <inlay.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Exit statuses of every verb. */
enum inlay_exit {
    INLAY_EXIT_OK = 0,       /* done, or up to date */
    INLAY_EXIT_FAILED = 1,   /* a migration failed; or no memory, or stdout could not be written */
    INLAY_EXIT_USAGE = 2,    /* wrong command line, or not confirmed */
    INLAY_EXIT_PENDING = 3,  /* pending (check); await: still, or the database could not be read */
    INLAY_EXIT_MISMATCH = 4, /* history and binary disagree */
    INLAY_EXIT_LOCKED = 5,   /* a lock, an index build or another tool is in the way: try again */
    INLAY_EXIT_CONNECTION = 6, /* connection failed or lost */
    INLAY_EXIT_REFUSED = 7,    /* read-only, pooler, rights, a history that is not ours */
    INLAY_EXIT_SOME = 8,       /* of many targets some failed, or not all alike */
    INLAY_EXIT_SIGNAL = 128    /* + n: stopped by signal n */
};

/* What the command line said. */
struct inlay_cli_outcome {
    int exit_status; /* enum inlay_exit; meaningful where inlay_cli returned true */
    /* Options as --migrate-* and the environment set them, ready for the server's own calls. The
     * strings point into argv and the environment. Callbacks, stop_fd and connection are unset. */
    union {
        struct inlay_options options;
        char room[1024]; /* so that a field appended to them leaves the size of this struct */
    };
};

/* Takes the options that begin with --migrate- out of argv (argc and argv are adjusted, the rest
 * is left in order, a bare "--" ends the search) and does what they ask. Returns true when the
 * program should now end with outcome->exit_status, false when no verb was given and the server
 * should continue. Usage errors print one line and return true. Since 0.1. */
INLAY_API bool inlay_cli(int *argc, char **argv, const struct inlay_set *set,
                         struct inlay_cli_outcome *outcome);

/* ---- The same in two steps: what comes in between is the program's own business ----
 *
 *     struct inlay_cli_command command;
 *     if (inlay_cli_take(&argc, argv, &command))
 *         return command.exit_status;
 *     ... getopt_long, the configuration, fork, chroot, setuid ...
 *     if (inlay_cli_run(&command, &app_migrations, &defaults, &outcome))
 *         return outcome.exit_status;
 */

/* What was taken out of a command line. */
struct inlay_cli_command {
    const char *verb; /* "only", "status" ...; NULL: none was given, and the server continues */
    int exit_status;  /* enum inlay_exit; meaningful where inlay_cli_take returned true */
    int word_count;
    char **words; /* what was taken, in argv, behind the program's words */
    const char *program;
    int64_t reserved[4];
};

/* The first step, before the program looks at argv: takes the options out as inlay_cli does, checks
 * them, and does nothing. argv and its strings must stay until inlay_cli_run; their order may
 * change. Returns true when the program should now end with command->exit_status: a usage error,
 * which it has printed, or --migrate-help. Since 0.1. */
INLAY_API bool inlay_cli_take(int *argc, char **argv, struct inlay_cli_command *command);

/* The second step: does what was asked for. `defaults`, which may be NULL, stand where no option is
 * given: also `connection`, and where they say which database, DATABASE_URL and INLAY_DATABASE_URL
 * are not read. Their before_run and before_migration are asked with their `user`; log, event and
 * stop_fd a verb has of its own. Returns as inlay_cli; where false, outcome->options are the
 * defaults with what the command line says. May be called again, with another set. Since 0.1. */
INLAY_API bool inlay_cli_run(const struct inlay_cli_command *command, const struct inlay_set *set,
                             const struct inlay_options *defaults,
                             struct inlay_cli_outcome *outcome);

/* A whole program: every option belongs to inlay, with or without the prefix
 * (--migrate-status = --status). Without a verb it prints the help. Returns the exit status for
 * main(). Since 0.1. */
INLAY_API int inlay_main(int argc, char **argv, const struct inlay_set *set);

#ifdef __cplusplus
}
#endif

#endif

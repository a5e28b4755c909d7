/* A daemon with options and a configuration of its own, two sets of migrations, and rights that it
 * gives up before it talks to the database. */
#define _DEFAULT_SOURCE /* chroot, daemon, setgroups */
#include <getopt.h>
#include <grp.h>
#include <inlay-cli.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

extern const struct inlay_set notes_migrations;
extern const struct inlay_set audit_migrations;

static const struct part {
    const char *name;
    const struct inlay_set *set;
} parts[] = {{"notes", &notes_migrations}, {"audit", &audit_migrations}};

enum { CONFIG, ROOT, USER, PART, OPTIONS };

struct settings {
    const char *given[OPTIONS]; /* NULL: not given */
    char database[512];
};

static bool read_options(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {{"config", required_argument, NULL, CONFIG},
                                            {"chroot", required_argument, NULL, ROOT},
                                            {"user", required_argument, NULL, USER},
                                            {"part", required_argument, NULL, PART},
                                            {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return false;
        settings->given[option] = optarg;
    }
    return optind == argc && settings->given[CONFIG] != NULL;
}

/* One line: "database = CONNECTION STRING". */
static bool read_config(struct settings *settings)
{
    FILE *file = fopen(settings->given[CONFIG], "r");
    bool read = file != NULL && fscanf(file, "database = %511[^\n]", settings->database) == 1;

    if (file != NULL)
        fclose(file);
    return read;
}

static bool drop_rights(const char *root, const char *name)
{
    const struct passwd *user = name != NULL ? getpwnam(name) : NULL;

    if (root != NULL && (chroot(root) != 0 || chdir("/") != 0))
        return false;
    if (name == NULL)
        return true;
    return user != NULL && setgroups(0, NULL) == 0 && setgid(user->pw_gid) == 0 &&
           setuid(user->pw_uid) == 0;
}

/* Does what the command line asks of this part, or brings its tables up to date. */
static int bring(const struct part *part, const struct inlay_cli_command *command,
                 const char *database)
{
    struct inlay_options defaults = {.size = sizeof defaults};
    struct inlay_cli_outcome outcome;
    struct inlay_error err;

    defaults.conninfo = database;
    defaults.application_name = "notesd";
    if (inlay_cli_run(command, part->set, &defaults, &outcome))
        return outcome.exit_status;
    if (inlay_migrate(part->set, &outcome.options, NULL, &err) == INLAY_OK)
        return 0;
    syslog(LOG_ERR, "%s: %s", part->name, err.message);
    return 1;
}

int main(int argc, char **argv)
{
    struct inlay_cli_command command;
    struct settings settings = {0};
    int status = 0;

    if (inlay_cli_take(&argc, argv, &command))
        return command.exit_status;
    if (!read_options(argc, argv, &settings) || !read_config(&settings)) {
        fputs("usage: notesd --config FILE [--chroot DIR] [--user NAME] [--part notes|audit]\n"
              "              [--migrate-help]\n",
              stderr);
        return INLAY_EXIT_USAGE;
    }
    if (command.verb == NULL && daemon(1, 0) != 0) /* what a verb says belongs on the terminal */
        return 1;
    openlog("notesd", LOG_NDELAY, LOG_DAEMON); /* its socket is not below the new root */
    if (!drop_rights(settings.given[ROOT], settings.given[USER])) {
        perror("notesd");
        return 1;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == 0; i++)
        if (settings.given[PART] == NULL || strcmp(settings.given[PART], parts[i].name) == 0)
            status = bring(&parts[i], &command, settings.database);
    if (command.verb == NULL && status == 0)
        pause(); /* here the daemon would serve */
    return status;
}

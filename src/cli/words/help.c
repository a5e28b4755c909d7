/* Prints --migrate-help, a screen made from the tables of verbs and options, and all that they
 * say of one. */
#include "words/help.h"

#include <string.h>

#include "words/options.h"
#include "writing/text.h"

static const char *const group_titles[GROUP_COUNT] = {
    [GROUP_EVERY_DAY] = "every day",
    [GROUP_GOING_BACK] = "going back",
    [GROUP_ADOPTING] = "adopting",
    [GROUP_REPAIR] = "repair",
};

#define SCREEN_COLUMNS 79
#define HELP_COLUMN 30

static void print_name(struct buffer *out, const struct cli *cli, const char *name,
                       enum argument argument)
{
    const char *value = inlay_cli_argument_name(argument);
    bool joined = value[0] == '\0' || strncmp(value, "[=", 2) == 0;
    inlay_cli_buffer_format(out, "%s%s%s%s", cli->prefix, name, joined ? "" : " ", value);
}

static void print_verb(struct buffer *out, const struct cli *cli, const struct verb *verb)
{
    size_t start = out->length;
    inlay_cli_buffer_text(out, "  ");
    print_name(out, cli, verb->name, verb->argument);
    size_t written = out->length - start;
    int blanks = written + 2 < HELP_COLUMN ? (int)(HELP_COLUMN - written) : 2;
    inlay_cli_buffer_format(out, "%*s%s\n", blanks, "", verb->help);
}

static void print_group(struct buffer *out, const struct cli *cli, enum group group)
{
    inlay_cli_buffer_format(out, "%s\n", group_titles[group]);
    for (const struct verb *verb = cli->verbs; verb->name; verb++) {
        if (verb->group == group)
            print_verb(out, cli, verb);
    }
}

/* Names alone, as many as a line holds. */
static void print_options(struct buffer *out, const struct cli *cli)
{
    size_t width = SCREEN_COLUMNS;
    for (const struct option *option = inlay_cli_options; option->name; option++) {
        size_t length = strlen(cli->prefix) + strlen(option->name);
        bool fits = width + 1 + length <= SCREEN_COLUMNS;
        inlay_cli_buffer_text(out, fits ? " " : out->length ? "\n  " : "  ");
        width = (fits ? width + 1 : 2) + length;
        inlay_cli_buffer_format(out, "%s%s", cli->prefix, option->name);
    }
    inlay_cli_buffer_text(out, "\n");
}

static void print_usage(struct buffer *out, const struct cli *cli)
{
    inlay_cli_buffer_text(out, "usage: ");
    inlay_cli_text_escape(out, cli->program, "");
    inlay_cli_buffer_text(out, " ");
}

static void print_screen(struct buffer *out, const struct cli *cli)
{
    print_usage(out, cli);
    inlay_cli_buffer_format(out, "%sVERB [%sOPTION ...]\n\n", cli->prefix, cli->prefix);
    for (int group = 0; group < GROUP_COUNT; group++)
        print_group(out, cli, (enum group)group);
    inlay_cli_buffer_format(out, "options (%shelp NAME says what a verb or an option does)",
                            cli->prefix);
    print_options(out, cli);
    inlay_cli_buffer_text(
        out, "environment: INLAY_DATABASE_URL, DATABASE_URL, PGHOST ..., INLAY_BACKUP_DIR\n"
             "exit status: 0 done, 1 failed, 2 wrong command line, 3 pending,\n"
             "  4 mismatch, 5 locked, 6 connection, 7 refused, 8 some targets, 128+n signal n\n");
}

static const char environment_text[] =
    "\nenvironment\n"
    "  INLAY_DATABASE_URL  the database, unless %sdatabase is given\n"
    "  DATABASE_URL        then this one, then libpq's own: PGHOST, PGUSER, ...\n"
    "  INLAY_BACKUP_DIR    where backups go\n"
    "  INLAY_BACKUP_KEEP   how many of them are kept\n"
    "  NO_COLOR            no colours on a terminal\n";

static const char exit_text[] =
    "\nexit status\n"
    "  0  done, or up to date\n"
    "  1  a migration failed; or no memory, or stdout could not be written\n"
    "  2  wrong command line, or not confirmed\n"
    "  3  something is pending (%scheck); %sawait: it still is,\n"
    "     or the database could not be read in time\n"
    "  4  history and binary disagree\n"
    "  5  a lock was not obtained in time, that of the migration or of a table;\n"
    "     or another tool or an index build is in the way: run again\n"
    "  6  the connection failed or was lost\n"
    "  7  refused: read-only, pooler, rights, a history that is not ours\n"
    "  8  some targets failed, or not all alike (%stargets)\n"
    "  128+n  stopped by signal n\n";

static void print_option(struct buffer *out, const struct cli *cli, const struct option *option)
{
    inlay_cli_buffer_text(out, "  ");
    print_name(out, cli, option->name, option->argument);
    inlay_cli_buffer_format(out, "\n      %s\n", option->help);
}

/* `@` stands for the prefix of an option. */
static void print_details(struct buffer *out, const struct cli *cli, const char *text)
{
    for (; *text; text++) {
        if (*text == '@')
            inlay_cli_buffer_text(out, cli->prefix);
        else
            inlay_cli_buffer_add(out, text, 1);
    }
}

static void print_all_of_verb(struct buffer *out, const struct cli *cli, const struct verb *verb)
{
    print_usage(out, cli);
    print_name(out, cli, verb->name, verb->argument);
    inlay_cli_buffer_format(out, " [%sOPTION ...]\n\n%s\n", cli->prefix, verb->help);
    if (verb->details)
        print_details(out, cli, verb->details);
    inlay_cli_buffer_text(out, "\noptions\n");
    for (const struct option *option = inlay_cli_options; option->name; option++) {
        if ((verb->uses & option->use) == (unsigned)option->use)
            print_option(out, cli, option);
    }
    if (verb->uses & USE_DATABASE) {
        inlay_cli_buffer_format(out, environment_text, cli->prefix);
        inlay_cli_buffer_format(out, exit_text, cli->prefix, cli->prefix, cli->prefix);
    }
}

static void print_all_of_option(struct buffer *out, const struct cli *cli,
                                const struct option *option)
{
    print_option(out, cli, option);
    inlay_cli_buffer_text(out, "goes with\n");
    for (const struct verb *verb = cli->verbs; verb->name; verb++) {
        if ((verb->uses & option->use) == (unsigned)option->use)
            inlay_cli_buffer_format(out, "  %s%s\n", cli->prefix, verb->name);
    }
}

void inlay_cli_help(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    const char *topic = cli->argument.text;
    const struct verb *verb =
        topic ? inlay_cli_options_find_verb(cli->verbs, topic, strlen(topic)) : NULL;
    (void)answer;
    if (!topic)
        print_screen(out, cli);
    else if (verb)
        print_all_of_verb(out, cli, verb);
    else
        print_all_of_option(out, cli, inlay_cli_options_find(topic, strlen(topic)));
}

#include "words/help.h"

#include "words/options.h"
#include "writing/text.h"

static const char *const group_titles[GROUP_COUNT] = {
    [GROUP_EVERY_DAY] = "every day",
    [GROUP_GOING_BACK] = "going back",
    [GROUP_ADOPTING] = "adopting",
    [GROUP_REPAIR] = "repair",
};

#define HELP_COLUMN 35

static void print_entry(struct buffer *out, const struct cli *cli, const char *name,
                        enum argument argument, const char *help)
{
    size_t start = out->length;
    inlay_cli_buffer_format(out, "  %s%s%s%s", cli->prefix, name,
                            argument == ARGUMENT_NAME ? "" : " ",
                            inlay_cli_argument_name(argument));
    size_t written = out->length - start;
    if (written + 1 >= HELP_COLUMN) {
        inlay_cli_buffer_text(out, "\n");
        written = 0;
    }
    inlay_cli_buffer_format(out, "%*s%s\n", (int)(HELP_COLUMN - written), "", help);
}

static void print_group(struct buffer *out, const struct cli *cli, enum group group)
{
    bool titled = false;
    for (const struct verb *verb = cli->verbs; verb->name; verb++) {
        if (verb->group != group)
            continue;
        if (!titled)
            inlay_cli_buffer_format(out, "\n%s\n", group_titles[group]);
        titled = true;
        print_entry(out, cli, verb->name, verb->argument, verb->help);
    }
}

static const char environment_text[] =
    "\nenvironment\n"
    "  INLAY_DATABASE_URL, DATABASE_URL   the database, in this order, where %sdatabase\n"
    "                                     is not given; then libpq's own: PGHOST, PGUSER, ...\n"
    "  INLAY_BACKUP_DIR                   where backups go\n"
    "  INLAY_BACKUP_KEEP                  how many of them are kept\n"
    "  NO_COLOR                           no colours on a terminal\n";

static const char exit_text[] =
    "\nexit status\n"
    "  0  done, or up to date\n"
    "  1  a migration failed; or no memory, or stdout could not be written\n"
    "  2  wrong command line, or not confirmed\n"
    "  3  something is pending (%scheck); %sawait: it still is,\n"
    "     or the database could not be read in time\n"
    "  4  history and binary disagree\n"
    "  5  the migration lock was not obtained in time, or was lost;\n"
    "     or another tool or an index build is in the way\n"
    "  6  the connection failed or was lost\n"
    "  7  refused: read-only, pooler, rights, a history that is not ours\n"
    "  128+n  stopped by signal n\n";

void inlay_cli_help(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    (void)answer;
    inlay_cli_buffer_text(out, "usage: ");
    inlay_cli_text_escape(out, cli->program, "");
    inlay_cli_buffer_format(out, " %sVERB [%sOPTION ...]\n", cli->prefix, cli->prefix);
    for (int group = 0; group < GROUP_COUNT; group++)
        print_group(out, cli, (enum group)group);
    inlay_cli_buffer_text(out, "\noptions\n");
    for (const struct option *option = inlay_cli_options; option->name; option++)
        print_entry(out, cli, option->name, option->argument, option->help);
    inlay_cli_buffer_format(out, environment_text, cli->prefix);
    inlay_cli_buffer_format(out, exit_text, cli->prefix, cli->prefix);
}

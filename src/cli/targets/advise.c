/* Says with which options the commands of a hint are about one target: "for acme:
 * --migrate-database 'host=db7 dbname=shop' --migrate-history acme.applied_migrations". */
#include "targets/advise.h"

#include <string.h>

#include "targets/list.h"
#include "words/options.h"
#include "writing/buffer.h"

#define PREFIX "--migrate-"

/* What is no option is a verb; --migrate-fresh goes with one. */
static bool has_command(const char *hint)
{
    for (const char *at = strstr(hint, PREFIX); at; at = strstr(at, PREFIX)) {
        at += strlen(PREFIX);
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz-");
        const struct option *option = inlay_cli_options_find(at, length);
        if (!option || strcmp(option->name, "fresh") == 0)
            return true;
    }
    return false;
}

/* These run migrations, which find the schema of the target by the search_path alone. */
static bool may_run_migrations(const char *hint)
{
    return strstr(hint, PREFIX "redo") || strstr(hint, PREFIX "fresh");
}

/* As a shell takes it. */
static void add_word(struct buffer *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=.,:/@";
    if (text[strspn(text, plain)] == '\0') {
        inlay_cli_buffer_text(out, text);
        return;
    }
    inlay_cli_buffer_text(out, "'");
    for (; *text; text++) {
        if (*text == '\'')
            inlay_cli_buffer_text(out, "'\\''");
        else
            inlay_cli_buffer_add(out, text, 1);
    }
    inlay_cli_buffer_text(out, "'");
}

static void add_database(struct buffer *out, const char *conninfo, bool shows)
{
    inlay_cli_buffer_text(out, " " PREFIX "database ");
    if (shows && !inlay_cli_list_may_hold_password(conninfo))
        add_word(out, conninfo);
    else
        inlay_cli_buffer_text(out, "URL (its connection string)");
}

static bool names_history(const char *hint, const char *name)
{
    static const char option[] = PREFIX "history ";
    for (const char *at = strstr(hint, option); at; at = strstr(at, option)) {
        at += strlen(option);
        if (strncmp(at + (*at == '\''), name, strlen(name)) == 0)
            return true;
    }
    return false;
}

/* The history of a schema, unless the hint names it. */
static void add_history(struct buffer *out, const struct cli *cli, const char *schema,
                        const char *hint)
{
    const char *history = cli->options.history ? cli->options.history : cli->set->history;
    const char *point = strchr(history, '.');
    struct buffer name = {0};
    inlay_cli_buffer_format(&name, "%s%s", schema, point ? point : "");
    if (!name.failed && !names_history(hint, name.data)) {
        inlay_cli_buffer_text(out, " " PREFIX "history ");
        add_word(out, name.data);
    }
    out->failed |= name.failed;
    inlay_cli_buffer_free(&name);
}

static void add_path(struct buffer *out, const struct cli *cli, const char *schema, bool first)
{
    const char *others = cli->options.search_path;
    struct buffer path = {0};
    inlay_cli_buffer_format(&path, "%s%s%s", schema, others ? "," : "", others ? others : "");
    inlay_cli_buffer_text(out, first ? " to" : "; to");
    inlay_cli_buffer_text(out, " run migrations, add " PREFIX "search-path ");
    if (!path.failed)
        add_word(out, path.data);
    out->failed |= path.failed;
    inlay_cli_buffer_free(&path);
}

/* False where it does not fit: a part of the line would lead elsewhere. */
static bool add_options(const struct cli *cli, const struct inlay_many_target *target,
                        bool shows_conninfo, struct inlay_error *error)
{
    size_t length = strlen(error->hint);
    struct buffer line = {0};
    inlay_cli_buffer_format(&line, "\nfor %s:", target->name);
    size_t begins = line.length;
    if (target->conninfo)
        add_database(&line, target->conninfo, shows_conninfo);
    if (target->schema)
        add_history(&line, cli, target->schema, error->hint);
    if (target->schema && may_run_migrations(error->hint))
        add_path(&line, cli, target->schema, line.length == begins);
    bool fits = !line.failed && length + line.length < sizeof error->hint;
    if (fits && line.length > begins)
        memcpy(error->hint + length, line.data, line.length + 1);
    inlay_cli_buffer_free(&line);
    return fits;
}

void inlay_cli_advise(const struct cli *cli, const struct inlay_many_target *target,
                      struct inlay_error *error)
{
    if (has_command(error->hint) && !add_options(cli, target, true, error))
        add_options(cli, target, false, error);
}

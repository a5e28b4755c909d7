/* Prints the results of a verb on stdout, for people. Errors and progress go to stderr: see say.c
 * and terminal/console.c. */
#include "report/report_text.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "writing/table.h"
#include "writing/text.h"

#define SHORT_CHECKSUM 12

/* A cell made of what `text` holds; empties it for the next. */
static void cell(struct table *table, enum style style, struct buffer *text)
{
    inlay_cli_table_cell(table, style, text->length && !text->failed ? text->data : "");
    table->cells.failed |= text->failed;
    inlay_cli_buffer_clear(text);
}

static void number_cell(struct table *table, struct buffer *text, int64_t number)
{
    if (number >= 0)
        inlay_cli_buffer_format(text, "%" PRId64, number);
    cell(table, STYLE_PLAIN, text);
}

static void checksum_cell(struct table *table, struct buffer *text, const char *checksum)
{
    if (checksum)
        inlay_cli_buffer_format(text, "%.*s", SHORT_CHECKSUM, checksum);
    cell(table, STYLE_PLAIN, text);
}

/* A version that is not embedded is as wide as the ones that are. */
static void version_cell(struct table *table, struct buffer *text, const struct inlay_set *set,
                         const struct inlay_status_entry *entry)
{
    if (entry->migration) {
        inlay_cli_text_version(text, entry->migration);
    } else if (entry->version == INLAY_REPEATABLE) {
        inlay_cli_buffer_text(text, TEXT_REPEATABLE);
    } else {
        if (set->migration_count > 0)
            inlay_cli_text_version(text, inlay_set_migration(set, 0));
        int width = (int)text->length;
        inlay_cli_buffer_clear(text);
        inlay_cli_buffer_format(text, "%0*" PRId64, width, entry->version);
    }
    cell(table, STYLE_PLAIN, text);
}

/* The server's "2026-01-24 10:00:00.123456+00", without fractions of a second. */
static void write_time(struct buffer *out, const char *time)
{
    size_t whole = strcspn(time, ".");
    const char *rest = time + whole;
    inlay_cli_buffer_add(out, time, whole);
    if (rest[0])
        inlay_cli_buffer_text(out, rest + 1 + strspn(rest + 1, "0123456789"));
}

static void time_cell(struct table *table, struct buffer *text, const char *applied_at)
{
    if (applied_at)
        write_time(text, applied_at);
    cell(table, STYLE_PLAIN, text);
}

static void elapsed_cell(struct table *table, struct buffer *text, int64_t elapsed_ms)
{
    if (elapsed_ms >= 0)
        inlay_cli_text_duration(text, elapsed_ms);
    cell(table, STYLE_PLAIN, text);
}

/* Progress of a row that is there is that of undoing it. */
static void progress_note(struct buffer *text, const struct inlay_status_entry *entry)
{
    const struct inlay_migration *migration = entry->migration;
    bool down = entry->recorded_name != NULL;
    inlay_cli_buffer_format(text, "%shalf %s, %" PRId64 " of %zu", text->length ? ", " : "",
                            down ? "undone" : "done", entry->statements_done,
                            down ? migration->down.statement_count : migration->up.statement_count);
    if (entry->statement_open > 0)
        inlay_cli_buffer_format(text, ", whether statement %zu is done is not known",
                                entry->statement_open);
}

static void add_note(struct buffer *text, bool applies, const char *note)
{
    if (applies)
        inlay_cli_buffer_format(text, "%s%s", text->length ? ", " : "", note);
}

/* "replaces 1..300", ", replaces 1..300" */
static void replaces_note(struct buffer *text, const struct inlay_migration *migration)
{
    if (migration && migration->replaces)
        inlay_cli_buffer_format(text, "%sreplaces %" PRId64 "..%" PRId64, text->length ? ", " : "",
                                migration->replaces->first, migration->replaces->last);
}

static void repeatable_note(struct buffer *text, const struct inlay_status_entry *entry)
{
    add_note(text, entry->state == INLAY_STATE_PENDING && entry->recorded_name, "changed");
    add_note(text, entry->state == INLAY_STATE_REPLACED, "the database is newer");
    add_note(text, entry->state == INLAY_STATE_UNKNOWN, "left alone");
}

/* Of one that is to be recorded; what is missing of those comes first. */
static const char *applied_note(const struct inlay_status *status,
                                const struct inlay_migration *migration)
{
    for (size_t i = 0; i < status->entry_count; i++) {
        const struct inlay_status_entry *entry = inlay_status_at(status, i);
        if (entry->state == INLAY_STATE_PENDING && entry->version >= migration->replaces->first &&
            entry->version <= migration->replaces->last)
            return "which are applied first";
    }
    return "which are applied";
}

static void note_cell(struct table *table, struct buffer *text, const struct inlay_status *status,
                      const struct inlay_status_entry *entry)
{
    bool repeatable = entry->version == INLAY_REPEATABLE;
    if (repeatable)
        repeatable_note(text, entry);
    else if (entry->state == INLAY_STATE_RENAMED)
        inlay_cli_buffer_format(text, "recorded as \"%s\"", entry->recorded_name);
    else if (entry->state == INLAY_STATE_EDITED)
        inlay_cli_buffer_format(text, "recorded with %.*s", SHORT_CHECKSUM,
                                entry->recorded_checksum);
    else if (entry->state == INLAY_STATE_APPLIED && !entry->recorded_checksum)
        inlay_cli_buffer_text(text, "recorded without checksum");
    add_note(text, entry->late, "late");
    replaces_note(text, entry->migration);
    if (entry->recorded && entry->state == INLAY_STATE_PENDING)
        add_note(text, true, applied_note(status, entry->migration));
    add_note(text, entry->down_kept && !entry->migration, "its down script is stored");
    if (entry->statements_done >= 0 && entry->migration)
        progress_note(text, entry);
    cell(table, STYLE_PLAIN, text);
}

static enum style state_style(enum inlay_state state)
{
    if (state == INLAY_STATE_APPLIED || state == INLAY_STATE_REPLACED)
        return STYLE_GOOD;
    return state == INLAY_STATE_PENDING || state == INLAY_STATE_UNKNOWN ? STYLE_WAIT : STYLE_BAD;
}

static void status_row(struct table *table, struct buffer *text, const struct inlay_set *set,
                       const struct inlay_status *status, const struct inlay_status_entry *entry)
{
    version_cell(table, text, set, entry);
    inlay_cli_table_cell(table, STYLE_PLAIN, entry->name);
    inlay_cli_table_cell(table, state_style(entry->state), inlay_state_name(entry->state));
    time_cell(table, text, entry->applied_at);
    number_cell(table, text, entry->batch);
    elapsed_cell(table, text, entry->elapsed_ms);
    checksum_cell(table, text,
                  entry->migration ? entry->migration->sha256 : entry->recorded_checksum);
    note_cell(table, text, status, entry);
}

static void status_table(struct buffer *out, const struct inlay_set *set,
                         const struct inlay_status *status)
{
    static const struct column columns[] = {
        {.title = "version"},
        {.title = "name", .shortens = true},
        {.title = "state"},
        {.title = "applied at", .rank = 4},
        {.title = "batch", .right = true, .rank = 3},
        {.title = "elapsed", .right = true, .rank = 2},
        {.title = "checksum", .rank = 1},
        {.title = ""},
    };
    struct table table = {
        .columns = columns,
        .column_count = sizeof columns / sizeof columns[0],
        .colour = inlay_cli_console_colour_wanted(STDOUT_FILENO),
        .width = inlay_cli_console_columns(STDOUT_FILENO),
    };
    struct buffer text = {0};
    for (size_t i = 0; i < status->entry_count; i++)
        status_row(&table, &text, set, status, inlay_status_at(status, i));
    inlay_cli_table_print(&table, out);
    inlay_cli_buffer_free(&text);
}

static void status_heading(struct buffer *out, const struct inlay_status *status)
{
    inlay_cli_buffer_text(out, "database ");
    inlay_cli_text_escape(out, status->database, "");
    inlay_cli_buffer_text(out, ", role ");
    inlay_cli_text_escape(out, status->role, "");
    inlay_cli_buffer_text(out, ", history ");
    inlay_cli_text_escape(out, status->history, "");
    if (!status->history_exists)
        inlay_cli_buffer_text(out, " (does not exist yet)");
    if (status->read_only)
        inlay_cli_buffer_text(out, ", read-only");
    inlay_cli_buffer_text(out, "\n");
}

/* "the migration lock is held by pid 4711 (inlay from 10.0.0.7), connected since TIME: STATEMENT"
 */
static void status_holder(struct buffer *out, const struct inlay_lock_holder *holder)
{
    if (!holder)
        return;
    inlay_cli_buffer_format(out, "the migration lock is held by pid %" PRId64, holder->pid);
    if (holder->application && holder->application[0]) {
        inlay_cli_buffer_text(out, " (");
        inlay_cli_text_escape(out, holder->application, "");
        if (holder->address)
            inlay_cli_buffer_format(out, " from %s", holder->address);
        inlay_cli_buffer_text(out, ")");
    }
    if (holder->since) {
        inlay_cli_buffer_text(out, ", connected since ");
        write_time(out, holder->since);
    }
    if (holder->statement && holder->statement[0]) {
        inlay_cli_buffer_text(out, ": ");
        inlay_cli_text_escape(out, holder->statement, "");
    }
    inlay_cli_buffer_text(out, "\n");
}

static void status_verdict(struct buffer *out, const struct cli *cli,
                           const struct inlay_status *status)
{
    if (status->verdict.code != INLAY_OK) {
        inlay_cli_text_error(out, &status->verdict);
        return;
    }
    if (status->pending == 0) {
        inlay_cli_text_up_to_date(out, cli->set);
    } else {
        inlay_cli_text_count(out, status->pending, "migration");
        inlay_cli_buffer_format(out, " pending: %sonly applies %s in batch %" PRId64, cli->prefix,
                                status->pending == 1 ? "it" : "them", status->next_batch);
    }
    if (status->unknown > 0)
        inlay_cli_buffer_format(out, "; %zu in the history %s not in this binary", status->unknown,
                                status->unknown == 1 ? "is" : "are");
    inlay_cli_buffer_text(out, "\n");
}

void inlay_cli_report_text_status(struct buffer *out, const struct cli *cli,
                                  const struct answer *answer)
{
    status_heading(out, answer->status);
    status_table(out, cli->set, answer->status);
    status_holder(out, answer->status->lock_holder);
    status_verdict(out, cli, answer->status);
}

/* " (2 statements, no transaction, late)" */
static void dry_run_details(struct buffer *out, const struct inlay_status_entry *entry)
{
    const struct inlay_script *up = &entry->migration->up;
    inlay_cli_buffer_text(out, " (");
    if (up->function)
        inlay_cli_buffer_text(out, "in C");
    else
        inlay_cli_text_count(out, up->statement_count, "statement");
    if (up->flags & INLAY_SCRIPT_NO_TRANSACTION)
        inlay_cli_buffer_text(out, ", no transaction");
    if (entry->late)
        inlay_cli_buffer_text(out, ", late");
    if (entry->statements_done >= 0)
        inlay_cli_buffer_format(out, ", %" PRId64 " already done", entry->statements_done);
    replaces_note(out, entry->migration);
    inlay_cli_buffer_text(out, ")\n");
}

/* " (replaces 1..300, which are applied)" */
static void record_details(struct buffer *out, const struct inlay_status *status,
                           const struct inlay_migration *migration)
{
    inlay_cli_buffer_format(out, " (replaces %" PRId64 "..%" PRId64 ", %s)\n",
                            migration->replaces->first, migration->replaces->last,
                            applied_note(status, migration));
}

void inlay_cli_report_text_dry_run(struct buffer *out, const struct cli *cli,
                                   const struct answer *answer)
{
    const struct inlay_status *status = answer->status;
    if (cli->set->adopt && status->pending == status->entry_count)
        inlay_cli_buffer_format(out, "would first adopt what %s has applied, if it is there\n",
                                cli->set->adopt);
    for (size_t i = 0; i < status->entry_count; i++) {
        const struct inlay_status_entry *entry = inlay_status_at(status, i);
        if (entry->state != INLAY_STATE_PENDING)
            continue;
        inlay_cli_buffer_text(out, entry->recorded ? "would record " : "would apply ");
        inlay_cli_text_label(out, entry->migration);
        if (entry->recorded)
            record_details(out, status, entry->migration);
        else
            dry_run_details(out, entry);
    }
    if (status->pending == 0) {
        inlay_cli_text_up_to_date(out, cli->set);
        inlay_cli_buffer_text(out, "\n");
        return;
    }
    inlay_cli_text_count(out, status->pending, "migration");
    inlay_cli_buffer_format(out, " would be applied in batch %" PRId64 "; nothing was written\n",
                            status->next_batch);
}

static void list_row(struct table *table, struct buffer *text,
                     const struct inlay_migration *migration)
{
    inlay_cli_text_version(text, migration);
    cell(table, STYLE_PLAIN, text);
    inlay_cli_table_cell(table, STYLE_PLAIN, migration->name);
    number_cell(table, text, migration->up.function ? -1 : (int64_t)migration->up.statement_count);
    checksum_cell(table, text, migration->sha256);
    add_note(text, migration->up.function != NULL, "in C");
    add_note(text, migration->up.flags & INLAY_SCRIPT_NO_TRANSACTION, "no transaction");
    add_note(text, inlay_cli_text_has_down(migration), "has down");
    replaces_note(text, migration);
    cell(table, STYLE_PLAIN, text);
}

static void list_all(struct buffer *out, const struct cli *cli)
{
    static const struct column columns[] = {
        {.title = "version"},
        {.title = "name", .shortens = true},
        {.title = "statements", .right = true, .rank = 2},
        {.title = "checksum", .rank = 1},
        {.title = ""},
    };
    struct table table = {
        .columns = columns,
        .column_count = sizeof columns / sizeof columns[0],
        .colour = inlay_cli_console_colour_wanted(STDOUT_FILENO),
        .width = inlay_cli_console_columns(STDOUT_FILENO),
    };
    struct buffer text = {0};
    for (size_t i = 0; i < cli->set->migration_count; i++)
        list_row(&table, &text, inlay_set_migration(cli->set, i));
    for (size_t i = 0; i < cli->set->repeatable_count; i++)
        list_row(&table, &text, inlay_set_repeatable(cli->set, i));
    inlay_cli_table_print(&table, out);
    inlay_cli_buffer_free(&text);
    inlay_cli_text_size(out, cli->set);
    inlay_cli_buffer_format(out, " from %s, history %s\n", cli->set->directory, cli->set->history);
}

void inlay_cli_report_text_show(struct buffer *out, const struct cli *cli,
                                const struct answer *answer)
{
    if (!cli->argument.text)
        list_all(out, cli);
    else if (answer->migration)
        inlay_cli_buffer_add(out, answer->migration->up.text, answer->migration->up.length);
    else
        inlay_cli_buffer_text(out, answer->kept->text);
}

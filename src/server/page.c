/* The page: what an operator wants to see of a database, without a script. */
#include "document.h"
#include "row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How many digits of a checksum are shown; the whole of it is in a tooltip and in the document. */
#define CHECKSUM_SHOWN 12

/* While something is going on the page loads itself again. */
#define RELOAD_SECONDS 2

/* ---- cells ---- */

static void open_cell(struct writer *writer, const char *label)
{
    write_format(writer, "<td data-label=\"%s\">", label);
}

static void write_state(struct writer *writer, const struct row *row)
{
    write_format(writer,
                 "<td class=\"state\"><span class=\"badge\"><span aria-hidden=\"true\">%s</span> "
                 "%s%s</span></td>",
                 row->sign, row->state, row->late ? ", late" : "");
}

/* What was begun without a transaction and not finished: applied where there is no row of it yet,
 * undone where there still is one. */
static void write_half(struct writer *writer, const struct row *row)
{
    bool undone = row->recorded_name != NULL;
    const struct inlay_migration *migration = row->migration;
    size_t count = 0;

    if (migration != NULL)
        count = undone ? migration->down.statement_count : migration->up.statement_count;
    write_format(writer, "<small>half %s: %" PRId64 " of %zu statements</small>",
                 undone ? "undone" : "done", row->statements_done, count);
}

static void write_names(struct writer *writer, const struct row *row)
{
    write_text(writer, "<th scope=\"row\" class=\"name\"><span class=\"version\">");
    if (row->migration != NULL)
        write_version(writer, row->migration);
    else
        write_format(writer, "%03" PRId64, row->version);
    write_text(writer, "</span> <bdi>");
    write_html(writer, row->name, "");
    write_text(writer, "</bdi>");
    if (row->migration == NULL)
        write_text(writer, "<small>not in this binary</small>");
    if (strcmp(row->state, "renamed") == 0) {
        write_text(writer, "<small>applied as <bdi>");
        write_html(writer, row->recorded_name, "");
        write_text(writer, "</bdi></small>");
    }
    if (row->statements_done >= 0)
        write_half(writer, row);
    write_text(writer, "</th>");
}

/* "2026-11-21T10:00:07.024328+00:00" as "2026-11-21 10:00:07 UTC". */
static void write_when(struct writer *writer, const char *applied_at)
{
    char shown[64];
    const char *zone;

    open_cell(writer, "applied");
    if (applied_at != NULL && strlen(applied_at) >= 19) {
        zone = applied_at + 19 + strspn(applied_at + 19, ".0123456789");
        if (strcmp(zone, "+00:00") == 0)
            zone = "UTC";
        snprintf(shown, sizeof shown, "%.10s %.8s %s", applied_at, applied_at + 11, zone);
        write_text(writer, "<time datetime=\"");
        write_html(writer, applied_at, "");
        write_text(writer, "\">");
        write_html(writer, shown, "");
        write_text(writer, "</time>");
    }
    write_text(writer, "</td>");
}

static void write_numbers(struct writer *writer, const struct row *row)
{
    open_cell(writer, "took");
    if (row->elapsed_ms >= 0)
        write_duration(writer, row->elapsed_ms);
    write_text(writer, "</td>");
    open_cell(writer, "batch");
    if (row->batch >= 0)
        write_format(writer, "%" PRId64, row->batch);
    write_text(writer, "</td>");
}

static void write_checksum(struct writer *writer, const char *before, const char *checksum)
{
    char shown[CHECKSUM_SHOWN + 1];

    snprintf(shown, sizeof shown, "%s", checksum);
    write_format(writer, "<span>%s <code title=\"", before);
    write_html(writer, checksum, "");
    write_text(writer, "\">");
    write_html(writer, shown, "");
    write_text(writer, "</code></span>");
}

/* An edited one has two. */
static void write_checksums(struct writer *writer, const struct row *row)
{
    const char *recorded = row->recorded_checksum;
    const char *embedded = row->migration != NULL ? row->migration->sha256 : NULL;

    open_cell(writer, "checksum");
    if (recorded != NULL && embedded != NULL && strcmp(recorded, embedded) != 0) {
        write_checksum(writer, "<small>applied</small>", recorded);
        write_text(writer, " ");
        write_checksum(writer, "<small>binary</small>", embedded);
    } else if (recorded != NULL) {
        write_checksum(writer, "", recorded);
    } else if (row->recorded_name != NULL) {
        write_text(writer, "<small>not recorded</small>");
    } else if (embedded != NULL) {
        write_checksum(writer, "", embedded);
    }
    write_text(writer, "</td>");
}

static void write_row(struct writer *writer, const struct row *row)
{
    write_format(writer, "<tr class=\"%s\">", row->state);
    write_state(writer, row);
    write_names(writer, row);
    write_when(writer, row->applied_at);
    write_numbers(writer, row);
    write_checksums(writer, row);
    write_text(writer, "</tr>\n");
}

/* The newest first: that is what one comes to see. */
static void write_table(struct writer *writer, const struct snapshot *now)
{
    write_text(writer, "<table>\n<thead><tr><th scope=\"col\">state</th><th scope=\"col\">migration"
                       "</th><th scope=\"col\">applied</th><th scope=\"col\">took</th>"
                       "<th scope=\"col\">batch</th><th scope=\"col\">checksum</th></tr></thead>\n"
                       "<tbody>\n");
    for (size_t i = row_count(now); i-- > 0;) {
        struct row row = row_at(now, i);
        write_row(writer, &row);
    }
    write_text(writer, "</tbody>\n</table>\n");
}

/* ---- above the table ---- */

static const char *mood_of(enum condition condition)
{
    if (condition == CONDITION_READY)
        return "good";
    return condition < CONDITION_PENDING ? "busy" : "bad";
}

static const char *mood_sign(enum condition condition)
{
    if (condition == CONDITION_READY)
        return "\xE2\x9C\x93";
    return condition < CONDITION_PENDING ? "\xE2\x80\xA6" : "\xE2\x9C\x95";
}

static void write_banner(struct writer *writer, const struct snapshot *now,
                         const struct readiness *readiness)
{
    struct reason reason = reason_of(now, readiness);

    write_format(writer, "<header class=\"%s\">\n<h1><span aria-hidden=\"true\">%s</span> ",
                 mood_of(readiness->condition), mood_sign(readiness->condition));
    write_headline(writer, now, readiness);
    write_text(writer, "</h1>\n");
    if (now->phase == PHASE_MIGRATING)
        write_format(writer, "<progress value=\"%zu\" max=\"%zu\"></progress>\n",
                     now->index > 0 ? now->index - 1 : 0, now->count);
    if (reason.text[0] != '\0') {
        write_text(writer, "<pre>");
        write_html(writer, reason.text, "\n\t");
        write_text(writer, "</pre>\n");
    }
    if (now->status != NULL && now->status->unknown > 0) {
        write_text(writer, "<p>");
        write_warning(writer, now);
        write_text(writer, "</p>\n");
    }
    write_text(writer, "</header>\n");
}

static void write_count(struct writer *writer, const char *state, const char *sign, size_t count)
{
    if (count > 0)
        write_format(writer, "<li class=\"%s\"><span aria-hidden=\"true\">%s</span> %zu %s</li>",
                     state, sign, count, state);
}

/* From the rows and not from the status: what was applied since counts. */
static void write_counts(struct writer *writer, const struct snapshot *now)
{
    static const char *const states[] = {"failed",  "edited",  "renamed", "running",
                                         "pending", "unknown", "applied", "unread"};

    write_text(writer, "<ul class=\"counts\">");
    for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
        size_t count = 0;
        const char *sign = "";
        for (size_t i = 0; i < row_count(now); i++) {
            struct row row = row_at(now, i);
            if (strcmp(row.state, states[s]) == 0) {
                sign = row.sign;
                count++;
            }
        }
        write_count(writer, states[s], sign, count);
    }
    write_text(writer, "</ul>\n");
}

static void write_fact(struct writer *writer, const char *name, const char *value)
{
    write_format(writer, "<div><dt>%s</dt><dd><bdi>", name);
    write_html(writer, value, "");
    write_text(writer, "</bdi></dd></div>");
}

static void write_facts(struct writer *writer, const struct snapshot *now)
{
    const struct inlay_status *status = now->status;

    write_text(writer, "<dl>");
    if (status != NULL) {
        write_fact(writer, "database", status->database);
        write_fact(writer, "role", status->role);
        write_fact(writer, "history", status->history);
        if (status->read_only)
            write_fact(writer, "access", "read-only");
    }
    write_format(writer,
                 "<div><dt>set</dt><dd>%zu migrations <code title=\"%s\">%.12s</code></dd>"
                 "</div>",
                 now->set->migration_count, now->set->digest, now->set->digest);
    if (status != NULL) {
        write_text(writer, "<div><dt>read</dt><dd>");
        write_duration(writer, clock_ms() - now->answered_at);
        write_text(writer, " ago</dd></div>");
    }
    write_text(writer, "</dl>\n");
}

static void write_head(struct writer *writer, const struct readiness *readiness)
{
    bool busy = strcmp(mood_of(readiness->condition), "busy") == 0;

    write_text(writer, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (busy)
        write_format(writer, "<meta http-equiv=\"refresh\" content=\"%d\">\n", RELOAD_SECONDS);
    write_format(writer,
                 "<title>%s: migrations</title>\n"
                 "<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n",
                 condition_name(readiness->condition));
}

void write_page(struct writer *writer, const struct snapshot *now,
                const struct readiness *readiness)
{
    write_head(writer, readiness);
    write_text(writer, "<body>\n");
    write_banner(writer, now, readiness);
    write_text(writer, "<main>\n");
    write_facts(writer, now);
    write_counts(writer, now);
    write_table(writer, now);
    write_text(writer, "</main>\n<footer>inlay " INLAY_VERSION
                       " \xC2\xB7 <a href=\"status.json\">status.json</a> \xC2\xB7 "
                       "<a href=\"readyz\">readyz</a></footer>\n</body>\n</html>\n");
}

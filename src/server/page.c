/* The page: what an operator wants to see of a database, without a script. */
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "writing/text.h"

/* While something is going on the page loads itself again. */
#define RELOAD_SECONDS 2

const char style_sheet[] =
    ":root { color-scheme: light dark; }\n"
    "body { margin: 1rem auto; max-width: 60rem; padding: 0 1rem; font: 1rem/1.45 sans-serif; }\n"
    "h1 { padding-left: .6rem; border-left: .4rem solid; font-size: 1.35rem; }\n"
    ".good h1 { border-color: #17934a; } .busy h1 { border-color: #c08000; }\n"
    ".bad h1 { border-color: #d32f2f; }\n"
    "progress { width: 100%; }\n"
    "pre { white-space: pre-wrap; overflow-wrap: anywhere; }\n"
    "table { width: 100%; border-collapse: collapse; }\n"
    "th, td { padding: .2rem .6rem .2rem 0; text-align: left; vertical-align: top;\n"
    "  border-bottom: 1px solid #8884; font-weight: normal; overflow-wrap: anywhere; }\n"
    "tr:not(.applied) td:first-child { font-weight: bold; }\n";

static const char *html_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void write_html(struct buffer *out, const char *text, const char *keep)
{
    struct buffer plain = {0};

    inlay_cli_text_escape(&plain, text, keep);
    for (size_t i = 0; i < plain.length; i++) {
        const char *entity = html_entity(plain.data[i]);
        if (entity != NULL)
            inlay_cli_buffer_text(out, entity);
        else
            inlay_cli_buffer_add(out, &plain.data[i], 1);
    }
    out->failed |= plain.failed;
    inlay_cli_buffer_free(&plain);
}

/* ---- the table ---- */

/* "2026-11-21T10:00:07.024328+00:00" as "2026-11-21 10:00:07 UTC". */
static void write_when(struct buffer *out, const char *applied_at)
{
    char shown[64];

    if (applied_at == NULL || strlen(applied_at) < 19)
        return;
    const char *zone = applied_at + 19 + strspn(applied_at + 19, ".0123456789");
    snprintf(shown, sizeof shown, "%.10s %.8s %s", applied_at, applied_at + 11,
             strcmp(zone, "+00:00") == 0 ? "UTC" : zone);
    write_html(out, shown, "");
}

static void write_name(struct buffer *out, const struct inlay_status_entry *entry)
{
    if (entry->migration != NULL)
        inlay_cli_text_version(out, entry->migration);
    else
        inlay_cli_buffer_format(out, "%03" PRId64, entry->version);
    inlay_cli_buffer_text(out, " <bdi>");
    write_html(out, entry->name, "");
    inlay_cli_buffer_text(out, "</bdi>");
}

static void write_row(struct buffer *out, const struct inlay_status_entry *entry)
{
    const char *state = inlay_state_name(entry->state);

    inlay_cli_buffer_format(out, "<tr class=\"%s\"><td>%s%s</td><th scope=\"row\">", state, state,
                            entry->late ? ", late" : "");
    write_name(out, entry);
    inlay_cli_buffer_text(out, "</th><td>");
    write_when(out, entry->applied_at);
    inlay_cli_buffer_text(out, "</td><td>");
    if (entry->elapsed_ms >= 0)
        inlay_cli_text_duration(out, entry->elapsed_ms);
    inlay_cli_buffer_text(out, "</td></tr>\n");
}

/* The newest first: that is what one comes to see. */
static void write_table(struct buffer *out, const struct inlay_status *status)
{
    inlay_cli_buffer_text(out, "<table>\n<thead><tr><th scope=\"col\">state</th>"
                               "<th scope=\"col\">migration</th><th scope=\"col\">applied</th>"
                               "<th scope=\"col\">took</th></tr></thead>\n<tbody>\n");
    for (size_t i = status->entry_count; i-- > 0;)
        write_row(out, inlay_status_at(status, i));
    inlay_cli_buffer_text(out, "</tbody>\n</table>\n");
}

/* ---- around it ---- */

/* Which of several servers this is. */
static void write_identity(struct buffer *out, const struct snapshot *now)
{
    struct tm utc;
    char since[32];

    strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now->since, &utc));
    inlay_cli_buffer_text(out, "<p><bdi>");
    write_html(out, now->program, "");
    inlay_cli_buffer_text(out, "</bdi> on <bdi>");
    write_html(out, now->host, "");
    inlay_cli_buffer_format(out, "</bdi> since %s", since);
    if (now->status != NULL)
        inlay_cli_buffer_format(out, ", PostgreSQL %d.%d", now->status->server_version / 10000,
                                now->status->server_version % 10000);
    inlay_cli_buffer_text(out, "</p>\n");
}

static void write_details(struct buffer *out, const struct snapshot *now,
                          const struct readiness *readiness)
{
    struct reason reason = reason_of(now, readiness);

    inlay_cli_buffer_text(out, "<pre>");
    write_html(out, reason.text, "\n\t");
    write_warning(out, now);
    inlay_cli_buffer_text(out, "</pre>\n");
    write_identity(out, now);
    if (now->status == NULL)
        return;
    inlay_cli_buffer_text(out, "<p>database <bdi>");
    write_html(out, now->status->database, "");
    inlay_cli_buffer_text(out, "</bdi>, role <bdi>");
    write_html(out, now->status->role, "");
    inlay_cli_buffer_text(out, "</bdi>, history <bdi>");
    write_html(out, now->status->history, "");
    inlay_cli_buffer_text(out, "</bdi>, read ");
    inlay_cli_text_duration(out, clock_ms() - now->answered_at);
    inlay_cli_buffer_text(out, " ago</p>\n");
    write_table(out, now->status);
}

static const char *mood_of(enum condition condition)
{
    if (condition == CONDITION_READY)
        return "good";
    return condition < CONDITION_PENDING ? "busy" : "bad";
}

static void write_head(struct buffer *out, enum condition condition)
{
    bool busy = strcmp(mood_of(condition), "busy") == 0;

    inlay_cli_buffer_text(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n"
                               "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                               "content=\"width=device-width, initial-scale=1\">\n");
    if (busy)
        inlay_cli_buffer_format(out, "<meta http-equiv=\"refresh\" content=\"%d\">\n",
                                RELOAD_SECONDS);
    inlay_cli_buffer_format(out,
                            "<title>%s: migrations</title>\n"
                            "<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n",
                            condition_name(condition));
}

void write_page(struct buffer *out, const struct snapshot *now, const struct readiness *readiness,
                bool details)
{
    write_head(out, readiness->condition);
    inlay_cli_buffer_format(out, "<body class=\"%s\">\n<h1>", mood_of(readiness->condition));
    write_headline(out, now, readiness);
    inlay_cli_buffer_text(out, "</h1>\n");
    if (now->phase == PHASE_MIGRATING)
        inlay_cli_buffer_format(out, "<progress value=\"%zu\" max=\"%zu\"></progress>\n",
                                now->index > 0 ? now->index - 1 : 0, now->count);
    inlay_cli_buffer_text(out, "<p>next: ");
    write_html(out, next_step(now, readiness->condition), "");
    inlay_cli_buffer_text(out, "</p>\n");
    if (details)
        write_details(out, now, readiness);
    inlay_cli_buffer_text(out, "<p>inlay " INLAY_VERSION ", <a href=\"status.json\">status.json"
                               "</a>, <a href=\"readyz\">readyz</a></p>\n</body>\n</html>\n");
}

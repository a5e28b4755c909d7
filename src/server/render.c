#include "render.h"
#include "style.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names come from files and from the database: neither is to be trusted. */
static void put_html(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*c, out);
        }
    }
}

static void put_json(FILE *out, const char *text)
{
    if (text == NULL) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

/* ---- one migration ---- */

/* A sign beside the word: states are told apart without colour too. */
static const char *sign(enum inlay_state state)
{
    switch (state) {
    case INLAY_STATE_APPLIED:
        return "&#10003;";
    case INLAY_STATE_PENDING:
        return "&#8230;";
    case INLAY_STATE_UNKNOWN:
        return "?";
    default:
        return "!";
    }
}

static void put_cell(FILE *out, const char *label, const char *text)
{
    fprintf(out, "<dd class=\"%s\">", label);
    put_html(out, text);
    fputs("</dd>", out);
}

static void put_number(FILE *out, const char *label, int64_t number, const char *unit)
{
    char text[48] = "";

    if (number >= 0)
        snprintf(text, sizeof text, "%s%lld%s", strcmp(label, "batch") == 0 ? "batch " : "",
                 (long long)number, unit);
    put_cell(out, label, text);
}

/* "2026-11-21T10:00:07.024328+00:00" to the second. */
static void put_time(FILE *out, const char *applied_at)
{
    char text[32] = "";

    if (applied_at != NULL)
        snprintf(text, sizeof text, "%.10s %.8s", applied_at,
                 strlen(applied_at) > 19 ? applied_at + 11 : "");
    fputs("<dd class=\"when\"", out);
    if (applied_at != NULL) {
        fputs(" title=\"", out);
        put_html(out, applied_at);
        fputc('"', out);
    }
    fputc('>', out);
    put_html(out, text);
    fputs("</dd>", out);
}

static void put_row(FILE *out, const struct inlay_status_entry *entry)
{
    const char *checksum = entry->recorded_checksum;
    const char *state = inlay_state_name(entry->state);
    char shortened[16];

    if (checksum == NULL)
        checksum = entry->migration != NULL && entry->recorded_name == NULL
                       ? entry->migration->sha256
                       : "";
    snprintf(shortened, sizeof shortened, "%.12s", checksum);
    fprintf(out,
            "<li class=\"%s\"><dl><dt><span class=\"version\">%lld</span> <span class=\"name\">",
            state, (long long)entry->version);
    put_html(out, entry->name);
    fprintf(out, "</span></dt><dd class=\"state\"><i>%s</i> %s%s</dd>", sign(entry->state), state,
            entry->late ? ", late" : "");
    put_time(out, entry->applied_at);
    put_number(out, "took", entry->elapsed_ms, " ms");
    put_number(out, "batch", entry->batch, "");
    put_cell(out, "checksum", shortened);
    fputs("</dl></li>\n", out);
}

char *render_table(const struct inlay_status *status)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    fputs("<p class=\"where\">database <b>", out);
    put_html(out, status->database);
    fputs("</b>, history <b>", out);
    put_html(out, status->history);
    fprintf(out, "</b>: %zu applied, %zu pending, %zu unknown, %zu disagreeing</p>\n<ol>\n",
            status->applied, status->pending, status->unknown, status->mismatched);
    /* The newest first: that is what one comes to see. */
    for (size_t i = status->entry_count; i-- > 0;)
        put_row(out, &status->entries[i]);
    fputs("</ol>\n", out);
    fclose(out);
    return text;
}

static void put_json_entry(FILE *out, const struct inlay_status_entry *entry)
{
    fprintf(out, "{\"version\":\"%lld\",\"state\":\"%s\",\"late\":%s,\"name\":",
            (long long)entry->version, inlay_state_name(entry->state),
            entry->late ? "true" : "false");
    put_json(out, entry->name);
    fputs(",\"applied_at\":", out);
    put_json(out, entry->applied_at);
    fputs(",\"checksum\":", out);
    put_json(out, entry->recorded_checksum);
    if (entry->batch >= 0)
        fprintf(out, ",\"batch\":%lld", (long long)entry->batch);
    if (entry->elapsed_ms >= 0)
        fprintf(out, ",\"elapsed_ms\":%lld", (long long)entry->elapsed_ms);
    fputc('}', out);
}

char *render_json(const struct inlay_status *status)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    fputc('[', out);
    for (size_t i = 0; i < status->entry_count; i++) {
        if (i > 0)
            fputs(",\n ", out);
        put_json_entry(out, &status->entries[i]);
    }
    fputc(']', out);
    fclose(out);
    return text;
}

/* ---- the whole ---- */

const char *render_phase(enum phase phase)
{
    switch (phase) {
    case PHASE_CONNECTING:
        return "connecting";
    case PHASE_WAITING:
        return "waiting";
    case PHASE_MIGRATING:
        return "migrating";
    case PHASE_PENDING:
        return "pending";
    case PHASE_BROKEN:
        return "broken";
    case PHASE_READY:
        return "ready";
    default:
        return "starting";
    }
}

static void put_readiness(FILE *out, const struct view *view)
{
    fputs(render_phase(view->phase), out);
    if (view->phase == PHASE_MIGRATING)
        fprintf(out, " %zu/%zu %s", view->index, view->count, view->name);
    fputc('\n', out);
    if (view->phase != PHASE_MIGRATING && view->reason[0] != '\0')
        fprintf(out, "%s%s", view->reason,
                view->reason[strlen(view->reason) - 1] == '\n' ? "" : "\n");
}

char *render_readiness(const struct view *view)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    put_readiness(out, view);
    fclose(out);
    return text;
}

char *render_document(const struct view *view)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    fprintf(out, "{\"phase\":\"%s\",\"ready\":%s,\"index\":%zu,\"count\":%zu,\"reason\":",
            render_phase(view->phase), view->phase == PHASE_READY ? "true" : "false", view->index,
            view->count);
    put_json(out, view->reason);
    fprintf(out, ",\n\"migrations\":%s}\n", view->json);
    fclose(out);
    return text;
}

static void put_headline(FILE *out, const struct view *view)
{
    fprintf(out, "<header class=\"%s\"><h1>%s</h1>", render_phase(view->phase),
            render_phase(view->phase));
    if (view->phase == PHASE_MIGRATING) {
        fprintf(out, "<p>%zu of %zu: ", view->index, view->count);
        put_html(out, view->name);
        fprintf(out, "</p><progress value=\"%zu\" max=\"%zu\"></progress>",
                view->index > 0 ? view->index - 1 : 0, view->count);
    } else if (view->reason[0] != '\0') {
        fputs("<pre>", out);
        put_html(out, view->reason);
        fputs("</pre>", out);
    }
    fputs("</header>\n", out);
}

char *render_page(const struct view *view)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta http-equiv=\"refresh\" content=\"%d\">\n"
            "<title>%s: migrations</title>\n<style>%s</style></head>\n<body>\n",
            view->phase == PHASE_READY ? 10 : 1, render_phase(view->phase), server_style);
    put_headline(out, view);
    fputs("<main>\n", out);
    fputs(view->table, out);
    fputs("</main>\n<footer>served by inlay's reference server; also <a "
          "href=\"/status.json\">/status.json</a></footer>\n</body></html>\n",
          out);
    fclose(out);
    return text;
}

/* Fills struct inlay_error: code, text, and the place in a migration file with the line itself.
 * Names the codes. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* How much of a long line is shown before and after the place. */
#define EXCERPT_BEFORE 100
#define EXCERPT_AFTER 100

void inlay_error_clear(struct inlay_error *err)
{
    memset(err, 0, sizeof *err);
    err->version = -1;
}

int inlay_error_set(struct inlay_error *err, enum inlay_code code, const char *format, ...)
{
    va_list arguments;

    inlay_error_clear(err);
    err->code = code;
    va_start(arguments, format);
    inlay_text_vput(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    return code;
}

int inlay_error_memory(struct inlay_error *err)
{
    return inlay_error_set(err, INLAY_E_MEMORY, "out of memory");
}

int inlay_error_give(int rc, struct inlay_error *from, struct inlay_error *to)
{
    if (rc == INLAY_OK)
        inlay_error_clear(from);
    if (to != NULL)
        *to = *from;
    return rc;
}

int inlay_refuse(struct inlay_error *err, const char *message)
{
    struct inlay_error own;

    inlay_error_set(&own, INLAY_E_REFUSED, "%s",
                    message != NULL ? message : "the program refused, and did not say why");
    return inlay_error_give(INLAY_E_REFUSED, &own, err);
}

void inlay_error_file(struct inlay_error *err, const struct inlay_set *set,
                      const struct inlay_script *script)
{
    inlay_text_put(err->path, sizeof err->path, "%s/%s", set->directory, script->path);
}

struct place {
    uint32_t line;
    uint32_t column;
    const char *start; /* of the line */
    const char *end;   /* of the line, without its line break */
    const char *at;
};

static struct place find_place(const struct inlay_script *script, size_t offset)
{
    struct place place = {.line = 1, .column = 1, .start = script->text};
    const char *limit = script->text + script->length;

    place.at = script->text + (offset < script->length ? offset : script->length);
    for (const char *c = script->text; c < place.at; c++) {
        if (*c == '\n') {
            place.line++;
            place.start = c + 1;
        }
    }
    for (const char *c = place.start; c < place.at;
         c += inlay_text_character(c, (size_t)(place.at - c)))
        place.column++;
    place.end = memchr(place.at, '\n', (size_t)(limit - place.at));
    if (place.end == NULL)
        place.end = limit;
    if (place.end > place.at && place.end[-1] == '\r')
        place.end--;
    return place;
}

/* Moves to the start of a character. */
static const char *whole_character(const char *c, const char *end)
{
    while (c < end && ((unsigned char)*c & 0xC0u) == 0x80u)
        c++;
    return c;
}

/* Length of the control character at `c`; 0 where there is none, or a tab. U+0080 to U+009F are two
 * bytes, and some terminals obey them as they do the escape sequences. */
static size_t control_length(const char *c, const char *end)
{
    unsigned char first = (unsigned char)c[0];

    if ((first < 0x20 && first != '\t') || first == 0x7F)
        return 1;
    return first == 0xC2 && end - c > 1 && (unsigned char)c[1] < 0xA0 ? 2 : 0;
}

/* Shows the line with a caret below. Tabs stay tabs in both lines, so that the caret stands right
 * at any tab width; other control characters become spaces, so that a terminal is left in peace. */
static void show_line(char *excerpt, size_t size, const struct place *place)
{
    const char *from = place->start;
    const char *to = place->end;
    char line[EXCERPT_BEFORE + EXCERPT_AFTER + 1];
    char caret[EXCERPT_BEFORE + 1];
    size_t length = 0;
    size_t indent = 0;

    if (place->at - from > EXCERPT_BEFORE)
        from = whole_character(place->at - EXCERPT_BEFORE, place->at);
    if (to - place->at > EXCERPT_AFTER)
        to = place->at + EXCERPT_AFTER;
    for (const char *c = from; c < to;) {
        size_t control = control_length(c, to);
        char shown = control > 0 ? ' ' : *c;
        if (c < place->at && ((unsigned char)*c & 0xC0u) != 0x80u)
            caret[indent++] = shown == '\t' ? '\t' : ' ';
        line[length++] = shown;
        c += control > 0 ? control : 1;
    }
    while (length > 0 && to < place->end && ((unsigned char)*to & 0xC0u) == 0x80u) {
        to--;
        length--;
    }
    inlay_text_put(excerpt, size, "%5u | %.*s\n      | %.*s^\n", place->line, (int)length, line,
                   (int)indent, caret);
}

void inlay_error_place(struct inlay_error *err, const struct inlay_set *set,
                       const struct inlay_script *script, size_t offset)
{
    struct place place = find_place(script, offset);

    inlay_error_file(err, set, script);
    err->line = place.line;
    err->column = place.column;
    show_line(err->excerpt, sizeof err->excerpt, &place);
}

struct output {
    char *buffer;
    size_t size;
    size_t length; /* of the whole text, the part that did not fit included */
};

static void emit(struct output *out, const char *text, size_t length)
{
    if (out->length < out->size) {
        size_t room = out->size - out->length - 1;
        size_t part = length < room ? length : room;
        memcpy(out->buffer + out->length, text, part);
        out->buffer[out->length + part] = '\0';
    }
    out->length += length;
}

static void emit_text(struct output *out, const char *text)
{
    emit(out, text, strlen(text));
}

/* A text whose further lines are indented below the first: none of them may look like a line of
 * ours. */
static void emit_lines(struct output *out, const char *text)
{
    for (const char *line = text; line != NULL;) {
        const char *end = strchr(line, '\n');
        if (line != text)
            emit_text(out, "\n    ");
        emit(out, line, end != NULL ? (size_t)(end - line) : strlen(line));
        line = end != NULL && end[1] != '\0' ? end + 1 : NULL;
    }
}

static void emit_note(struct output *out, const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    emit_text(out, "  ");
    emit_text(out, label);
    emit_lines(out, text);
    emit_text(out, "\n");
}

static void emit_headline(struct output *out, const struct inlay_error *err)
{
    char column[16] = "";
    char place[32];

    if (err->path[0] != '\0') {
        emit_text(out, err->path);
        if (err->line > 0) {
            if (err->column > 0)
                snprintf(column, sizeof column, ":%u", err->column);
            snprintf(place, sizeof place, ":%u%s", err->line, column);
            emit_text(out, place);
        }
        emit_text(out, ": ");
    }
    emit_text(out, "error: ");
    emit_lines(out, err->message);
    if (err->sqlstate[0] != '\0') {
        emit_text(out, " [");
        emit_text(out, err->sqlstate);
        emit_text(out, "]");
    }
    emit_text(out, "\n");
}

size_t inlay_error_format(const struct inlay_error *err, char *buffer, size_t size)
{
    struct output out = {.buffer = buffer, .size = size};

    if (size > 0)
        buffer[0] = '\0';
    if (err == NULL)
        return 0;
    emit_headline(&out, err);
    emit_text(&out, err->excerpt);
    emit_note(&out, "detail: ", err->detail);
    emit_note(&out, "context: ", err->context);
    emit_note(&out, "hint: ", err->hint);
    if (err->outcome[0] != '\0') {
        emit_text(&out, err->outcome);
        emit_text(&out, "\n");
    }
    return out.length;
}

const char *inlay_code_name(int code)
{
    static const char *const names[] = {"ok",       "failed",  "argument",   "pending",
                                        "mismatch", "locked",  "connection", "refused",
                                        "lost",     "stopped", "memory"};
    size_t index = code <= 0 ? 0 - (size_t)code : sizeof names;

    return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}

const char inlay_error_in_catalog[] = "in the system catalog pg_catalog.";

/* The server has no locks for much of its catalog: the second of two sessions that change the same
 * row fails. These messages of it are never translated. */
static bool met_another_in_the_catalog(const struct inlay_error *err)
{
    if (strcmp(err->sqlstate, "23505") == 0)
        return strncmp(err->context, inlay_error_in_catalog, strlen(inlay_error_in_catalog)) == 0;
    return strcmp(err->sqlstate, "XX000") == 0 &&
           (strcmp(err->message, "tuple concurrently updated") == 0 ||
            strcmp(err->message, "tuple concurrently deleted") == 0);
}

bool inlay_error_passes(const struct inlay_error *err)
{
    static const char *const states[] = {"55P03", "40P01", "40001"};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return met_another_in_the_catalog(err);
}

int inlay_error_settle(struct inlay_error *err)
{
    if (err->code == INLAY_E_FAILED && inlay_error_passes(err))
        err->code = INLAY_E_LOCKED;
    return err->code;
}

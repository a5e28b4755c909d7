/* The place of an error in a script: on the first line a byte of it, on the second the room for the
 * text of the error, then the script. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static size_t count(const char *text, char what)
{
    size_t found = 0;

    for (const char *c = text; *c != '\0'; c++)
        found += *c == what;
    return found;
}

static void require_harmless(const char *excerpt)
{
    for (const char *c = excerpt; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        fuzz_require(byte >= ' ' || byte == '\n' || byte == '\t', "no control character is shown");
        fuzz_require(byte != 0x7F, "no control character is shown");
    }
    fuzz_require(count(excerpt, '\n') == 2, "an excerpt is a line and its caret");
}

/* What does not fit is cut, and the whole length told all the same. */
static void require_bounded(const struct inlay_error *err, size_t room)
{
    char whole[INLAY_ERROR_TEXT_MAX];
    char *part = malloc(room + 1);
    size_t length = inlay_error_format(err, whole, sizeof whole);

    fuzz_require(part != NULL && length == strlen(whole), "a text has the length that is told");
    fuzz_require(inlay_error_format(err, NULL, 0) == length, "no room is room enough to measure");
    fuzz_require(inlay_error_format(err, part, room + 1) == length, "a length is of the whole");
    fuzz_require(strlen(part) <= room && strncmp(part, whole, strlen(part)) == 0,
                 "what fits is the beginning");
    free(part);
}

static void place(const char *text, size_t offset, size_t room)
{
    const struct inlay_set set = {.directory = "migrations"};
    /* Its NUL is not part of it. */
    const struct inlay_script script = {.text = text, .length = strlen(text), .path = "001_a.sql"};
    struct inlay_error err;

    inlay_error_set(&err, INLAY_E_FAILED, "%s", text);
    inlay_error_place(&err, &set, &script, offset);
    require_harmless(err.excerpt);
    fuzz_require(err.line >= 1 && err.line <= count(text, '\n') + 1, "a line is in the script");
    fuzz_require(err.column >= 1 && err.column <= script.length + 1, "a column is in the line");
    require_bounded(&err, room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    char *offset = fuzz_line(&input);
    char *room = fuzz_line(&input);
    char *text = fuzz_rest(&input);

    place(text, strtoul(offset, NULL, 10), strtoul(room, NULL, 10) % 4096);
    free(text);
    free(room);
    free(offset);
    return 0;
}

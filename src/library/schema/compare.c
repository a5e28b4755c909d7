/* Finds which objects of two schemas differ, and in which lines. */
#include "schema/compare.h"
#include "base/builder.h"
#include "schema/lines.h"
#include "schema/read.h"

#include <stdlib.h>
#include <string.h>

struct block {
    struct span name;
    struct span body;
};

struct span_list {
    void *items;
    size_t count;
};

/* ---- reading a text ---- */

/* The line at *text, without its end, which may have a CR: files and bodies of functions come from
 * Windows too. *text goes to the next one. */
static struct span take_line(const char **text, const char *end)
{
    const char *line = *text;
    const char *stop = memchr(line, '\n', (size_t)(end - line));

    *text = stop != NULL ? stop + 1 : end;
    if (stop == NULL)
        stop = end;
    while (stop > line && stop[-1] == '\r')
        stop--;
    return (struct span){line, (size_t)(stop - line)};
}

static size_t count_lines(struct span text)
{
    const char *at = text.text;
    size_t count = 0;

    while (at < text.text + text.length) {
        take_line(&at, text.text + text.length);
        count++;
    }
    return count;
}

static bool begins_block(struct span line)
{
    return line.length > 0 && line.text[0] != ' ';
}

static int compare_blocks(const void *a, const void *b)
{
    return inlay_span_compare(((const struct block *)a)->name, ((const struct block *)b)->name);
}

/* Empty lines before the next block are no part of one. */
static void end_block(struct block *block, const char *end)
{
    while (end > block->body.text && end[-1] == '\n' &&
           (end - 1 == block->body.text || end[-2] == '\n'))
        end--;
    block->body.length = (size_t)(end - block->body.text);
}

/* The blocks after the first line, sorted: the file may have been edited by hand. */
static struct span_list read_blocks(const char *text)
{
    const char *end = text + strlen(text);
    struct span_list list = {
        .items = calloc(count_lines((struct span){text, strlen(text)}) + 1, sizeof(struct block))};
    struct block *blocks = list.items;

    take_line(&text, end);
    while (list.items != NULL && text < end) {
        struct span line = take_line(&text, end);
        if (!begins_block(line))
            continue;
        if (list.count > 0)
            end_block(&blocks[list.count - 1], line.text);
        blocks[list.count++] = (struct block){.name = line, .body = {text, 0}};
    }
    if (list.count > 0) {
        end_block(&blocks[list.count - 1], end);
        qsort(blocks, list.count, sizeof *blocks, compare_blocks);
    }
    return list;
}

/* ---- what is allowed ---- */

/* `*` stands for any text. */
static bool fits(struct span pattern, struct span text)
{
    struct span star = {NULL, 0};
    struct span from = text;

    while (text.length > 0) {
        if (pattern.length > 0 && pattern.text[0] == '*') {
            star = pattern = (struct span){pattern.text + 1, pattern.length - 1};
            from = text;
        } else if (pattern.length > 0 && pattern.text[0] == text.text[0]) {
            pattern = (struct span){pattern.text + 1, pattern.length - 1};
            text = (struct span){text.text + 1, text.length - 1};
        } else if (star.text != NULL) {
            pattern = star;
            text = from = (struct span){from.text + 1, from.length - 1};
        } else {
            return false;
        }
    }
    while (pattern.length > 0 && pattern.text[0] == '*')
        pattern = (struct span){pattern.text + 1, pattern.length - 1};
    return pattern.length == 0;
}

static bool is_allowed(const char *allowed, struct span text)
{
    const char *end = allowed != NULL ? allowed + strlen(allowed) : NULL;

    while (allowed != end) {
        struct span pattern = take_line(&allowed, end);
        if (pattern.length > 0 && pattern.text[0] != '#' && fits(pattern, text))
            return true;
    }
    return false;
}

/* ---- the lines of a block ---- */

static struct span less_blanks(struct span line)
{
    while (line.length > 0 && line.text[0] == ' ')
        line = (struct span){line.text + 1, line.length - 1};
    return line;
}

static bool is_printed(struct span line)
{
    return line.length >= 3 && memcmp(line.text, "  |", 3) == 0;
}

/* "table public.orders: GRANT SELECT TO reader" */
static bool line_is_allowed(const struct schema_comparison *comparison, struct span name,
                            struct span line)
{
    struct builder text = {0};

    if (comparison->allowed == NULL)
        return false;
    line = less_blanks(line);
    inlay_builder_add(&text, name.text, name.length);
    inlay_builder_text(&text, ": ");
    inlay_builder_add(&text, line.text, line.length);
    bool allowed =
        !text.failed && is_allowed(comparison->allowed, (struct span){text.data, text.length});
    inlay_builder_free(&text);
    return allowed;
}

/* Those that count. */
static struct span_list read_lines(const struct schema_comparison *comparison,
                                   const struct block *block)
{
    const char *at = block->body.text;
    const char *end = at + block->body.length;
    struct span_list list = {.items = calloc(count_lines(block->body) + 1, sizeof(struct span))};
    struct span *lines = list.items;

    while (lines != NULL && at < end) {
        struct span line = take_line(&at, end);
        if (!(comparison->plain && is_printed(line)) &&
            !line_is_allowed(comparison, block->name, line))
            lines[list.count++] = line;
    }
    return list;
}

/* ---- all blocks ---- */

static bool tell(const struct schema_comparison *comparison, enum schema_change change,
                 struct span name, const char *lines)
{
    struct builder object = {0};

    inlay_builder_add(&object, name.text, name.length);
    bool told = !object.failed && comparison->tell(comparison->context, change, object.data, lines);
    inlay_builder_free(&object);
    return told;
}

static bool compare_bodies(const struct schema_comparison *comparison, const struct block *a,
                           const struct block *b)
{
    struct span_list before = read_lines(comparison, a);
    struct span_list now = read_lines(comparison, b);
    struct builder lines = {0};
    bool told = before.items != NULL && now.items != NULL;

    if (told)
        inlay_lines_compare(&lines, before.items, before.count, now.items, now.count);
    told = told && !lines.failed;
    if (told && lines.length > 0)
        told = tell(comparison, SCHEMA_DIFFERENT, a->name, lines.data);
    inlay_builder_free(&lines);
    free(before.items);
    free(now.items);
    return told;
}

static bool compare_one(const struct schema_comparison *comparison, const struct block *a,
                        const struct block *b, int order)
{
    if (is_allowed(comparison->allowed, order <= 0 ? a->name : b->name))
        return true;
    if (order < 0)
        return tell(comparison, SCHEMA_MISSING, a->name, "");
    if (order > 0)
        return tell(comparison, SCHEMA_EXTRA, b->name, "");
    return inlay_span_compare(a->body, b->body) == 0 || compare_bodies(comparison, a, b);
}

static bool compare_lists(const struct schema_comparison *comparison,
                          const struct span_list *before, const struct span_list *now)
{
    const struct block *a = before->items;
    const struct block *b = now->items;
    const struct block *a_end = a + before->count;
    const struct block *b_end = b + now->count;
    bool told = true;

    while (told && (a < a_end || b < b_end)) {
        int order = a == a_end ? 1 : b == b_end ? -1 : compare_blocks(a, b);
        told = compare_one(comparison, a, b, order);
        a += order <= 0;
        b += order >= 0;
    }
    return told;
}

int inlay_schema_compare(const struct schema_comparison *comparison, struct inlay_error *err)
{
    struct span_list before = read_blocks(comparison->before);
    struct span_list now = read_blocks(comparison->now);
    bool told =
        before.items != NULL && now.items != NULL && compare_lists(comparison, &before, &now);

    free(before.items);
    free(now.items);
    return told ? INLAY_OK : inlay_error_memory(err);
}

/* ---- about one text ---- */

int inlay_schema_major(const char *text)
{
    size_t length = strlen(INLAY_SCHEMA_HEAD);

    return strncmp(text, INLAY_SCHEMA_HEAD, length) == 0 ? atoi(text + length) : 0;
}

/* What a fresh database may have. */
static bool is_nothing(struct span name)
{
    static const char *const starts[] = {"default privileges ", "extension ", "schema public"};

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (name.length >= strlen(starts[i]) &&
            memcmp(name.text, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

size_t inlay_schema_count(const char *text, const char **first, size_t *length)
{
    const char *end = text + strlen(text);
    size_t count = 0;

    take_line(&text, end);
    while (text < end) {
        struct span line = take_line(&text, end);
        if (!begins_block(line) || is_nothing(line))
            continue;
        if (count++ == 0) {
            *first = line.text;
            *length = line.length;
        }
    }
    return count;
}

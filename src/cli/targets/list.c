/* Reads the lines of a list of targets, and refuses what cannot be one. Connection strings are
 * never repeated in a message: they may have a password. */
#include "targets/list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MOST 200
#define SCHEMA_MOST 63

static bool refuse_line(const struct list *list, size_t line, struct answer *answer,
                        const char *text)
{
    if (list->has_rows) {
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "row %zu of %s: %s", line, list->source,
                              text);
        return false;
    }
    inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "%s", text);
    snprintf(answer->error.path, sizeof answer->error.path, "%s", list->source);
    answer->error.line = (uint32_t)line;
    return false;
}

static bool fail_memory(struct answer *answer)
{
    inlay_cli_answer_fail(answer, INLAY_E_MEMORY, "out of memory");
    return false;
}

static bool is_conninfo(const char *text)
{
    return strchr(text, '=') != NULL || strstr(text, "://") != NULL;
}

static bool holds_word(const char *text, const char *word)
{
    for (; *text; text++) {
        if (strncasecmp(text, word, strlen(word)) == 0)
            return true;
    }
    return false;
}

/* A parameter of a URL may be spelled with %70 for a p. */
bool inlay_cli_list_may_hold_password(const char *conninfo)
{
    const char *host = strstr(conninfo, "://");
    const char *parameters = host ? strchr(host, '?') : NULL;
    const char *at = host ? strchr(host, '@') : NULL;
    const char *colon = host ? strchr(host + 3, ':') : NULL;
    return holds_word(conninfo, "password") || (at && colon && colon < at) ||
           (parameters && strchr(parameters, '%'));
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            return true;
    }
    return false;
}

/* What is wrong with a schema; NULL: nothing. */
static const char *schema_fault(const struct list *list, const char *schema)
{
    size_t length = strlen(schema);
    if (is_conninfo(schema))
        return list->has_rows
                   ? "this is no schema: a connection string is in the column conninfo"
                   : "this is no schema: a connection string stands alone, or as the third of "
                     "NAME, SCHEMA, CONNINFO with a tab between two";
    if (length > SCHEMA_MOST)
        return "a schema has 63 bytes at most";
    if (strpbrk(schema, ".,\"") || schema[0] == ' ' || schema[length - 1] == ' ')
        return "a schema is written as stored: no quotes, points, commas, nor blanks around it";
    if (strncmp(schema, "pg_", 3) == 0 || strcmp(schema, "information_schema") == 0)
        return "this schema is the server's own";
    return NULL;
}

static const char *target_fault(const struct list *list, const struct inlay_many_target *target)
{
    if (!target->schema && !target->conninfo)
        return "a target needs a schema or a connection string";
    if ((target->schema && has_control(target->schema)) ||
        (target->conninfo && has_control(target->conninfo)) ||
        (target->name && has_control(target->name)))
        return "a target has a control character";
    if (target->schema && schema_fault(list, target->schema))
        return schema_fault(list, target->schema);
    if (target->name && strlen(target->name) > NAME_MOST)
        return "the name of a target has 200 bytes at most";
    if (target->name && is_conninfo(target->name) && inlay_cli_list_may_hold_password(target->name))
        return "the name of a target is printed, and this one looks like a connection string with "
               "a password";
    if (target->name || !target->conninfo)
        return NULL;
    if (target->schema)
        return "a target with a schema and a connection string needs a name";
    if (inlay_cli_list_may_hold_password(target->conninfo))
        return list->has_rows
                   ? "a connection string with a password needs a name, which is printed in its "
                     "place: in the column name"
                   : "a connection string with a password needs a name, which is printed in its "
                     "place: NAME, nothing, CONNINFO, with a tab between two";
    return strlen(target->conninfo) > NAME_MOST ? "a long connection string needs a name" : NULL;
}

static bool copy_text(const char *text, const char **copy)
{
    *copy = text ? strdup(text) : NULL;
    return !text || *copy;
}

static bool make_room(struct list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    void *targets = realloc(list->targets, capacity * sizeof *list->targets);
    if (targets)
        list->targets = targets;
    void *lines = realloc(list->lines, capacity * sizeof *list->lines);
    if (lines)
        list->lines = lines;
    if (targets && lines)
        list->capacity = capacity;
    return targets && lines;
}

static const char *given(const char *text)
{
    return text && text[0] ? text : NULL;
}

bool inlay_cli_list_add(struct list *list, size_t line, const struct inlay_many_target *target,
                        struct answer *answer)
{
    struct inlay_many_target known = {.schema = given(target->schema),
                                      .conninfo = given(target->conninfo),
                                      .name = given(target->name)};
    const char *fault = target_fault(list, &known);
    if (fault)
        return refuse_line(list, line, answer, fault);
    if (!known.name)
        known.name = known.schema ? known.schema : known.conninfo;
    if (!make_room(list))
        return fail_memory(answer);
    struct inlay_many_target *to = &list->targets[list->count];
    list->lines[list->count++] = line;
    *to = (struct inlay_many_target){0};
    if (!copy_text(known.schema, &to->schema) || !copy_text(known.conninfo, &to->conninfo) ||
        !copy_text(known.name, &to->name))
        return fail_memory(answer);
    return true;
}

/* A line that was meant as something else: its schema would be created. A blank around it is a
 * fault of any schema. */
static bool is_doubtful(const char *text)
{
    size_t length = strlen(text);
    return strpbrk(text, " /:@;") && text[0] != ' ' && text[length - 1] != ' ';
}

bool inlay_cli_list_add_line(struct list *list, size_t line, char *text, struct answer *answer)
{
    char *parts[3] = {text};
    size_t count = 1;
    for (char *tab = strchr(text, '\t'); tab; tab = strchr(tab + 1, '\t')) {
        *tab = '\0';
        if (count < 3)
            parts[count] = tab + 1;
        count++;
    }
    struct inlay_many_target target = {.name = parts[0], .schema = parts[1], .conninfo = parts[2]};
    if (count == 1 && (text[strspn(text, " ")] == '\0' || text[0] == '#'))
        return true;
    if (count == 1 && !is_conninfo(text) && is_doubtful(text))
        return refuse_line(list, line, answer,
                           "with a blank, / : @ or ; this is neither a schema nor a connection "
                           "string; where it should be: NAME, SCHEMA, CONNINFO with a tab between "
                           "two");
    if (count == 1)
        target = is_conninfo(text) ? (struct inlay_many_target){.conninfo = text}
                                   : (struct inlay_many_target){.schema = text};
    else if (count != 3 || !text[0])
        return refuse_line(list, line, answer,
                           "a line is a schema, or a connection string, or NAME, SCHEMA and "
                           "CONNINFO with a tab between two; one of the last two may be empty");
    return inlay_cli_list_add(list, line, &target, answer);
}

/* ---- all of them ---- */

static int order_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int order_names(const void *a, const void *b)
{
    const struct inlay_many_target *const *left = a;
    const struct inlay_many_target *const *right = b;
    int order = strcmp((*left)->name, (*right)->name);
    return order ? order : (*left > *right) - (*left < *right);
}

static int order_places(const void *a, const void *b)
{
    const struct inlay_many_target *const *left = a;
    const struct inlay_many_target *const *right = b;
    int order = order_texts((*left)->conninfo, (*right)->conninfo);
    order = order ? order : order_texts((*left)->schema, (*right)->schema);
    return order ? order : (*left > *right) - (*left < *right);
}

static bool refuse_twice(const struct list *list, const struct inlay_many_target *one,
                         const struct inlay_many_target *other, const char *what,
                         struct answer *answer)
{
    char text[128];
    snprintf(text, sizeof text, "%s stands in %s %zu too", what, list->has_rows ? "row" : "line",
             list->lines[one - list->targets]);
    return refuse_line(list, list->lines[other - list->targets], answer, text);
}

static bool check_twice(const struct list *list, const struct inlay_many_target **sorted,
                        struct answer *answer)
{
    qsort(sorted, list->count, sizeof *sorted, order_names);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            return refuse_twice(list, sorted[i - 1], sorted[i], "a target of this name", answer);
    }
    qsort(sorted, list->count, sizeof *sorted, order_places);
    for (size_t i = 1; i < list->count; i++) {
        if (order_texts(sorted[i - 1]->conninfo, sorted[i]->conninfo) == 0 &&
            order_texts(sorted[i - 1]->schema, sorted[i]->schema) == 0)
            return refuse_twice(list, sorted[i - 1], sorted[i],
                                "a target with this schema and connection string", answer);
    }
    return true;
}

bool inlay_cli_list_check(struct list *list, struct answer *answer)
{
    list->ours = list->count;
    if (list->count == 0) {
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "%s lists no targets", list->source);
        return false;
    }
    const struct inlay_many_target **sorted = malloc(list->count * sizeof *sorted);
    if (!sorted)
        return fail_memory(answer);
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->targets[i];
    bool once = check_twice(list, sorted, answer);
    free(sorted);
    return once;
}

/* Which is const for those who read the list. */
static void free_text(const char *text)
{
    char *own;
    memcpy(&own, &text, sizeof own);
    free(own);
}

void inlay_cli_list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free_text(list->targets[i].schema);
        free_text(list->targets[i].conninfo);
        free_text(list->targets[i].name);
    }
    free(list->targets);
    free(list->lines);
    *list = (struct list){0};
}

/* Reads the values of options and verbs: versions, durations, tables, words. parse.c tells the user
 * about a wrong one. */
#include "words/argument.h"

#include <inlay.h>
#include <string.h>

static bool parse_text(const char *text, int64_t *number)
{
    *number = 0;
    return text[0] != '\0';
}

/* A connection string in the wrong place must not be taken for a name: names are printed. */
static bool parse_table(const char *text, int64_t *number)
{
    const char *dot = strchr(text, '.');
    *number = 0;
    return dot && dot > text && dot[1] && !strchr(dot + 1, '.') && !strstr(text, "://") &&
           !strchr(text, '=');
}

/* The library looks at them closer. */
static bool parse_schemas(const char *text, int64_t *number)
{
    *number = 0;
    return text[0] != '\0' && !strstr(text, "://") && !strchr(text, '=');
}

static bool parse_pooler(const char *text, int64_t *number)
{
    if (strcmp(text, "session") == 0)
        *number = INLAY_POOLER_SESSION;
    else if (strcmp(text, "transaction") == 0)
        *number = INLAY_POOLER_TRANSACTION;
    else
        return false;
    return true;
}

static bool parse_form(const char *text, int64_t *number)
{
    *number = 0;
    return strcmp(text, "lines") == 0;
}

static bool parse_keep(const char *text, int64_t *number)
{
    *number = 0;
    return strcmp(text, "keep") == 0;
}

static bool parse_refuse(const char *text, int64_t *number)
{
    *number = 0;
    return strcmp(text, "refuse") == 0;
}

/* Digits, moving *text past them; false when there are none or the number does not fit. */
static bool parse_digits(const char **text, int64_t *number)
{
    const char *start = *text;
    int64_t sum = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        int digit = **text - '0';
        if (sum > (INT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return *text > start;
}

static bool parse_version(const char *text, int64_t *number)
{
    return parse_digits(&text, number) && *text == '\0';
}

static bool parse_place(const char *text, int64_t *number)
{
    int64_t statement;
    return parse_digits(&text, number) && *text == ':' && parse_version(text + 1, &statement) &&
           statement > 0;
}

int64_t inlay_cli_argument_statement(struct value place)
{
    int64_t statement = 0;
    const char *colon = strchr(place.text, ':');
    parse_version(colon + 1, &statement);
    return statement;
}

/* Digits or nothing, which is -1. */
static bool parse_bound(const char **text, int64_t *number)
{
    if (parse_digits(text, number))
        return true;
    bool missing = **text < '0' || **text > '9';
    *number = -1;
    return missing;
}

static bool read_span(const char *text, int64_t *from, int64_t *to)
{
    if (!parse_bound(&text, from) || strncmp(text, "..", 2) != 0)
        return false;
    text += 2;
    return parse_bound(&text, to) && *text == '\0';
}

static bool parse_span(const char *text, int64_t *number)
{
    int64_t to;
    return read_span(text, number, &to);
}

void inlay_cli_argument_span(struct value span, int64_t *from, int64_t *to)
{
    read_span(span.text, from, to);
}

static bool parse_count(const char *text, int64_t *number)
{
    return parse_version(text, number) && *number > 0;
}

static bool parse_down(const char *text, int64_t *number)
{
    *number = 0;
    return strcmp(text, "batch") == 0 || parse_count(text, number);
}

#define JOBS_MOST 64

static bool parse_jobs(const char *text, int64_t *number)
{
    return parse_count(text, number) && *number <= JOBS_MOST;
}

static bool read_part(const char *text, int64_t *index, int64_t *count)
{
    *index = 0;
    if (*text != '/' && (!parse_digits(&text, index) || *index == 0))
        return false;
    return *text == '/' && parse_count(text + 1, count) && *index <= *count;
}

static bool parse_part(const char *text, int64_t *number)
{
    int64_t count;
    return read_part(text, number, &count);
}

void inlay_cli_argument_part(const char *part, int64_t *index, int64_t *count)
{
    read_part(part, index, count);
}

/* A year is as good as for ever, and no deadline overflows. */
static const int64_t longest_ms = INT64_C(366) * 24 * 3600 * 1000;

static bool parse_duration(const char *text, int64_t *number)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    if (!parse_digits(&text, number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i].unit) != 0)
            continue;
        if (*number > longest_ms / units[i].ms)
            return false;
        *number *= units[i].ms;
        return true;
    }
    return false;
}

static const struct {
    const char *name;
    const char *needs;
    bool (*parse)(const char *text, int64_t *number);
} arguments[] = {
    [ARGUMENT_NONE] = {"", "", NULL},
    [ARGUMENT_URL] = {"URL", "a connection string", parse_text},
    [ARGUMENT_TABLE] = {"SCHEMA.TABLE", "the name of a table, SCHEMA.TABLE", parse_table},
    [ARGUMENT_POOLER] = {"session|transaction", "\"session\" or \"transaction\"", parse_pooler},
    [ARGUMENT_DURATION] = {"DURATION", "a duration: seconds, or 500ms, 5s, 2min, 1h, up to a year",
                           parse_duration},
    [ARGUMENT_VERSION] = {"VERSION", "a version: a whole number", parse_version},
    [ARGUMENT_ONE] = {"[VERSION]", "a version: a whole number, or nothing", parse_version},
    [ARGUMENT_PLACE] = {"VERSION:STATEMENT", "a version and the number of a statement, as in 3:4",
                        parse_place},
    [ARGUMENT_COUNT] = {"N", "how many: a whole number from 1", parse_count},
    [ARGUMENT_DOWN] = {"N|batch", "how many: a whole number from 1; or \"batch\"", parse_down},
    [ARGUMENT_SETTINGS] = {"SETTINGS", "settings, such as lock_timeout=5s", parse_text},
    [ARGUMENT_SCHEMAS] = {"SCHEMA[,SCHEMA]", "schemas, separated by commas", parse_schemas},
    [ARGUMENT_PATTERNS] = {"PATTERNS", "patterns, one a line", parse_text},
    [ARGUMENT_REFUSE] = {"refuse", "\"refuse\"", parse_refuse},
    [ARGUMENT_SOURCE] = {"TOOL[=SCHEMA.TABLE]", "a tool, or TOOL=SCHEMA.TABLE", parse_text},
    [ARGUMENT_DIRECTORY] = {"DIR", "a directory", parse_text},
    [ARGUMENT_NAME] = {"[=DATABASE]", "the name of a database after =", parse_text},
    [ARGUMENT_TOPIC] = {"[NAME]", "the name of a verb or an option", parse_text},
    [ARGUMENT_SPAN] = {"[=FROM..TO]", "two versions after =, as in =3..7", parse_span},
    [ARGUMENT_FORM] = {"[=lines]", "\"lines\" or nothing", parse_form},
    [ARGUMENT_TARGETS] = {"FILE|-|SELECT", "a file, \"-\" for stdin, or a query: 'SELECT ...'",
                          parse_text},
    [ARGUMENT_JOBS] = {"N", "how many at once: 1 to 64", parse_jobs},
    [ARGUMENT_PART] = {"I/N", "which part of how many: 2/8, or /8 in an array of jobs", parse_part},
    [ARGUMENT_KEEP] = {"[=keep]", "\"keep\" or nothing", parse_keep},
};

const char *inlay_cli_argument_name(enum argument argument)
{
    return arguments[argument].name;
}

const char *inlay_cli_argument_needs(enum argument argument)
{
    return arguments[argument].needs;
}

bool inlay_cli_argument_may_miss(enum argument argument, const char *next)
{
    const char *name = arguments[argument].name;
    return name[0] == '[' && (name[1] == '=' || !next || next[0] == '-');
}

bool inlay_cli_argument_parse(enum argument argument, const char *text, struct value *value)
{
    value->text = text;
    return arguments[argument].parse(text, &value->number);
}

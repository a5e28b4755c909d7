/* Looking a connection string over before libpq does.
 *
 * libpq and the server quote what they cannot use: a host that does not resolve, a port that is no
 * number, a database that does not exist. In a URL with an unencoded '@', ':', '/' or '?' in its
 * password, or in a URL that stands where a name was wanted, that is a part of the password. So
 * what is ambiguous is refused here, without a word of it. */
#include "wire/conninfo.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <string.h>

static int refuse_with(struct inlay_error *err, const char *why, const char *advice)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "the connection string cannot be used: %s", why);
    inlay_text_put(err->hint, sizeof err->hint,
                   "%s; it is not shown here because it may hold a password", advice);
    return err->code;
}

static int refuse_conninfo(struct inlay_error *err, const char *why)
{
    return refuse_with(err, why,
                       "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with : / ? # @ % in a "
                       "password as %3A %2F %3F %23 %40 %25, or host=... dbname=...");
}

static const char *skip_scheme(const char *conninfo)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};

    for (size_t i = 0; i < 2; i++)
        if (strncmp(conninfo, schemes[i], strlen(schemes[i])) == 0)
            return conninfo + strlen(schemes[i]);
    return NULL;
}

/* Host names and addresses with ports, separated by commas: may a number stand after each colon?
 */
static bool ports_are_numbers(const char *hosts, size_t length)
{
    bool in_brackets = false;
    bool in_port = false;

    for (size_t i = 0; i < length; i++) {
        char c = hosts[i];
        if (c == '[' || c == ']')
            in_brackets = c == '[';
        else if (c == ':' && !in_brackets)
            in_port = true;
        else if (c == ',')
            in_port = false;
        else if (in_port && !isdigit((unsigned char)c))
            return false;
    }
    return true;
}

/* As libpq reads it: user and password end at the first @, unless a / comes first. A password may
 * hold anything else, and so may what follows the first ?. */
static int validate_url(const char *rest, struct inlay_error *err)
{
    size_t credentials = strcspn(rest, "@/");
    bool given = rest[credentials] == '@';
    const char *hosts = given ? rest + credentials + 1 : rest;
    size_t name = strcspn(rest, ":@");

    if (given && strcspn(rest, "?#") < name)
        return refuse_conninfo(err, "there is a /, ? or # before its @");
    if (memchr(hosts, '@', strcspn(hosts, "?")) != NULL)
        return refuse_conninfo(err, given ? "it has more than one @"
                                          : "there is a /, ? or # before its @");
    if (!ports_are_numbers(hosts, strcspn(hosts, "/?")))
        return refuse_conninfo(err, "its port is not a number");
    return INLAY_OK;
}

/* ---- a key that is not known ---- */

enum { KEY_MOST = 32, SIMILAR = 2 };

/* How many letters have to be changed, added or left out. */
static size_t distance(const char *a, const char *b)
{
    size_t row[KEY_MOST + 1];
    size_t length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t before = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t changed = before + (a[i - 1] != b[j - 1]);
            before = row[j];
            size_t moved = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = changed < moved ? changed : moved;
        }
    }
    return row[length];
}

/* What other tools and libraries call a keyword. */
static const char *const aliases[][2] = {
    {"database", "dbname"}, {"username", "user"}, {"hostname", "host"}, {"server", "host"}};

enum { ALIASES = sizeof aliases / sizeof aliases[0] };

static void compare_key(const char *key, const char *word, const char *keyword, size_t *least,
                        const char **meant)
{
    size_t length = strlen(word);
    size_t far = length <= KEY_MOST ? distance(key, word) : *least;

    if (far < *least && far <= length / 2) {
        *least = far;
        *meant = keyword;
    }
}

/* The keyword that was meant: `key` itself if it is one. NULL: it resembles none. */
static const char *find_meant(const PQconninfoOption *known, const char *key)
{
    const char *meant = NULL;
    size_t least = SIMILAR + 1;

    for (; known->keyword != NULL; known++)
        compare_key(key, known->keyword, known->keyword, &least, &meant);
    for (size_t i = 0; i < ALIASES; i++)
        compare_key(key, aliases[i][0], aliases[i][1], &least, &meant);
    return meant;
}

/* Skips one value of "key = value", as libpq reads it. */
static const char *skip_value(const char *text)
{
    bool quoted = *text == '\'';

    text += quoted;
    while (*text != '\0' && (quoted ? *text != '\'' : !isspace((unsigned char)*text)))
        text += *text == '\\' && text[1] != '\0' ? 2 : 1;
    return text + (quoted && *text == '\'');
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* Takes the next key off the text, of pairs or of the parameters of a URL; false at the end, or
 * where there is none. */
static bool next_key(const char **text, bool url, char key[KEY_MOST + 1])
{
    const char *begin = url ? *text : skip_space(*text);
    size_t length = strcspn(begin, url ? "=&" : "= \t\r\n");
    const char *end = url ? begin + length : skip_space(begin + length);

    if (length == 0 || length > KEY_MOST || *end != '=')
        return false;
    memcpy(key, begin, length);
    key[length] = '\0';
    end = url ? end + strcspn(end, "&") : skip_value(skip_space(end + 1));
    *text = url && *end == '&' ? end + 1 : end;
    return true;
}

/* Names the first key that is not known. What follows a password may be a piece of it, and then
 * only what was meant is said. */
static void explain_key(const PQconninfoOption *known, const char *text, bool url, char *what,
                        size_t size)
{
    bool secret = url && strchr(text, '@') != NULL;
    char key[KEY_MOST + 1];

    while (next_key(&text, url, key)) {
        const char *meant = find_meant(known, key);
        if (meant == NULL && !(url && strcmp(key, "ssl") == 0)) /* that one is JDBC's */
            return;
        if (meant != NULL && strcmp(meant, key) != 0) {
            inlay_text_put(what, size, "it has an unknown key%s%s%s (did you mean %s?)",
                           secret ? "" : " \"", secret ? "" : key, secret ? "" : "\"", meant);
            return;
        }
        secret = secret || strstr(key, "password") != NULL;
    }
}

static int refuse_unreadable(const char *conninfo, struct inlay_error *err)
{
    const char *rest = skip_scheme(conninfo);
    const char *text = rest == NULL                ? conninfo
                       : strchr(rest, '?') != NULL ? strchr(rest, '?') + 1
                                                   : "";
    PQconninfoOption *known = PQconndefaults();
    char what[160] = "";

    if (known == NULL)
        return inlay_error_memory(err);
    explain_key(known, text, rest != NULL, what, sizeof what);
    PQconninfoFree(known);
    if (what[0] != '\0')
        return refuse_with(err, what,
                           "the keys are libpq's: host, port, dbname, user, sslmode ...");
    return refuse_conninfo(err, "it is neither a URL nor a list of known keyword=value pairs");
}

/* ---- what is around it ---- */

/* A shell takes quotes away and the newline of a file; other ways into an environment do not. */
static int validate_edges(const char *conninfo, struct inlay_error *err)
{
    static const char advice[] =
        "remove it where it is set; printf %s writes a file without a newline";
    size_t length = strlen(conninfo);

    if (conninfo[0] == '"' || conninfo[0] == '\'')
        return refuse_with(err, "it is in quotes, which belong to the shell",
                           "remove them where it is set: only a shell takes quotes away");
    if (skip_scheme(skip_space(conninfo)) == NULL)
        return INLAY_OK;
    if (isspace((unsigned char)conninfo[0]))
        return refuse_with(err, "there is a space or a newline before it", advice);
    if (isspace((unsigned char)conninfo[length - 1]))
        return refuse_with(err, "there is a space or a newline after it", advice);
    return INLAY_OK;
}

/* ---- names ---- */

/* NULL where it has no value. */
static const PQconninfoOption *find(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0 && o->val != NULL)
            return o;
    return NULL;
}

/* A value that is itself a URL, or half of one: a variable in the wrong place. A user may be
 * me@server; an abstract socket begins with @, and a directory may hold one. */
static bool looks_like_url(const char *value, bool is_address)
{
    const char *colon = strchr(value, ':');

    if (strstr(value, "://") != NULL || (colon != NULL && strchr(colon, '@') != NULL))
        return true;
    return is_address && value[0] != '\0' && value[0] != '/' && strchr(value + 1, '@') != NULL;
}

static bool is_port_list(const char *value)
{
    return value[strspn(value, "0123456789, ")] == '\0';
}

/* Where the string does not say it, libpq takes the value from its environment or service file. A
 * service file that cannot be read is libpq's to report: it quotes no values. */
static int validate_named(const PQconninfoOption *given, struct inlay_error *err)
{
    static const char *const named[] = {"host", "hostaddr", "port",           "dbname",
                                        "user", "service",  "connect_timeout"};
    enum { TIMEOUT = sizeof named / sizeof named[0] - 1 };
    PQconninfoOption *defaults = PQconndefaults();
    int64_t seconds;
    int rc = defaults == NULL ? inlay_error_memory(err) : INLAY_OK;

    for (size_t i = 0; rc == INLAY_OK && i < sizeof named / sizeof named[0]; i++) {
        const PQconninfoOption *option = find(given, named[i]);
        if (option == NULL)
            option = find(defaults, named[i]);
        if (option == NULL)
            continue;
        if (looks_like_url(option->val, i < 3))
            rc = refuse_conninfo(err, "a URL stands where a name belongs");
        else if (i == 2 && !is_port_list(option->val))
            rc = refuse_conninfo(err, "its port is not a number");
        else if (i == TIMEOUT && !inlay_text_number(option->val, &seconds))
            rc = refuse_conninfo(err, "its connect_timeout is not a number");
        if (rc != INLAY_OK)
            inlay_text_put(err->detail, sizeof err->detail, "it is the value of %s or of %s",
                           option->keyword, option->envvar);
    }
    PQconninfoFree(defaults);
    return rc;
}

int inlay_conninfo_validate(const char *conninfo, struct inlay_error *err)
{
    char *why = NULL;

    if (conninfo == NULL || conninfo[0] == '\0')
        return validate_named(NULL, err);
    const char *rest = skip_scheme(conninfo);
    if (validate_edges(conninfo, err) != INLAY_OK ||
        (rest != NULL && validate_url(rest, err) != INLAY_OK))
        return err->code;
    PQconninfoOption *given = PQconninfoParse(conninfo, &why);
    bool unsaid = why == NULL; /* libpq had no memory to say it */
    PQfreemem(why);
    if (given == NULL && unsaid)
        return inlay_error_memory(err);
    if (given == NULL)
        return refuse_unreadable(conninfo, err);
    int rc = validate_named(given, err);
    PQconninfoFree(given);
    return rc;
}

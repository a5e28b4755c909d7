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

static int refuse_conninfo(struct inlay_error *err, const char *why)
{
    inlay_error_set(err, INLAY_E_ARGUMENT, "the connection string cannot be used: %s", why);
    inlay_text_put(err->hint, sizeof err->hint,
                   "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with : / ? # @ %% in a "
                   "password as %%3A %%2F %%3F %%23 %%40 %%25, or host=... dbname=...; it is not "
                   "shown here because it may hold a password");
    return err->code;
}

static const char *skip_scheme(const char *conninfo)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};

    for (size_t i = 0; i < 2; i++)
        if (strncmp(conninfo, schemes[i], strlen(schemes[i])) == 0)
            return conninfo + strlen(schemes[i]);
    return NULL;
}

/* Host names and addresses with ports, separated by commas: may a number stand behind each colon?
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

static int validate_url(const char *rest, struct inlay_error *err)
{
    size_t authority = strcspn(rest, "/?#");
    const char *at = strchr(rest, '@');
    const char *hosts = rest;

    if (at != NULL) {
        if (strchr(at + 1, '@') != NULL)
            return refuse_conninfo(err, "it has more than one @");
        if ((size_t)(at - rest) > authority)
            return refuse_conninfo(err, "there is a /, ? or # before its @");
        const char *colon = memchr(rest, ':', (size_t)(at - rest));
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(at - colon - 1)) != NULL)
            return refuse_conninfo(err, "it has more than one : before its @");
        hosts = at + 1;
    }
    if (!ports_are_numbers(hosts, authority - (size_t)(hosts - rest)))
        return refuse_conninfo(err, "its port is not a number");
    return INLAY_OK;
}

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
    static const char *const named[] = {"host", "hostaddr", "port", "dbname", "user", "service"};
    PQconninfoOption *defaults = PQconndefaults();
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
    if (rest != NULL && validate_url(rest, err) != INLAY_OK)
        return err->code;
    PQconninfoOption *given = PQconninfoParse(conninfo, &why);
    bool unsaid = why == NULL; /* libpq had no memory to say it */
    PQfreemem(why);
    if (given == NULL && unsaid)
        return inlay_error_memory(err);
    if (given == NULL)
        return refuse_conninfo(err, "it is neither a URL nor a list of known keyword=value pairs");
    int rc = validate_named(given, err);
    PQconninfoFree(given);
    return rc;
}

/* Looking a connection string over before libpq does.
 *
 * libpq and the server quote what they cannot use: a host that does not resolve, a port that is no
 * number, a database that does not exist. In a URL with an unencoded '@', ':', '/' or '?' in its
 * password, or in a URL that stands where a name was wanted, that is a part of the password. So
 * what is ambiguous is refused here, without a word of it. */
#include "connect.h"

#include <ctype.h>
#include <string.h>

static int refuse(struct inlay_error *err, const char *why)
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
            return refuse(err, "it has more than one @");
        if ((size_t)(at - rest) > authority)
            return refuse(err, "there is a /, ? or # before its @");
        const char *colon = memchr(rest, ':', (size_t)(at - rest));
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(at - colon - 1)) != NULL)
            return refuse(err, "it has more than one : before its @");
        hosts = at + 1;
    }
    if (!ports_are_numbers(hosts, authority - (size_t)(hosts - rest)))
        return refuse(err, "its port is not a number");
    return INLAY_OK;
}

/* A value that is itself a URL, or half of one: a variable in the wrong place. */
static bool looks_like_url(const PQconninfoOption *option)
{
    static const char *const named[] = {"host", "hostaddr", "port", "dbname", "user", "service"};
    const char *value = option->val;

    for (size_t i = 0; value != NULL && i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(option->keyword, named[i]) != 0)
            continue;
        if (strstr(value, "://") != NULL)
            return true;
        /* An abstract socket begins with @. */
        return i < 3 && value[0] != '\0' && strchr(value + 1, '@') != NULL;
    }
    return false;
}

static int validate_options(PQconninfoOption *options, struct inlay_error *err)
{
    int rc = INLAY_OK;

    for (const PQconninfoOption *o = options; o->keyword != NULL && rc == INLAY_OK; o++)
        if (looks_like_url(o)) {
            rc = refuse(err, "a URL stands where a name belongs");
            inlay_text_put(err->detail, sizeof err->detail, "it is the value of %s%s%s", o->keyword,
                           o->envvar != NULL ? " or of " : "", o->envvar != NULL ? o->envvar : "");
        }
    PQconninfoFree(options);
    return rc;
}

/* What comes from libpq's environment and service file. A service file that cannot be read is
 * libpq's to report: it quotes no values. */
static int validate_environment(struct inlay_error *err)
{
    PQconninfoOption *options = PQconndefaults();

    return options != NULL ? validate_options(options, err) : INLAY_OK;
}

int inlay_conninfo_validate(const char *conninfo, struct inlay_error *err)
{
    char *ignored = NULL;

    if (conninfo == NULL || conninfo[0] == '\0')
        return validate_environment(err);
    const char *rest = skip_scheme(conninfo);
    if (rest != NULL) {
        int rc = validate_url(rest, err);
        if (rc != INLAY_OK)
            return rc;
    }
    PQconninfoOption *options = PQconninfoParse(conninfo, &ignored);
    PQfreemem(ignored);
    if (options == NULL)
        return refuse(err, "it is neither a URL nor a list of known keyword=value pairs");
    int rc = validate_options(options, err);
    return rc == INLAY_OK ? validate_environment(err) : rc;
}

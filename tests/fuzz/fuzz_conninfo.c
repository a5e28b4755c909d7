/* Connection strings. With a first line "url" those behind it are the user, the password in front
 * of the secret, the password behind it, and what follows the @. Otherwise they are any text in
 * front of the secret, and any text behind it. */
#include "fuzz.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "wire/conninfo.h"

/* What libpq and the server may repeat. */
static bool is_repeated(const PQconninfoOption *option)
{
    return strcmp(option->keyword, "password") != 0 && option->val != NULL;
}

/* It was taken: then libpq finds the secret where it belongs. */
static void require_in_password(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

    fuzz_require(options != NULL, "libpq can read what was taken");
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        fuzz_require(!is_repeated(o) || strstr(o->val, FUZZ_SECRET) == NULL,
                     "a password is nothing but the password");
    PQconninfoFree(options);
}

static void validate(const char *conninfo, bool url)
{
    struct inlay_error err = {.code = INLAY_OK};
    int rc = inlay_conninfo_validate(conninfo, &err);

    if (rc != INLAY_OK)
        fuzz_require_secret_error(&err, rc);
    else if (url)
        require_in_password(conninfo);
}

/* An unencoded @ or / in it, and a ? behind that: a URL of another kind, with an @ in a parameter.
 */
static bool reads_otherwise(const char *user, const char *before, const char *after)
{
    char *password = fuzz_join(user, before, after, NULL);
    const char *end = strpbrk(password, "@/");
    bool otherwise = end != NULL && strchr(end, '?') != NULL;

    free(password);
    return otherwise;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    char *kind = fuzz_line(&input);
    bool url = strcmp(kind, "url") == 0;
    char *user = url ? fuzz_line(&input) : NULL;
    char *before = fuzz_line(&input);
    char *after = url ? fuzz_line(&input) : fuzz_rest(&input);
    char *where = url ? fuzz_rest(&input) : NULL;
    char *conninfo =
        url ? fuzz_join("postgresql://", user, ":", before, FUZZ_SECRET, after, "@", where, NULL)
            : fuzz_join(before, FUZZ_SECRET, after, NULL);

    /* Who calls the database or the user by the password tells it. */
    if (!url || (strstr(user, FUZZ_SECRET) == NULL && strstr(where, FUZZ_SECRET) == NULL &&
                 !reads_otherwise(user, before, after)))
        validate(conninfo, url);
    free(conninfo);
    free(where);
    free(after);
    free(before);
    free(user);
    free(kind);
    return 0;
}

/* Connection strings: what is ambiguous is refused, and no word of a password is shown. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/conninfo.h"

/* libpq's environment, as a host may have it for its own purposes. */
static int clear_environment(void **state)
{
    (void)state;
    for (PQconninfoOption *options = PQconndefaults(), *o = options;; o++) {
        if (o->keyword == NULL) {
            PQconninfoFree(options);
            break;
        }
        if (o->envvar != NULL)
            unsetenv(o->envvar);
    }
    setenv("PGSERVICEFILE", "/nowhere/pg_service.conf", 1);
    setenv("PGSYSCONFDIR", "/nowhere", 1);
    return 0;
}

static void takes_what_is_clear(void **state)
{
    (void)state;
    static const char *const cases[] = {
        NULL,
        "",
        "postgresql://",
        "postgres://",
        "postgresql:///app",
        "postgresql://localhost",
        "postgresql://localhost/app",
        "postgresql://localhost:5433/app",
        "postgresql://localhost:/app",
        "postgresql://me@localhost/app",
        "postgresql://me:pw@localhost/app",
        "postgresql://me:@localhost/app",
        "postgresql://:pw@localhost/app",
        "postgresql://me:pw@localhost:5432/app?sslmode=require&connect_timeout=5",
        "postgresql://me:p%40s%3As%2Fw%3Fo%23r%25d@localhost/app",
        "postgresql://me:p:s?w#d@localhost/app", /* libpq reads up to the @ */
        "postgresql://me::@localhost/app",
        "postgresql://localhost:5432/app?user=me@server",
        "postgresql://me:pw@localhost/app?application_name=job@node:1",
        "postgresql://localhost/app?ssl=true",
        "postgresql://me:p!$&'()*+,;=._~-w[]\"d@localhost/app",
        "postgresql://me@/app?host=localhost",
        "postgresql://?host=/var/run/postgresql&dbname=app",
        "postgresql://%2Fvar%2Frun%2Fpostgresql:5433/app",
        "postgresql:///app?host=%2Ftmp%2Fjob%402",
        "postgresql://[::1]/app",
        "postgresql://[2001:db8::1]:5432/app",
        "postgresql://me:pw@[::1]:5432,[::2]:5433/app",
        "postgresql://me:pw@a:1,b:2,c/app?target_session_attrs=read-write",
        "postgresql://me:pw@a,b/app",
        "postgresql:///app?options=-csearch_path%3Dx",
        "host=localhost",
        "host=localhost port=5432 dbname=app user=me password=p@s:s/w?o#r%d",
        "host=localhost password='with space and \\' quote' dbname='app 1'",
        "host=/var/run/postgresql dbname=app",
        "host=/var/lib/jenkins/workspace/app@2/pg dbname=app",
        "host=@abstract dbname=app",
        "hostaddr=::1 dbname=app",
        "host=a,b port=5432,5433 dbname=app",
        "user=me@server host=localhost", /* as one cloud wants it */
        "dbname=a:b",
        "dbname=a@b",
        "host=a,b port='5432, 5433'",
        "  host = localhost  ",
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct inlay_error err;
        inlay_error_clear(&err);
        int rc = inlay_conninfo_validate(cases[i], &err);
        if (rc != INLAY_OK)
            print_error("refused: %s\n", cases[i]);
        assert_string_equal(err.message, "");
        assert_int_equal(rc, INLAY_OK);
    }
}

/* In every refused text below the password, whole or in pieces, is made of these. */
static void assert_no_secret(const struct inlay_error *err)
{
    static const char *const pieces[] = {"s3", "cr3", "cret", "t0"};
    char text[INLAY_ERROR_TEXT_MAX];

    inlay_error_format(err, text, sizeof text);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        assert_null(strstr(text, pieces[i]));
        assert_null(strstr(err->path, pieces[i]));
    }
}

static void assert_refused(const char *conninfo, const char *why, const char *detail)
{
    struct inlay_error err;
    char message[256];

    inlay_error_clear(&err);
    snprintf(message, sizeof message, "the connection string cannot be used: %s", why);
    int rc = inlay_conninfo_validate(conninfo, &err);
    if (rc == INLAY_OK)
        print_error("taken: %s\n", conninfo != NULL ? conninfo : "(the environment)");
    assert_int_equal(rc, INLAY_E_ARGUMENT);
    assert_string_equal(err.message, message);
    assert_string_equal(err.detail, detail);
    assert_non_null(strstr(err.hint, "it is not shown here because it may hold a password"));
    bool percent = strstr(why, "quotes") == NULL && strstr(why, "newline") == NULL &&
                   strstr(why, "unknown key") == NULL;
    assert_int_equal(strstr(err.hint, "%3A") != NULL, percent);
    assert_no_secret(&err);
}

#define MANY_AT "it has more than one @"
#define BEFORE_AT "there is a /, ? or # before its @"
#define QUOTED "it is in quotes, which belong to the shell"
#define BEFORE "there is a space or a newline before it"
#define AFTER "there is a space or a newline after it"
#define PORT "its port is not a number"
#define NEITHER "it is neither a URL nor a list of known keyword=value pairs"
#define WRONG_PLACE "a URL stands where a name belongs"

static void refuses_ambiguous_urls(void **state)
{
    (void)state;
    static const struct {
        const char *conninfo, *why;
    } cases[] = {
        /* An unencoded character of the password. */
        {"postgresql://me:s3@cr3t0@localhost/app", MANY_AT},
        {"postgresql://me:s3cr3t0@@localhost/app", MANY_AT},
        {"postgresql://me:@s3cr3t0@localhost/app", MANY_AT},
        {"postgresql://me:s3/cr3t0@localhost/app", BEFORE_AT},
        {"postgresql://me:/s3cr3t0@localhost/app", BEFORE_AT},
        {"postgresql://me?s3:cr3t0@localhost/app", BEFORE_AT},
        {"postgresql://localhost?password=s3@cr3t0", BEFORE_AT},
        {"postgresql://me:s3@cr3t0/x?y=z@localhost/app", NEITHER},
        {"postgresql://me:s3cr3t0@localhost/a@b", MANY_AT},
        {"postgresql://me:s3%cr3t0@localhost/app", NEITHER},
        {"postgresql://me:s3cr3t0%@localhost/app", NEITHER},
        {"postgresql://me:s3cr3t0%00@localhost/app", NEITHER},
        /* Something is missing or in the wrong place. */
        {"postgresql://me:s3cr3t0/app", PORT},
        {"postgresql://me:s3cr3t0", PORT},
        {"postgresql://me:s3cr3t0?host=localhost", PORT},
        {"postgresql://localhost:5432:s3cr3t0/app", PORT},
        {"postgresql://me@localhost:s3cr3t0/app", PORT},
        {"postgresql://a:1,me:s3cr3t0/app", PORT},
        {"postgresql://[::1]:s3cr3t0/app", PORT},
        {"postgresql://[s3cr3t0/app", NEITHER},
        {"postgresql://localhost/me:s3cr3t0@app", BEFORE_AT},
        {"postgresql://localhost/app?password=s3&cr3t0", NEITHER},
        {"postgresql://localhost/app?s3cr3t0=1", NEITHER},
        {"postgresql://localhost/app?password=s3cr3t0&password", NEITHER},
        /* Not quite a URL. */
        {"postgresql:/me:s3cr3t0@localhost/app", NEITHER},
        {"postgresql:me:s3cr3t0@localhost/app", NEITHER},
        {"postgresql:/me:s3=cr3t0@localhost/app", NEITHER},
        {"POSTGRESQL://me:s3cr3t0@localhost/app", NEITHER},
        {"POSTGRESQL://me:s3cr3t0@localhost/app?sslmode=require", NEITHER},
        {"jdbc:postgresql://localhost/app?user=me&password=s3cr3t0", NEITHER},
        {"mysql://me:s3cr3t0@localhost/app", NEITHER},
        {" postgresql://me:s3cr3t0@localhost/app", BEFORE},
        {"\npostgres://me:s3cr3t0@localhost/app", BEFORE},
        {"postgresql://me:s3cr3t0@localhost/app\n", AFTER},
        {"postgresql://me:s3cr3t0@localhost/app?sslmode=require\r\n", AFTER},
        {"\"postgresql://me:s3cr3t0@localhost/app\"", QUOTED},
        {"'postgresql://me:s3cr3t0@localhost/app'\n", QUOTED},
        {"\"host=localhost password=s3cr3t0\"", QUOTED},
        {"me:s3cr3t0@localhost/app", NEITHER},
        {"//me:s3cr3t0@localhost/app", NEITHER},
        {"s3cr3t0", NEITHER},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].conninfo, cases[i].why, "");
}

static void refuses_pairs_that_libpq_does_not_know(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "host=localhost password=s3 cr3t0",
        "host=localhost password='s3cr3t0",
        "host=localhost s3cr3t0=",
        "=s3cr3t0",
        "DATABASE_URL=postgresql://me:s3cr3t0@localhost/app",
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i], NEITHER, "");
}

/* As it was typed, unless it may be a piece of a password. */
static void names_a_key_that_was_mistyped(void **state)
{
    (void)state;
    static const struct {
        const char *conninfo, *why;
    } cases[] = {
        {"host=localhost passwort=s3cr3t0",
         "it has an unknown key \"passwort\" (did you mean password?)"},
        {"hosst=localhost password=s3cr3t0",
         "it has an unknown key \"hosst\" (did you mean host?)"},
        {"host = 'a \\' b' db_name = app",
         "it has an unknown key \"db_name\" (did you mean dbname?)"},
        {"password=s3cr3t0 usr=me", "it has an unknown key (did you mean user?)"},
        {"password='s3 cr3t0' sslmod=require", "it has an unknown key (did you mean sslmode?)"},
        {"postgresql://me:s3cr3t0@localhost/app?sslmod=require",
         "it has an unknown key \"sslmod\" (did you mean sslmode?)"},
        {"postgresql://localhost/app?ssl=true&conect_timeout=3",
         "it has an unknown key \"conect_timeout\" (did you mean connect_timeout?)"},
        {"postgresql://localhost/app?password=s3cr3t0&usr=me",
         "it has an unknown key (did you mean user?)"},
        {"postgresql://localhost/app?usr=me@s3cr3t0", "it has an unknown key (did you mean user?)"},
        {"host=localhost database=app",
         "it has an unknown key \"database\" (did you mean dbname?)"},
        {"host=localhost databse=app", "it has an unknown key \"databse\" (did you mean dbname?)"},
        {"hots=localhost dbname=app", "it has an unknown key \"hots\" (did you mean host?)"},
        {"password=s3cr3t0 username=me", "it has an unknown key (did you mean user?)"},
        {"host=localhost t=1", NEITHER},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].conninfo, cases[i].why, "");
}

static void refuses_a_port_that_is_no_number(void **state)
{
    (void)state;
    static const char detail[] = "it is the value of port or of PGPORT";

    assert_refused("host=localhost port=s3cr3t0", PORT, detail);
    assert_refused("host=a,b port=5432,s3cr3t0", PORT, detail);
    assert_refused("postgresql://localhost/app?port=s3cr3t0", PORT, detail);
    setenv("PGPORT", "s3cr3t0", 1);
    assert_refused(NULL, PORT, detail);
    assert_refused("host=localhost", PORT, detail);
}

static void refuses_a_url_where_a_name_belongs(void **state)
{
    (void)state;
    static const struct {
        const char *conninfo, *detail;
    } cases[] = {
        {"dbname=postgresql://me:s3cr3t0@localhost/app",
         "it is the value of dbname or of PGDATABASE"},
        {"dbname=me:s3cr3t0@localhost/app", "it is the value of dbname or of PGDATABASE"},
        {"dbname=//me:s3cr3t0@localhost/app", "it is the value of dbname or of PGDATABASE"},
        {"host=postgres://me:s3cr3t0@localhost/app", "it is the value of host or of PGHOST"},
        {"host=me:s3cr3t0@localhost", "it is the value of host or of PGHOST"},
        {"host=//me:s3cr3t0@localhost/app", "it is the value of host or of PGHOST"},
        {"host=s3cr3t0@localhost", "it is the value of host or of PGHOST"},
        {"hostaddr=s3cr3t0@::1", "it is the value of hostaddr or of PGHOSTADDR"},
        {"host=localhost port=5432@s3cr3t0", "it is the value of port or of PGPORT"},
        {"user=postgresql://me:s3cr3t0@localhost/app", "it is the value of user or of PGUSER"},
        {"user=me:s3cr3t0@localhost/app", "it is the value of user or of PGUSER"},
        {"postgresql:///app?host=me%3As3cr3t0%40localhost", "it is the value of host or of PGHOST"},
        {"postgresql:///postgresql%3A%2F%2Fme%3As3cr3t0%40localhost",
         "it is the value of dbname or of PGDATABASE"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].conninfo, WRONG_PLACE, cases[i].detail);
}

static void refuses_urls_in_the_environment(void **state)
{
    static const char url[] = "postgresql://me:s3cr3t0@localhost/app";
    static const char half[] = "me:s3cr3t0@localhost/app";
    static const struct {
        const char *variable, *detail;
    } cases[] = {
        {"PGDATABASE", "it is the value of dbname or of PGDATABASE"},
        {"PGHOST", "it is the value of host or of PGHOST"},
        {"PGHOSTADDR", "it is the value of hostaddr or of PGHOSTADDR"},
        {"PGPORT", "it is the value of port or of PGPORT"},
        {"PGUSER", "it is the value of user or of PGUSER"},
        {"PGSERVICE", "it is the value of service or of PGSERVICE"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        clear_environment(state);
        setenv(cases[i].variable, url, 1);
        assert_refused(NULL, WRONG_PLACE, cases[i].detail);
        assert_refused("", WRONG_PLACE, cases[i].detail);
        setenv(cases[i].variable, half, 1);
        assert_refused(NULL, WRONG_PLACE, cases[i].detail);
    }
    clear_environment(state);
    setenv("PGDATABASE", url, 1);
    assert_refused("host=localhost", WRONG_PLACE, "it is the value of dbname or of PGDATABASE");
    assert_refused("postgresql://localhost", WRONG_PLACE,
                   "it is the value of dbname or of PGDATABASE");
}

static void what_the_string_says_itself_is_not_the_environments(void **state)
{
    (void)state;
    struct inlay_error err;

    setenv("PGDATABASE", "postgresql://me:s3cr3t0@localhost/app", 1);
    assert_int_equal(inlay_conninfo_validate("postgresql://localhost/app", &err), INLAY_OK);
    assert_int_equal(inlay_conninfo_validate("host=localhost dbname=app", &err), INLAY_OK);
}

/* A message of libpq may quote these, whatever else the string says. */
static void what_is_only_quoted_counts_too(void **state)
{
    static const char url[] = "postgresql://me:s3cr3t0@localhost/app";
    static const char *const variables[] = {"PGHOSTADDR", "PGPORT", "PGSERVICE"};
    static const char *const strings[] = {"postgresql://me@localhost/app", NULL, "",
                                          "host=localhost user=me", "postgresql://localhost/app"};
    struct inlay_error err;

    for (size_t i = 0; i < COUNT(variables); i++) {
        clear_environment(state);
        setenv(variables[i], url, 1);
        for (size_t j = 0; j < COUNT(strings); j++) {
            assert_int_equal(inlay_conninfo_validate(strings[j], &err), INLAY_E_ARGUMENT);
            assert_no_secret(&err);
        }
    }
    assert_int_equal(inlay_conninfo_validate("user=me host=x dbname=a:b@c", &err),
                     INLAY_E_ARGUMENT);
}

static void takes_an_ordinary_environment(void **state)
{
    (void)state;
    struct inlay_error err;

    setenv("PGHOST", "localhost", 1);
    setenv("PGUSER", "me", 1);
    setenv("PGDATABASE", "app", 1);
    setenv("PGPASSWORD", "s3://cr3:t0@x", 1); /* may be anything: it is never shown */
    assert_int_equal(inlay_conninfo_validate(NULL, &err), INLAY_OK);
    assert_int_equal(inlay_conninfo_validate("port=5433", &err), INLAY_OK);
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    while (strcmp(options->keyword, keyword) != 0)
        options++;
    return options->val;
}

/* Whatever stands unencoded in the place of the password: either the text is refused, or nothing of
 * it has become a host, a port, a user or a database, which a message would quote. */
static void no_part_of_a_password_becomes_something_else(void **state)
{
    (void)state;
    static const char characters[] = "ab12@:/?#%,[]&=+ \\'.";
    uint32_t seed = 77;
    size_t taken = 0;

    for (size_t round = 0; round < 20000; round++) {
        char password[12] = "";
        char url[80];
        char *ignored = NULL;
        struct inlay_error err;
        size_t length = unit_random(&seed, sizeof password);
        for (size_t i = 0; i < length; i++)
            password[i] = characters[unit_random(&seed, sizeof characters - 1)];
        snprintf(url, sizeof url, "postgresql://me:%s@localhost:5432/app", password);
        if (inlay_conninfo_validate(url, &err) != INLAY_OK)
            continue;
        taken++;
        PQconninfoOption *options = PQconninfoParse(url, &ignored);
        assert_non_null(options);
        assert_string_equal(value_of(options, "user"), "me");
        assert_string_equal(value_of(options, "host"), "localhost");
        assert_string_equal(value_of(options, "port"), "5432");
        assert_string_equal(value_of(options, "dbname"), "app");
        const char *read = value_of(options, "password");
        if (strchr(password, '%') == NULL)
            assert_string_equal(read != NULL ? read : "", password);
        PQconninfoFree(options);
    }
    assert_in_range(taken, 2000, 18000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_what_is_clear, clear_environment),
        cmocka_unit_test_setup(refuses_ambiguous_urls, clear_environment),
        cmocka_unit_test_setup(no_part_of_a_password_becomes_something_else, clear_environment),
        cmocka_unit_test_setup(refuses_pairs_that_libpq_does_not_know, clear_environment),
        cmocka_unit_test_setup(names_a_key_that_was_mistyped, clear_environment),
        cmocka_unit_test_setup(refuses_a_port_that_is_no_number, clear_environment),
        cmocka_unit_test_setup(refuses_a_url_where_a_name_belongs, clear_environment),
        cmocka_unit_test_setup(refuses_urls_in_the_environment, clear_environment),
        cmocka_unit_test_setup(what_the_string_says_itself_is_not_the_environments,
                               clear_environment),
        cmocka_unit_test_setup(what_is_only_quoted_counts_too, clear_environment),
        cmocka_unit_test_setup(takes_an_ordinary_environment, clear_environment),
    };
    return cmocka_run_group_tests_name("conninfo", tests, NULL, NULL);
}

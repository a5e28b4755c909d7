"""options.find_conninfo: the host is asked before each attempt to connect, and nothing that it gave
before is used again."""

from __future__ import annotations

import pytest

from conftest import ProgramFactory
from harness.database import Database
from outcomes import tables, versions

# Gives what the variables say that $WORDS names, one for each time that it is asked and the last
# again; "none" gives nothing. What it gave before leads nowhere by then.
SOURCE = """
#include <inlay.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct inlay_set app_migrations;
static char given[1000];

static const char *find(void *user, struct inlay_error *err)
{
    const char **left = user;
    size_t length = strcspn(*left, " ");
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)length, *left);
    *left += (*left)[length] == ' ' ? length + 1 : 0;
    printf("asked %s\\n", word);
    snprintf(given, sizeof given, "host=/nowhere");
    if (strcmp(word, "sealed") == 0 || strcmp(word, "OLD") == 0)
        inlay_refuse(err, "the vault is sealed");
    if (getenv(word) == NULL)
        return NULL;
    snprintf(given, sizeof given, "%s", getenv(word));
    return given;
}

int main(int argc, char **argv)
{
    struct inlay_options options = {.size = sizeof options};
    const char *left = getenv("WORDS");
    struct inlay_error err;
    char text[INLAY_ERROR_TEXT_MAX];
    int rc = INLAY_OK;

    options.conninfo = getenv("GIVEN");
    options.find_conninfo = find;
    options.find_conninfo_user = &left;
    options.connect_wait_ms = argc > 2 ? atoll(argv[2]) : 0;
    if (strcmp(argv[1], "check") == 0)
        rc = inlay_check(&app_migrations, &options, &err);
    else
        rc = inlay_migrate(&app_migrations, &options, NULL, &err);
    printf("%s\\n", inlay_code_name(rc));
    inlay_error_format(&err, text, sizeof text);
    fputs(text, stderr);
    return -rc;
}
"""

FILES = {
    "1_one.sql": "CREATE TABLE one ();",
    "2_cut.sql": "-- inlay: no-transaction\nCREATE TABLE IF NOT EXISTS two ();\n"
    "SELECT CASE nextval('tries') WHEN 1 THEN pg_terminate_backend(pg_backend_pid()) END;",
}


def test_it_is_asked_before_each_attempt(program: ProgramFactory, database: Database) -> None:
    """Also after the connection was lost."""
    database.execute("CREATE SEQUENCE tries")
    env = {"WORDS": "FIRST SECOND", "FIRST": database.tcp_url, "SECOND": database.url}
    host = program(SOURCE, FILES)
    result = host.run("migrate", url=None, env=env)
    assert result.stdout == "asked FIRST\nasked SECOND\nok\n", result.stderr
    assert tables(database) == {"one", "two"} and versions(database) == [1, 2]
    assert host.run("check", url=None, env=env).stdout == "asked FIRST\nok\n"


def test_what_it_gives_may_expire(program: ProgramFactory, database: Database) -> None:
    """A server that is not there, and then a service that gives no password, may come back."""
    database.execute("CREATE SEQUENCE tries")
    words = "GONE sealed none THERE"
    env = {"WORDS": words, "GONE": "host=/nowhere", "THERE": database.url}
    result = program(SOURCE, FILES).run("migrate", "20000", url=None, env=env)
    asked = "asked GONE\nasked sealed\nasked none\nasked THERE\n"
    assert result.stdout == asked + "asked THERE\nok\n", result.stderr


@pytest.mark.parametrize(
    "words, code, said",
    [
        ("sealed", "connection", "error: the vault is sealed\n"),
        ("OLD", "connection", "error: the vault is sealed\n"),
        ("none", "connection", "error: options.find_conninfo gave no connection string\n"),
        ("WRONG", "argument", "error: the connection string cannot be used: "),
        ("MODE", "argument", 'error: invalid sslmode value: "sometimes"'),
    ],
)
def test_what_it_does_not_give(
    program: ProgramFactory, database: Database, words: str, code: str, said: str
) -> None:
    """A string that cannot be used is no better a second later."""
    env = {"WORDS": words, "WRONG": "postgresql://me:sesame@word@host/db", "OLD": database.url}
    env["MODE"] = "host=localhost sslmode=sometimes"
    host = program(SOURCE, FILES)
    result = host.run("migrate", url=None, env=env)
    assert result.stdout == f"asked {words}\n{code}\n"
    assert said in result.stderr and "sesame" not in result.stderr
    given = "given by options.find_conninfo" in result.stderr
    assert given == (code == "argument")
    waited = host.run("migrate", "600", url=None, env=env)
    assert waited.stdout.count("asked") == (3 if code == "connection" else 1)
    assert tables(database) == set()


@pytest.mark.parametrize("given", ["host=/nowhere", ""])
def test_a_connection_string_goes_before_it(program: ProgramFactory, given: str) -> None:
    env = {"WORDS": "sealed", "GIVEN": given, "PGHOST": "/nowhere"}
    result = program(SOURCE, FILES).run("check", url=None, env=env)
    assert result.stdout == "connection\n" and "/nowhere/.s.PGSQL" in result.stderr


def test_an_empty_string(program: ProgramFactory) -> None:
    env = {"WORDS": "EMPTY", "EMPTY": "", "PGHOST": "/nowhere"}
    result = program(SOURCE, FILES).run("check", url=None, env=env)
    assert result.stdout == "asked EMPTY\nconnection\n"
    assert "options.find_conninfo gave an empty connection string, so libpq" in result.stderr

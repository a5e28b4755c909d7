"""No output shows a part of a password where a server is there to repeat it: what it is asked for
under a name that is half of a password must not come back in its refusal."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import tables

FILES = {"001_one.sql": "CREATE TABLE one ();"}

# The password is alpha...omega, with something in between that is not encoded as it should be.
BROKEN = {
    "at": "postgresql://u:alpha@omega@127.0.0.1:{port}/{database}",
    "at and slash": "postgresql://u:alpha@127.0.0.1:{port}/omega@127.0.0.1/{database}",
    "colon": "postgresql://u:alpha:omega@127.0.0.1:{port}/{database}",
    "slash": "postgresql://u:alpha/omega@127.0.0.1:{port}/{database}",
    "question mark": "postgresql://u:alpha?omega@127.0.0.1:{port}/{database}",
    "hash": "postgresql://u:alpha#omega@127.0.0.1:{port}/{database}",
    "percent": "postgresql://u:alpha%omega@127.0.0.1:{port}/{database}",
    "space": "postgresql://u:alpha omega@127.0.0.1:{port}/{database}",
    "line break": "postgresql://u:alpha\nomega@127.0.0.1:{port}/{database}",
    "a password parameter": "postgresql://u@127.0.0.1:{port}/{database}?password=alpha&omega",
    "a parameter with a slash": "postgresql://u@127.0.0.1:{port}/{database}?password=alpha&x=omega",
    "no user": "postgresql://:alphaomega@127.0.0.1:{port}/{database}",
    "no host": "postgresql://u:alphaomega@:{port}/{database}",
    "a missing database": "postgresql://u:alphaomega@127.0.0.1:{port}/nowhere",
    "two databases": "postgresql://u:alphaomega@127.0.0.1:{port}/a/b",
    "a host as the user": "postgresql://127.0.0.1:{port}:alphaomega@u/{database}",
    "keywords with a space": "host=127.0.0.1 port={port} user=u password=alpha dbname=u:omega@h/d",
    "a URL as the database": "host=127.0.0.1 port={port} dbname=u:alphaomega@127.0.0.1/x",
    "a URL as the user": "host=127.0.0.1 port={port} user=postgresql://u:alphaomega@127.0.0.1/x",
    "half a URL as the user": "host=127.0.0.1 port={port} user=u:alphaomega@127.0.0.1",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_server_does_not_repeat_it(app: AppFactory, database: Database, case: str) -> None:
    url = BROKEN[case].format(port=database.server.port, database=database.name)
    for arguments in (["--only"], ["--check", "--json"]):
        result = app(FILES).run(*arguments, url=url)
        assert result.returncode in (2, 6), result.stderr
        assert "error: " in result.stderr
        assert "alpha" not in result.stderr + result.stdout
        assert "omega" not in result.stderr + result.stdout
    assert tables(database) == set()


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGSERVICE"])
def test_nor_what_stands_in_the_environment(
    app: AppFactory, database: Database, variable: str
) -> None:
    program = app(FILES)
    port = "" if variable == "PGPORT" else f":{database.server.port}"
    env = {variable: "postgresql://u:alphaomega@127.0.0.1/x"}
    for url in (f"postgresql://u@127.0.0.1{port}/{database.name}", None):
        result = program.run("--only", url=url, env=env)
        if url is None or variable not in ("PGHOST", "PGUSER"):  # which the URL overrides
            assert result.returncode == 2
            assert f"of {variable}\n" in result.stderr
        assert "alpha" not in result.stderr + result.stdout


def test_what_is_right_is_not_shown_either(app: AppFactory, database: Database) -> None:
    """The harness looks for the true passwords in all that a program prints."""
    program = app({**FILES, "002_end.sql": "SELECT pg_terminate_backend(pg_backend_pid());"})
    for verb in ("--status", "--dry-run", "--check", "--only"):
        result = program.run(verb, url=database.tcp_url)
        assert result.stdout + result.stderr

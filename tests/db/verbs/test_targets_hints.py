"""What a hint says of one of many targets is about that target; what was not meant is refused."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from test_targets import FILES, given

EDITED = {**FILES, "002_more.sql": "INSERT INTO items VALUES (2);"}
BOTH = {**FILES, "001_items.sql": "CREATE TABLE IF NOT EXISTS items (n int);"}


def checksums(database: Database, schema: str) -> list[tuple[Any, ...]]:
    return database.rows(f"SELECT checksum FROM {schema}.applied_migrations ORDER BY version")


def follow(program: Program, verb: str, hint: str, name: str, **env: str) -> None:
    """Does what the hint says, with the options that it has for the target."""
    (options,) = re.findall(rf"^ *for {re.escape(name)}: (.*?)(?:;|$)", hint, re.MULTILINE)
    done = program.run(*shlex.split(f"{verb} {options}".replace("--migrate-", "--")), env=env)
    assert done.returncode == 0, done.stderr


def test_a_hint_followed_is_about_the_schema(app: AppFactory, database: Database) -> None:
    program, edited = app(FILES), app(EDITED)
    assert given(program, "only", "w1", "w2", "public").returncode == 0
    before = checksums(database, "public")
    refused = given(edited, "check", "w1", "w2")
    assert refused.returncode == 4 and "--migrate-accept 2" in refused.stderr
    follow(edited, "--migrate-accept 2", refused.stderr, "w1")
    assert checksums(database, "public") == before
    assert given(edited, "check", "w1").returncode == 0
    assert given(edited, "check", "w2").returncode == 4


def test_a_hint_followed_is_about_the_database(app: AppFactory, database: Database) -> None:
    """The guard's, while the program finds another database by itself; also in JSON."""
    program = app(BOTH)
    database.execute("CREATE SCHEMA w1", "CREATE TABLE w1.items ()", "CREATE TABLE items ()")
    parts = {**conninfo_to_dict(database.url), "application_name": "it is"}
    secret = str(parts.pop("password"))
    place, env = make_conninfo("", **parts), {"PGPASSWORD": secret}
    command, line = ("--only", "--targets", "-", "--json"), f"one\tw1\t{place}\n"
    found = program.run(*command, stdin=line, env=env)
    (failure,) = json.loads(found.stdout)["targets"]["failures"]
    hint = failure["error"]["hint"]
    assert found.returncode == 7 and "--migrate-baseline 1" in hint, found.stderr
    assert hint.count("--migrate-history w1.applied_migrations") == 1
    assert hint.endswith("; to run migrations, add --migrate-search-path w1")
    history = " --migrate-history w1.applied_migrations"
    follow(program, f"--migrate-baseline 2{history}", hint, "one", **env)
    assert database.value("SELECT to_regclass('public.applied_migrations') IS NULL")
    assert program.run(*command, stdin=line, env=env).returncode == 0
    hidden = given(program, "only", f"two\t\t{place} password={secret}")
    assert "for two: --migrate-database URL (its connection string)" in hidden.stderr
    assert secret not in hidden.stderr


def test_columns_of_the_query(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    for query, column in (
        ("SELECT 'w1' AS schema, 'dbname=other' AS coninfo", "coninfo"),
        ("SELECT 'w1' AS schema, 'w2' AS schema", "schema"),
        ("SELECT 'w1' AS schema, 1", "?column?"),
    ):
        refused = program.run("--only", "--targets", query)
        assert (refused.returncode, refused.stderr) == (
            2,
            f'error: the query for targets has a column "{column}" that is unknown here, or there '
            "twice\n  hint: its columns are schema, conninfo and name: correct this one, or leave "
            "it out\n",
        )
    assert database.value("SELECT to_regnamespace('w1') IS NULL")
    whole = "SELECT 'one' AS name, NULL AS conninfo, 'w1' AS schema"
    assert program.run("--only", "--targets", whole).returncode == 0

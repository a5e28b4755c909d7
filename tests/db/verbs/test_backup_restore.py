"""A backup is only one if it can be restored: docs/going-back.md, followed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Iterator

import psycopg
import pytest

from backups import Tools, backups as whole, contents, restore
from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.server import Server
from outcomes import migrate, versions
from ways import go

pytestmark = pytest.mark.pg_dump

BASE = {
    "001_people.sql": "CREATE TYPE mood AS ENUM ('fine', 'bad');\n"
    "CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " name text NOT NULL, mood mood);\n"
    "CREATE INDEX people_name ON people (name);\n",
    "002_notes.sql": "CREATE SCHEMA other;\nCREATE TABLE other.notes (\n"
    "    person bigint REFERENCES people, text text);\n"
    "CREATE VIEW said AS SELECT name, text FROM people JOIN other.notes ON person = id;\n"
    "CREATE FUNCTION double(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * n';\n",
}
CHANGE = {
    "003_change.up.sql": "ALTER TABLE people DROP COLUMN mood;\nDROP TYPE mood;\n"
    "UPDATE people SET name = upper(name);\nDROP VIEW said;\n",
    "003_change.down.sql": "SELECT 1;\n",
}
GROW = {
    "004_grow.sql": "CREATE SCHEMA newer;\n"
    "CREATE TABLE newer.tags (person bigint REFERENCES people, tag text);\n"
    "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
}
ALL = {**BASE, **CHANGE, **GROW}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


@pytest.fixture
def how(database: Database, tmp_path: Path, kept: Path) -> dict[str, Any]:
    tools = Tools(database.server, tmp_path)
    return {"env": {**tools.real(), "INLAY_BACKUP_DIR": str(kept)}}


@pytest.fixture
def program(app: AppFactory, database: Database) -> Program:
    """Version 2 of a database with people in it; the program has two versions more."""
    assert migrate(app(BASE)).exit == 0
    database.execute(
        "INSERT INTO people (name, mood) SELECT 'n' || n, 'fine' FROM generate_series(1, 500) n",
        r"INSERT INTO other.notes SELECT id, E'odd \\. \t\n \u2028 ''quoted''' FROM people",
    )
    return app(ALL)


@pytest.fixture
def new_database(database: Database) -> Iterator[Database]:
    made = Database(database.server)
    yield made
    made.drop()


def test_into_a_new_database(
    program: Program,
    database: Database,
    new_database: Database,
    how: dict[str, Any],
    kept: Path,
) -> None:
    before = contents(database, database.admin_url)
    assert migrate(program, **how).applied == [3, 4]
    assert contents(database, database.admin_url) != before
    (name,) = whole(kept)
    restore(new_database.server, kept / name, new_database.admin_url)
    assert contents(database, new_database.admin_url) == before
    # From there on it is migrated as if nothing had been.
    assert migrate(program, url=new_database.admin_url).applied == [3, 4]


def test_over_the_same_one(
    program: Program, database: Database, how: dict[str, Any], kept: Path
) -> None:
    """What the migration made goes, what it took comes back."""
    before = contents(database, database.admin_url)
    assert migrate(program, **how).applied == [3, 4]
    database.execute("INSERT INTO people (name) VALUES ('too late')")
    away = "DROP SCHEMA newer CASCADE;\nDROP TABLE orders;\n"
    restore(database.server, kept / whole(kept)[0], database.url, away)
    assert contents(database, database.admin_url) == before
    assert versions(database) == [1, 2]
    assert migrate(program).applied == [3, 4]


LARGE = "SELECT lo_from_bytea({n}, decode(repeat('c0ffee', 100000), 'hex'))"


@pytest.mark.parametrize("place", ["a new one", "the same one"])
def test_large_objects(
    program: Program,
    database: Database,
    new_database: Database,
    how: dict[str, Any],
    kept: Path,
    place: str,
) -> None:
    """pg_dump brings a transaction of its own for them: nothing may be kept of a restore that
    fails after them."""
    target = database if place == "the same one" else new_database
    database.execute(LARGE.format(n=4711), LARGE.format(n=4712))
    database.execute("INSERT INTO other.notes VALUES (1, 'BEGIN;'), (2, 'COMMIT;')")
    before = contents(database, database.admin_url)
    assert migrate(program, **how).applied == [3, 4]
    database.execute("SELECT lo_unlink(4711)", "SELECT lo_put(4712, 0, 'changed')")
    path = kept / whole(kept)[0]
    away = "DROP SCHEMA newer CASCADE;\nDROP TABLE orders;\n" if target is database else ""
    untouched = contents(database, target.admin_url)
    said = restore(database.server, path, target.admin_url, away, "SELECT 1 / 0;\n")
    assert "division by zero" in said
    assert contents(database, target.admin_url) == untouched
    restore(database.server, path, target.admin_url, away)
    assert contents(database, target.admin_url) == before


def test_over_the_same_one_where_nothing_was_made(
    app: AppFactory, program: Program, database: Database, how: dict[str, Any], kept: Path
) -> None:
    before = contents(database, database.admin_url)
    assert migrate(app({**BASE, **CHANGE}), **how).applied == [3]
    restore(database.server, kept / whole(kept)[0], database.url)
    assert contents(database, database.admin_url) == before


def test_what_was_undone_comes_back(
    program: Program, database: Database, how: dict[str, Any], kept: Path
) -> None:
    assert migrate(program).applied == [3, 4]
    before = contents(database, database.admin_url)
    assert go(program, "down", "1", "--skip-missing-down", **how).exit == 0
    restore(database.server, kept / whole(kept)[0], database.url)
    assert contents(database, database.admin_url) == before and versions(database) == [1, 2, 3, 4]


def test_what_a_reset_dropped_comes_back(
    program: Program, database: Database, how: dict[str, Any], kept: Path
) -> None:
    assert migrate(program).applied == [3, 4]
    database.execute("CREATE TABLE precious AS SELECT 1 AS n")
    before = contents(database, database.admin_url)
    assert program.run("--reset", f"--yes={database.name}", **how).returncode == 0
    assert database.value("SELECT to_regclass('precious')") is None
    assert [name.split("_before_")[1] for name in whole(kept)] == ["reset.sql.gz"]
    restore(database.server, kept / whole(kept)[0], database.url)
    assert contents(database, database.admin_url) == before


def test_other_encodings(
    app: AppFactory, database: Database, how: dict[str, Any], kept: Path
) -> None:
    """A database in LATIN1 is dumped and restored as what it is."""
    server = database.server
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        for name in ("latin_1", "latin_2"):
            admin.execute(f"CREATE DATABASE {name} ENCODING LATIN1 TEMPLATE template0")
    try:
        urls = [server.admin_url(name) for name in ("latin_1", "latin_2")]
        with psycopg.connect(urls[0], autocommit=True) as connection:
            connection.execute("CREATE TABLE words AS SELECT chr(233) AS word")
        assert migrate(app({"001_a.sql": "CREATE TABLE a ();"}), url=urls[0], **how).exit == 0
        restore_bytes(server, kept / whole(kept)[0], urls[1])
        with psycopg.connect(urls[1]) as connection:
            ((word,),) = connection.execute("SELECT ascii(word) FROM words").fetchall()
        assert word == 233
    finally:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            for name in ("latin_1", "latin_2"):
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def restore_bytes(server: Server, path: Path, url: str) -> None:
    unpacked = subprocess.run(["gzip", "-dc", str(path)], capture_output=True, check=True).stdout
    command = [server.program("psql"), "-Xq1", "-v", "ON_ERROR_STOP=1", "-d", url]
    subprocess.run(command, input=unpacked, check=True, timeout=60)

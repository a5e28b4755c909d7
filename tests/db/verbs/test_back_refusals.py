"""Going back where it may not: refused before anything is undone, with the way out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, migrate, tables, versions, wait_until
from ways import applied, go, schema, table, undone

A, B, C = table(1, "a"), table(2, "b"), table(3, "c")
ALL = {**A, **B, **C}
BACK = [["down", "2"], ["to", "1"], ["down", "batch"], ["redo"]]
EDITS = [["baseline", "3"], ["mark", "3"], ["unmark", "3"], ["accept", "3"]]
ROWS = "SELECT version, name, checksum, batch FROM applied_migrations ORDER BY version"

back = pytest.mark.parametrize("words", BACK, ids=" ".join)
every = pytest.mark.parametrize("words", BACK + EDITS, ids=" ".join)


def everything(database: Database) -> Any:
    return schema(database), database.rows(ROWS)


def without_down(files: dict[str, str], version: int) -> dict[str, str]:
    return {n: t for n, t in files.items() if n[:3] != f"{version:03d}" or ".up." in n}


def with_up(files: dict[str, str], version: int, name: str, more: str) -> dict[str, str]:
    key = f"{version:03d}_{name}.up.sql"
    return {**files, key: files[key] + more}


@pytest.mark.pg_dump
@back
def test_not_confirmed(app: AppFactory, database: Database, words: list[str]) -> None:
    """Nobody is there to ask."""
    program = app(ALL)
    migrate(program)
    before = everything(database)
    for option in ("--strict", "--json"):
        result = program.run(f"--{words[0]}", *words[1:], option, stdin="y\n")
        assert result.returncode == 2
        assert "not confirmed: no terminal to ask on; add --yes" in result.stderr
        assert "nothing was undone" in result.stderr and "3_c" in result.stderr
    assert everything(database) == before and advisory_locks(database) == 0


@pytest.mark.pg_dump
@back
def test_a_newer_row(app: AppFactory, database: Database, words: list[str]) -> None:
    program = app(ALL)
    migrate(program)
    batch = "(SELECT max(batch) FROM applied_migrations)"
    database.execute(f"INSERT INTO applied_migrations VALUES (4, 'd', now(), NULL, {batch})")
    before = everything(database)
    way = go(program, *words)
    assert (way.exit, way.code, way.steps) == (7, "refused", [])
    assert way.error["message"] == (
        "version 4 (d) would have to be undone first, and this binary does not have it"
    )
    assert everything(database) == before
    database.execute("DELETE FROM applied_migrations WHERE version = 4")
    assert go(program, *words).exit == 0


@pytest.mark.pg_dump
@back
def test_a_renamed_file(app: AppFactory, database: Database, words: list[str]) -> None:
    program = app(ALL)
    migrate(program)
    database.execute("UPDATE applied_migrations SET name = 'x' WHERE version = 2")
    before = everything(database)
    way = go(program, *words)
    assert (way.exit, way.code, way.steps) == (4, "mismatch", [])
    assert everything(database) == before
    assert "--migrate-accept 2, or" in way.error["hint"]
    assert go(program, "accept", "2").exit == 0
    assert go(program, *words).exit == 0


@pytest.mark.pg_dump
def test_an_edited_file_is_undone_as_it_is_now(app: AppFactory, database: Database) -> None:
    migrate(app(ALL))
    edited = with_up(ALL, 3, "c", "CREATE TABLE more ();\n")
    program = app(edited)
    before = everything(database)
    way = go(program, "to", "1")
    assert (way.exit, way.code, way.steps) == (4, "mismatch", [])
    assert everything(database) == before
    assert go(program, "down", "1").steps == undone(3)
    assert go(program, "to", "1").steps == undone(2)
    assert migrate(program).applied == [2, 3]
    assert tables(database) == {"a", "b", "c", "more"}


def test_an_edited_file_further_down(app: AppFactory, database: Database) -> None:
    """Not in the way of going back above it."""
    migrate(app(ALL))
    program = app(with_up(ALL, 1, "a", "-- edited\n"))
    assert migrate(program).exit == 4
    assert go(program, "redo").steps == [*undone(3), *applied(3)]
    assert go(program, "down", "2").steps == undone(3, 2)
    assert versions(database) == [1]


def test_a_gap(app: AppFactory, database: Database) -> None:
    program = app(ALL)
    migrate(app({**A, **C}))
    assert go(program, "down", "2").steps == undone(3, 1)
    assert tables(database) == set() and versions(database) == []
    migrate(app({**A, **C}))
    assert go(program, "to", "1").steps == undone(3)
    assert go(program, "redo").steps == [*undone(1), *applied(1)]
    assert tables(database) == {"a"} and versions(database) == [1]


@pytest.mark.pg_dump
@pytest.mark.parametrize("words", [["down", "2"], ["to", "1"], ["down", "batch"]])
def test_a_missing_down(app: AppFactory, database: Database, words: list[str]) -> None:
    """Although the one above it could be undone, nothing is."""
    migrate(app(A))
    program = app(without_down(ALL, 2))
    migrate(program)
    before = everything(database)
    way = go(program, *words)
    assert (way.exit, way.code, way.steps) == (7, "refused", [])
    assert way.error["message"] == "version 2 (b) has no down script"
    assert way.error["path"] == "migrations/002_b.up.sql"
    assert way.error["outcome"] == "nothing was undone"
    assert everything(database) == before
    way = go(program, *words, "--skip-missing-down")
    assert (way.exit, way.steps) == (0, undone(3, 2))
    assert "undone 002_b (its row only, " in way.stderr
    assert tables(database) == {"a", "b"} and versions(database) == [1]


def test_redo_without_a_down(app: AppFactory, database: Database) -> None:
    program = app(without_down(ALL, 3))
    migrate(program)
    way = go(program, "redo")
    assert (way.exit, way.steps) == (7, []) and versions(database) == [1, 2, 3]
    way = go(program, "redo", "--skip-missing-down")
    assert (way.exit, way.steps) == (1, [(3, "undone"), (3, "failed")])  # the table is still there
    assert way.error["sqlstate"] == "42P07"
    assert "what this run undid before it stays undone" in way.error["outcome"]
    assert versions(database) == [1, 2] and tables(database) == {"a", "b", "c"}


@pytest.mark.pg_dump
@pytest.mark.parametrize("verb", ["to", "baseline", "mark", "accept"])
def test_a_version_that_is_not_embedded(app: AppFactory, database: Database, verb: str) -> None:
    program = app({**A, **C})
    migrate(program)
    before = everything(database)
    way = go(program, verb, "2", yes=False)
    assert (way.exit, way.code, way.steps) == (2, "argument", [])
    where = "the history" if verb == "accept" else "this binary"
    assert way.error["message"] == f"version 2 is not in {where}"
    assert everything(database) == before


@pytest.mark.pg_dump
@every
def test_a_read_only_role(app: AppFactory, database: Database, words: list[str]) -> None:
    program = app(ALL)
    migrate(program)
    before = everything(database)
    database.execute(f"ALTER ROLE {database.role} SET default_transaction_read_only = on")
    way = go(program, *words)
    assert (way.exit, way.code, way.steps) == (7, "refused", [])
    assert way.error["message"] == "the session is read-only, and there is something to write"
    assert everything(database) == before
    database.admin(f"ALTER ROLE {database.role} RESET default_transaction_read_only")
    assert go(program, *words).exit == 0


@pytest.mark.pg_dump
@every
def test_a_role_without_rights(app: AppFactory, database: Database, words: list[str]) -> None:
    program = app(ALL)
    migrate(program)
    before = everything(database)
    other = database.add_role("other")
    database.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {other}")
    with_grants = everything(database)
    way = go(program, *words, url=database.url_for(other))
    assert (way.exit, way.code, way.steps) == (7, "refused", [])
    assert f'belongs to role "{database.role}"' in way.error["message"]
    assert everything(database) == with_grants and before[1] == with_grants[1]


@pytest.mark.pg_dump
@every
def test_a_second_process_has_the_lock(
    app: AppFactory, database: Database, words: list[str]
) -> None:
    slow = {"004_slow.up.sql": "SELECT pg_sleep(60);\n"}
    program = app(ALL)
    migrate(program)
    before = everything(database)
    first = app({**ALL, **slow}).start("--only")
    wait_until(lambda: advisory_locks(database))
    way = go(program, *words, "--lock-wait", "300ms")
    assert (way.exit, way.code, way.steps) == (5, "locked", [])
    assert everything(database) == before
    first.terminate()
    assert first.wait(20) == 143
    assert go(program, *words).exit == 0


@pytest.mark.parametrize("way", [("--down", "1"), ("--down", "batch"), ("--to", "0"), ("--redo",)])
def test_below_a_file_that_is_half_done(
    app: AppFactory, database: Database, way: tuple[str, ...]
) -> None:
    """Its row would be lost with the table, and not be written again."""
    files = {
        "001_t.sql": "CREATE TABLE t (id integer);\nINSERT INTO t VALUES (1);\n",
        "001_t.down.sql": "DROP TABLE t;\n",
        "002_row.sql": "-- inlay: no-transaction\nINSERT INTO t VALUES (2);\n"
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t ((10 / (id - 1)));\n",
    }
    program = app(files)
    assert migrate(program).exit == 1
    result = program.run(*way, "--yes", "--json")
    document = json.loads(result.stdout)
    assert (result.returncode, document["error"]["version"]) == (7, "2")
    assert "version 2 is half done, and version 1 below it would be undone" in result.stdout
    assert database.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,)]
    database.execute("DELETE FROM t WHERE id = 2")
    assert program.run("--resume-at", "2:1").returncode == 0
    assert program.run("--down", "1", "--yes").returncode == 0
    assert versions(database) == []

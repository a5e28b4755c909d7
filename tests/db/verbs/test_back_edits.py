"""Changing the history alone: baseline, mark and unmark run nothing and undo nothing."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, check, migrate, tables, versions
from ways import ALONE, batches, go, half_done, schema, table, undone

A, B, C = table(1, "a"), table(2, "b"), table(3, "c")
ALL = {**A, **B, **C}
CHECKSUMS = "SELECT version FROM applied_migrations WHERE checksum IS NOT NULL ORDER BY version"


@pytest.mark.pg_dump
def test_baseline_on_a_filled_database(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE a ()", "CREATE TABLE b ()")
    before = schema(database)
    program = app(ALL)
    assert go(program, "baseline", "2").exit == 0
    assert schema(database) == before and advisory_locks(database) == 0
    assert batches(database) == [(1, None), (2, None)] and database.rows(CHECKSUMS) == []
    assert check(program) == 3
    outcome = migrate(program)
    assert (outcome.applied, outcome.batch) == ([3], 1)
    assert check(program) == 0 and check(app({**ALL, "001_a.up.sql": "-- other\n"})) == 0


def test_baseline_of_another_tools_database(app: AppFactory, database: Database) -> None:
    """What is refused without it goes on after it."""
    database.execute(
        "CREATE TABLE a ()",
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        "INSERT INTO schema_migrations VALUES (1, false)",
    )
    program = app(ALL)
    refused = migrate(program)
    assert (refused.exit, refused.code) == (7, "refused") and tables(database) >= {"a"}
    assert "--migrate-baseline VERSION" in refused.error["hint"]
    assert go(program, "baseline", "1").exit == 0
    assert migrate(program).applied == [2, 3]
    assert database.rows("TABLE schema_migrations") == [(1, False)]


def test_baseline_keeps_what_is_recorded(app: AppFactory, database: Database) -> None:
    """A gap is filled; twice is as good as once."""
    migrate(app({**A, **C}))
    program = app(ALL)
    for _ in range(2):
        assert go(program, "baseline", "3").exit == 0
        assert batches(database) == [(1, 1), (2, None), (3, 1)]
        assert database.rows(CHECKSUMS) == [(1,), (3,)]
    assert tables(database) == {"a", "c"} and check(program) == 0


def test_a_baseline_can_be_undone(app: AppFactory, database: Database) -> None:
    database.execute("CREATE TABLE a ()")
    program = app(A)
    go(program, "baseline", "1")
    assert go(program, "down", "batch").exit == 7 and versions(database) == [1]
    assert go(program, "down", "1").steps == undone(1) and tables(database) == set()


def test_mark(app: AppFactory, database: Database) -> None:
    migrate(app(A))
    program = app(ALL)
    for _ in range(2):
        marked = program.run("--mark", "3")
        assert marked.returncode == 0
        assert marked.stderr.splitlines()[-1] == "003_c counts as applied"
        assert batches(database) == [(1, 1), (3, None)] and tables(database) == {"a"}
    outcome = migrate(program)
    assert outcome.applied == [2] and "applying late" in outcome.warnings[0]


def test_mark_finishes_what_is_half_done(app: AppFactory, database: Database) -> None:
    half = {**A, "002_b.up.sql": f"{ALONE}CREATE TABLE b ();\nSELECT wrong;\n"}
    program = app(half)
    assert migrate(program).exit == 1 and half_done(database) == [("2", 1)]
    assert go(program, "mark", "2").exit == 0
    assert half_done(database) == [] and versions(database) == [1, 2] and check(program) == 0


def test_unmark(app: AppFactory, database: Database) -> None:
    program = app(ALL)
    migrate(program)
    assert go(program, "unmark", "2").exit == 0
    assert versions(database) == [1, 3] and tables(database) == {"a", "b", "c"}
    way = go(program, "unmark", "2")
    assert (way.exit, way.code) == (2, "argument")
    assert way.error["message"] == "version 2 is not in the history"
    assert check(program) == 3
    database.execute("DROP TABLE b")
    assert migrate(program).applied == [2]


def test_unmark_what_is_not_embedded(app: AppFactory, database: Database) -> None:
    """The row of a branch that was thrown away."""
    migrate(app({**A, **B}))
    program = app({**A, **C})
    assert migrate(program).exit == 4
    assert go(program, "unmark", "2").exit == 0
    assert migrate(program).applied == [3]


def test_an_empty_database_has_nothing_to_unmark(app: AppFactory, database: Database) -> None:
    way = go(app(A), "unmark", "1")
    assert (way.exit, way.code) == (2, "argument") and tables(database) == set()


def test_history_of_ones_own(app: AppFactory, database: Database) -> None:
    program = app(ALL)
    assert go(program, "baseline", "3", "--history", "tenant.done").exit == 0
    assert versions(database, "tenant.done") == [1, 2, 3]
    assert database.value("SELECT to_regclass('public.applied_migrations') IS NULL")

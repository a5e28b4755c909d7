"""Going back: each verb undoes what it says, newest first, each migration with its row."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Builder, Program
from outcomes import advisory_locks, migrate, tables, versions
from ways import applied, batches, go, schema, table, undone

A, B, C, D = table(1, "a"), table(2, "b"), table(3, "c", alone=True), table(4, "d")
ALL = {**A, **B, **C, **D}


@pytest.fixture
def program(app: AppFactory, database: Database) -> Program:
    """1 is batch 1, the others are batch 2."""
    assert migrate(app(A)).batch == 1
    everything = app(ALL)
    assert migrate(everything).batch == 2
    return everything


@pytest.mark.valgrind
def test_down(program: Program, database: Database) -> None:
    way = go(program, "down", "1")
    assert (way.exit, way.steps, way.batch) == (0, undone(4), None)
    assert tables(database) == {"a", "b", "c"} and versions(database) == [1, 2, 3]
    assert go(program, "down", "2").steps == undone(3, 2)
    assert tables(database) == {"a"} and batches(database) == [(1, 1)]
    assert go(program, "down", "9").steps == undone(1)
    assert tables(database) == set() and versions(database) == []
    way = go(program, "down", "1")
    assert (way.exit, way.steps) == (0, []) and "nothing to do" in way.stderr
    assert advisory_locks(database) == 0


@pytest.mark.pg_dump
def test_down_and_up_again(program: Program, database: Database) -> None:
    before = schema(database)
    go(program, "down", "3")
    outcome = migrate(program)
    assert (outcome.applied, outcome.batch) == ([2, 3, 4], 2)
    assert schema(database) == before


def test_to(program: Program, database: Database) -> None:
    assert go(program, "to", "2").steps == undone(4, 3)
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    way = go(program, "to", "3", yes=False)  # only up: nobody is asked
    assert (way.exit, way.steps, way.batch) == (0, applied(3), 3)
    assert tables(database) == {"a", "b", "c"} and batches(database)[-1] == (3, 3)
    assert go(program, "to", "0").steps == undone(3, 2, 1)
    assert tables(database) == set() and versions(database) == []
    assert go(program, "to", "4", yes=False).steps == applied(1, 2, 3, 4)
    way = go(program, "to", "004", yes=False)
    assert (way.exit, way.steps) == (0, []) and tables(database) == {"a", "b", "c", "d"}


def test_to_goes_both_ways(program: Program, database: Database) -> None:
    """What is missing below is applied, once what is above is undone."""
    database.execute("DROP TABLE b", "DELETE FROM applied_migrations WHERE version = 2")
    assert go(program, "to", "3").steps == [*undone(4), *applied(2)]
    assert tables(database) == {"a", "b", "c"} and versions(database) == [1, 2, 3]


def test_to_an_empty_database(app: AppFactory, database: Database) -> None:
    way = go(app(ALL), "to", "2", yes=False)
    assert (way.exit, way.steps, way.batch) == (0, applied(1, 2), 1)
    assert tables(database) == {"a", "b"}


def test_version_0_is_a_version_where_there_is_one(app: AppFactory, database: Database) -> None:
    program = app({**table(0, "zero"), **A})
    migrate(program)
    assert go(program, "to", "0").steps == undone(1)
    assert tables(database) == {"zero"} and versions(database) == [0]


def test_rollback(program: Program, database: Database) -> None:
    assert go(program, "down", "batch").steps == undone(4, 3, 2)
    assert tables(database) == {"a"} and batches(database) == [(1, 1)]
    assert go(program, "down", "batch").steps == undone(1)
    assert tables(database) == set()
    way = go(program, "down", "batch")
    assert (way.exit, way.steps) == (0, []) and "nothing to do" in way.stderr


def test_rollback_takes_a_late_one_alone(app: AppFactory, database: Database) -> None:
    migrate(app({**A, **C}))
    program = app({**A, **B, **C})
    assert migrate(program).batch == 2
    assert go(program, "down", "batch").steps == undone(2)
    assert tables(database) == {"a", "c"} and batches(database) == [(1, 1), (3, 1)]


def test_rollback_refuses_a_row_without_a_batch(program: Program, database: Database) -> None:
    database.execute("UPDATE applied_migrations SET batch = NULL WHERE version = 4")
    way = go(program, "down", "batch")
    assert (way.exit, way.code, way.steps) == (7, "refused", [])
    assert way.error["message"] == (
        "version 4 (d) was recorded without a batch: what the last run applied is not known"
    )
    database.execute("UPDATE applied_migrations SET batch = NULL")
    assert go(program, "down", "batch").exit == 7 and versions(database) == [1, 2, 3, 4]
    assert go(program, "down", "1").steps == undone(4)


@pytest.mark.pg_dump
def test_redo(program: Program, database: Database) -> None:
    before = schema(database)
    database.execute("ALTER TABLE d ADD gone integer")
    way = go(program, "redo")
    assert (way.exit, way.steps, way.batch) == (0, [*undone(4), *applied(4)], 3)
    assert schema(database) == before
    assert batches(database) == [(1, 1), (2, 2), (3, 2), (4, 3)]
    assert "1 migration undone, 1 applied in batch 3" in way.stderr


@pytest.mark.valgrind
def test_redo_without_a_transaction(app: AppFactory, database: Database) -> None:
    program = app({**A, **C})
    migrate(program)
    assert go(program, "redo").steps == [*undone(3), *applied(3)]
    assert tables(database) == {"a", "c"} and versions(database) == [1, 3]


def test_an_empty_history_of_ones_own(program: Program, database: Database) -> None:
    """Each history has its own rows; the others stay."""
    for words in (["down", "1"], ["down", "batch"], ["redo"]):
        way = go(program, *words, "--history", "public.other")
        assert (way.exit, way.steps) == (0, [])
    assert versions(database) == [1, 2, 3, 4]


def dump_at(program: Program, database: Database, version: int) -> str:
    way = go(program, "to", str(version))
    assert way.exit == 0, way.stderr
    assert (versions(database) or [0])[-1] == version
    return schema(database)


@pytest.mark.pg_dump
def test_the_reference_servers_own(builder: Builder, app: AppFactory, database: Database) -> None:
    """One by one up, down and up again: at each version the schema is the same each time."""
    there = (builder.source / "migrations").glob("*.sql")
    files = {path.name: path.read_bytes() for path in there}
    program = app(files)
    last = max(int(name[:3]) for name in files)
    up = {version: dump_at(program, database, version) for version in range(1, last + 1)}
    down = {version: dump_at(program, database, version) for version in range(last - 1, -1, -1)}
    again = {version: dump_at(program, database, version) for version in range(1, last + 1)}
    assert len(set(up.values())) == last
    assert tables(database) and "CREATE" not in down.pop(0)
    for version in down:
        assert down[version] == up[version], version
    assert again == up
    assert go(program, "to", "0").exit == 0 and tables(database) == set()


@pytest.mark.pg_dump
def test_the_reference_servers_migration_in_c(
    reference_server: Program, database: Database
) -> None:
    assert reference_server.run("--migrate-only").returncode == 0
    before = schema(database)
    back = reference_server.run("--migrate-down", "1", "--migrate-yes")
    assert back.returncode == 0 and "undone 013_add_ticket_codes" in back.stderr
    assert "tickets_code_idx" in before and "tickets_code_idx" not in schema(database)
    assert reference_server.run("--migrate-only").returncode == 0
    assert schema(database) == before

"""A build that says what to adopt: the first start does so by itself, before anything runs."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from foreign_tables import GOOSE, SQLX
from harness.database import Database
from harness.program import Program
from harness.relay import Relay
from outcomes import advisory_locks, check, finish, migrate, tables, versions, wait_until
from test_adopt import fill, versions_or_none
from ways import go, table, undone

A, B, C = table(1, "a"), table(2, "b"), table(3, "c")
ALL = {**A, **B, **C}
ADOPT = ("--adopt", "goose=public.goose_db_version")


@pytest.fixture
def program(app: AppFactory) -> Program:
    return app(ALL, embed=ADOPT)


def test_a_filled_database(program: Program, database: Database) -> None:
    fill(database, GOOSE)
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [3]), outcome.stderr
    assert "adopted 2 migrations of goose from public.goose_db_version" in outcome.stderr
    assert tables(database) == {"a", "b", "c", "goose_db_version"}
    assert (migrate(program).exit, check(program), advisory_locks(database)) == (0, 0, 0)


def test_a_database_that_is_up_to_date_there(app: AppFactory, database: Database) -> None:
    fill(database, GOOSE)
    program = app({**A, **B}, embed=ADOPT)
    assert check(program) == 3
    said = program.run("--only")
    assert said.returncode == 0 and versions(database) == [1, 2]
    assert said.stderr.splitlines()[-1] == "up to date: 2 migrations, the newest is 002_b"


def test_a_fresh_database(program: Program, database: Database) -> None:
    assert migrate(program).applied == [1, 2, 3]
    assert tables(database) == {"a", "b", "c"}


def test_a_table_without_rows(program: Program, database: Database) -> None:
    """goose has made its table, and row 0, and nothing else yet."""
    database.execute(*GOOSE.fill(GOOSE.rows[0]))
    assert migrate(program).applied == [1, 2, 3]


def test_to_a_version(program: Program, database: Database) -> None:
    fill(database, GOOSE)
    assert go(program, "to", "3").exit == 0 and versions(database) == [1, 2, 3]


def test_a_history_that_is_empty(program: Program, database: Database) -> None:
    """Somebody made the tables beforehand, for a role that may not."""
    fill(database, GOOSE)
    database.execute("CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text)")
    assert migrate(program).applied == [3] and versions(database) == [1, 2, 3]


def test_it_is_once(program: Program, database: Database) -> None:
    """Once all is undone it is to run again, whatever the old table still says."""
    fill(database, GOOSE)
    migrate(program)
    assert go(program, "to", "0").steps == undone(3, 2, 1)
    assert migrate(program).applied == [1, 2, 3]


def test_a_history_with_rows(program: Program, app: AppFactory, database: Database) -> None:
    """Nothing is read of the tool's table, which may be gone or in disorder."""
    migrate(app(A))
    database.execute("CREATE TABLE goose_db_version ()")
    assert migrate(program).applied == [2, 3]


def test_a_record_that_does_not_fit(program: Program, database: Database) -> None:
    fill(database, GOOSE, "(version_id, is_applied) VALUES (1, true), (7, true)")
    outcome = migrate(program)
    assert (outcome.exit, outcome.code, outcome.results) == (4, "mismatch", {})
    assert tables(database) == {"a", "b", "goose_db_version"}
    assert versions_or_none(database) is None
    outcome = migrate(program, "--allow-missing")
    assert (outcome.exit, outcome.results) == (1, {2: "failed"})
    assert versions(database) == [1]


def test_a_table_of_another_tool(program: Program, database: Database) -> None:
    """The one that is to be adopted is not there, but one that nobody has spoken of."""
    database.execute(*SQLX.fill())
    outcome = migrate(program)
    assert outcome.exit == 7 and "public._sqlx_migrations has rows" in outcome.error["message"]
    assert advisory_locks(database) == 0
    assert go(program, "adopt", "sqlx").exit == 0 and migrate(program).applied == [3]


def test_fresh(program: Program, database: Database) -> None:
    database.execute(*GOOSE.fill())
    assert migrate(program, "--fresh").applied == [1, 2, 3]


def test_a_history_of_another_name(program: Program, database: Database) -> None:
    """The build speaks of its own history: a tenant's is none of it."""
    fill(database, GOOSE)
    outcome = migrate(program, "--history", "tenant.done")
    assert outcome.exit == 7 and "--migrate-adopt goose" in outcome.error["hint"]


def test_what_it_would_do(program: Program, database: Database) -> None:
    fill(database, GOOSE)
    shown = program.run("--dry-run").stdout.splitlines()
    assert shown[0] == (
        "would first adopt what goose=public.goose_db_version has applied, if it is there"
    )
    assert versions_or_none(database) is None
    migrate(program)
    assert program.run("--dry-run").stdout.startswith("up to date")


def test_twelve_at_once(program: Program, database: Database) -> None:
    fill(database, GOOSE)
    running = [program.start("--only", "--json") for _ in range(12)]
    outcomes = [finish(process) for process in running]
    assert [outcome.exit for outcome in outcomes] == [0] * 12
    assert sorted(sum((outcome.applied for outcome in outcomes), [])) == [3]
    assert versions(database) == [1, 2, 3] and advisory_locks(database) == 0


@pytest.mark.parametrize("direction, needle", [("up", b"INSERT INTO"), ("down", b"COMMIT")])
def test_a_lost_connection(
    program: Program, database: Database, relay: Relay, direction: str, needle: bytes
) -> None:
    """It connects again and finds out what is so."""
    fill(database, GOOSE)
    relay.at(direction, needle, relay.cut)
    outcome = migrate(program, url=relay.url(database.url))
    assert (outcome.exit, outcome.applied) == (0, [3]), outcome.stderr
    wait_until(lambda: not advisory_locks(database))
    assert versions(database) == [1, 2, 3]

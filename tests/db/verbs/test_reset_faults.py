"""--reset that is stopped, cut off, killed or overtaken: all is there or all is gone, and a second
run completes."""

from __future__ import annotations

import signal
from typing import Callable, Iterator

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.relay import UP, Relay
from outcomes import advisory_locks, backends, finish, migrate, tables, versions, wait_until
from test_reset import reset, said
from ways import table

TWO = {**table(1, "a"), **table(2, "b")}
MINE = {"a", "b", "mine"}


@pytest.fixture
def program(app: AppFactory, database: Database) -> Program:
    """A database with a table beside what the program made."""
    made = app(TWO)
    migrate(made)
    database.execute("CREATE TABLE mine ()")
    return made


def words(program: Program) -> list[str]:
    return ["--reset", f"--yes={program.database.name}", "--json"]


def assert_completes(program: Program, database: Database) -> None:
    wait_until(lambda: advisory_locks(database) == 0)
    assert reset(program).returncode == 0
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]


@pytest.fixture
def held(program: Program, database: Database) -> Iterator[Callable[[], None]]:
    """Somebody uses a table; for this role nobody waits less than a minute."""
    database.admin(f"ALTER ROLE {database.role} SET lock_timeout = '60s'")
    with database.connect() as connection:
        connection.execute("SELECT FROM mine")
        yield connection.rollback


WAITS = "query LIKE 'DROP %' AND wait_event_type = 'Lock'"


def test_it_waits_for_who_uses_a_table(
    program: Program, database: Database, held: Callable[[], None]
) -> None:
    process = program.start(*words(program))
    wait_until(lambda: backends(database, WAITS) == 1)
    assert tables(database) == MINE
    held()
    assert finish(process).exit == 0 and tables(database) == {"a", "b"}


def test_but_not_for_ever(program: Program, database: Database, held: Callable[[], None]) -> None:
    database.admin(f"ALTER ROLE {database.role} SET lock_timeout = '200ms'")
    outcome = finish(program.start(*words(program)))
    assert (outcome.exit, outcome.error["sqlstate"]) == (5, "55P03")
    assert outcome.error["outcome"] == "nothing was dropped"
    assert tables(database) == MINE
    held()
    assert_completes(program, database)


def test_without_a_setting_it_is_five_seconds(program: Program, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("SELECT FROM mine")
        read = said(program)
        assert (read["exit"], read["error"]["sqlstate"]) == (5, "55P03")
    assert tables(database) == MINE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_drop(
    program: Program, database: Database, held: Callable[[], None], number: int
) -> None:
    process = program.start(*words(program), preexec_fn=lambda: default(number))
    wait_until(lambda: backends(database, WAITS) == 1)
    process.send_signal(number)
    outcome = finish(process)
    assert (outcome.exit, outcome.error["outcome"]) == (128 + number, "nothing was dropped")
    held()
    assert tables(database) == MINE and versions(database) == [1, 2]
    assert_completes(program, database)


def default(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)


def test_killed_in_the_drop(program: Program, database: Database, held: Callable[[], None]) -> None:
    process = program.start(*words(program))
    wait_until(lambda: backends(database, WAITS) == 1)
    process.kill()
    process.wait()
    wait_until(lambda: backends(database, WAITS) == 0, "for the server to notice")
    held()
    assert tables(database) == MINE and versions(database) == [1, 2]
    assert_completes(program, database)


def test_the_session_ends_in_the_drop(
    program: Program, database: Database, held: Callable[[], None]
) -> None:
    """Nothing is tried a second time."""
    process = program.start(*words(program))
    wait_until(lambda: backends(database, WAITS) == 1)
    database.rows(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WAITS}"
        " AND datname = current_database()"
    )
    outcome = finish(process)
    assert (outcome.exit, outcome.code) == (6, "lost")
    assert "either everything was dropped or nothing" in outcome.error["outcome"]
    held()
    assert tables(database) == MINE
    assert_completes(program, database)


@pytest.mark.parametrize("needle", [b"DROP SCHEMA", b"CREATE TABLE b"])
def test_cut_off_behind_the_drop(
    app: AppFactory, database: Database, relay: Relay, needle: bytes
) -> None:
    """Before the drop is committed nothing is gone; afterwards it is connected again."""
    program = app(TWO)
    migrate(program)
    database.execute("CREATE SCHEMA beside", "CREATE TABLE beside.mine ()")
    relay.at(UP, needle, relay.cut)
    url = database.url_for(database.role, host="127.0.0.1").replace(
        f":{database.server.port}", f":{relay.port}"
    )
    outcome = finish(program.start(*words(program), url=url))
    wait_until(lambda: advisory_locks(database) == 0)
    if needle == b"DROP SCHEMA":
        assert outcome.exit == 6
        assert tables(database, "beside") == {"mine"} and versions(database) == [1, 2]
    else:
        assert outcome.exit == 0 and outcome.applied[-1] == 2
        assert any("connecting again" in warning for warning in outcome.warnings)
    assert reset(program).returncode == 0
    assert tables(database, "beside") == set() and versions(database) == [1, 2]


def refuse_drops(database: Database, state: str) -> None:
    """A drop fails on the server, as it does where its table of locks is full."""
    database.admin(
        "CREATE SCHEMA guard",
        "CREATE FUNCTION guard.no() RETURNS event_trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$",
        "CREATE EVENT TRIGGER guard ON sql_drop WHEN TAG IN ('DROP TABLE')"
        " EXECUTE FUNCTION guard.no()",
    )
    # It belongs to an extension: it is in nobody's way.
    database.admin("CREATE EXTENSION citext", "ALTER EXTENSION citext ADD SCHEMA guard")


ADVICE = {"53200": "max_locks_per_transaction", "42501": "drop by hand"}


@pytest.mark.parametrize("state", ADVICE)
def test_a_drop_that_fails(program: Program, database: Database, state: str) -> None:
    refuse_drops(database, state)
    read = said(program)
    assert (read["exit"], read["error"]["sqlstate"]) == (1, state)
    assert ADVICE[state] in read["error"]["hint"]
    assert read["error"]["outcome"] == "nothing was dropped"
    assert tables(database) == MINE and versions(database) == [1, 2]
    database.admin("DROP EVENT TRIGGER guard")
    assert_completes(program, database)


def test_a_second_process_at_once(program: Program, database: Database) -> None:
    """One after the other, each from nothing to the end."""
    started = [program.start(*words(program)) for _ in range(3)]
    outcomes = [finish(process) for process in started]
    assert [(outcome.exit, outcome.applied) for outcome in outcomes] == [(0, [1, 2])] * 3
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]
    assert advisory_locks(database) == 0


def test_among_those_that_start(program: Program, database: Database) -> None:
    """Servers that boot meanwhile find everything in the end."""
    started = [program.start(*words(program))]
    started += [program.start("--only", "--json") for _ in range(6)]
    assert [finish(process).exit for process in started] == [0] * 7
    assert tables(database) == {"a", "b"} and versions(database) == [1, 2]

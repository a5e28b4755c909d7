"""A server that takes no more connections: it is said, and who is told to wait gets its turn."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.server import Server
from outcomes import backends, finish, migrate, numbered, tables, versions, wait_until
from phases import SETUP

ONE = {"001_one.sql": "CREATE TABLE one ();"}
AT_THE_GATE = "query ~ 'gate' AND state = 'active'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Of its six connections three are for superusers."""
    running = Server({"max_connections": "6"})
    yield running
    running.close()


def take_all(database: Database, stack: ExitStack) -> None:
    """Those who made the database may not be gone yet: their place is waited for."""
    taken: list[psycopg.Connection[Any]] = []

    def take_one() -> bool:
        try:
            taken.append(stack.enter_context(database.connect()))
        except psycopg.OperationalError:
            return False
        return len(taken) == 3

    wait_until(take_one)


def test_it_is_said(app: AppFactory, database: Database) -> None:
    with ExitStack() as stack:
        take_all(database, stack)
        for verb in ("--only", "--check", "--status"):
            assert app(ONE).run(verb).returncode == 6
        outcome = migrate(app(ONE))
        assert (outcome.code, outcome.error["sqlstate"]) == ("connection", "53300")
    wait_until(lambda: backends(database) == 0)
    assert migrate(app(ONE)).applied == [1]


def test_a_fleet_that_waits_for_its_turn(app: AppFactory, database: Database) -> None:
    program = app(numbered(5, "CREATE TABLE t{n} ();"))
    fleet = [program.start("--only", "--json", "--connect-wait=60") for _ in range(12)]
    outcomes = [finish(process) for process in fleet]
    assert [outcome.stderr for outcome in outcomes if outcome.exit != 0] == []
    applied = sorted(version for outcome in outcomes for version in outcome.applied)
    assert applied == versions(database) == [1, 2, 3, 4, 5]


def test_it_is_full_when_the_connection_is_lost(
    app: AppFactory, database: Database, server: Server
) -> None:
    """Connecting again has patience, although nobody asked for any at the start."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    running = app({**ONE, "002_two.sql": "SELECT gate('body');"}).start("--only", "--json")
    wait_until(lambda: backends(database, AT_THE_GATE))
    database.admin(
        f"ALTER ROLE {database.role} CONNECTION LIMIT 0",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {AT_THE_GATE}"
        " AND pid <> pg_backend_pid()",
        "DELETE FROM closed",
    )
    refusal = f'too many connections for role "{database.role}"'
    wait_until(lambda: server.log().count(refusal) >= 3)
    database.admin(f"ALTER ROLE {database.role} CONNECTION LIMIT -1")
    assert finish(running).exit == 0
    assert versions(database) == [1, 2] and tables(database) == {"one", "log", "closed"}

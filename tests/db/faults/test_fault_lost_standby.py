"""A synchronous standby that is gone: every commit is durable on the server and then waits for
ever. PostgreSQL cannot take it back, so what is told must be what is so."""

from __future__ import annotations

import signal
import subprocess
from typing import Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.server import Server
from outcomes import advisory_locks, backends, finish, migrate, versions, wait_until
from phases import SETUP

FILES = {
    "001_log.sql": "INSERT INTO log VALUES (1);\nSELECT gate('body');\n",
    "002_log.sql": "INSERT INTO log VALUES (2);\n",
}
WAITING = "wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    with psycopg.connect(running.admin_url(), autocommit=True) as connection:
        connection.execute("ALTER ROLE postgres SET synchronous_commit = 'local'")
    yield running
    running.close()


@pytest.fixture
def standby(database: Database) -> Iterator[Database]:
    """A database whose commits wait for a standby from wait_for('nobody') to wait_for('')."""
    database.execute(*SETUP)
    yield database
    wait_for(database, "")


def wait_for(database: Database, name: str) -> None:
    change = f"ALTER SYSTEM SET synchronous_standby_names = '{name}'"
    database.admin(change, "SELECT pg_reload_conf()")
    wait_until(lambda: database.value("SHOW synchronous_standby_names") == name)


def start_and_hold(program: Program, database: Database) -> subprocess.Popen[str]:
    """Starts it; it waits in the COMMIT of the first migration."""
    database.admin("INSERT INTO closed VALUES ('body')")
    running = program.start("--only", "--json")
    wait_until(lambda: backends(database, "query ~ 'gate' AND state = 'active'"))
    wait_for(database, "nobody")
    database.admin("DELETE FROM closed")
    wait_until(lambda: backends(database, WAITING))
    return running


def lines(database: Database) -> list[int]:
    return [line for (line,) in database.rows("SELECT line FROM log ORDER BY line")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped(app: AppFactory, standby: Database, number: signal.Signals) -> None:
    """The cancel ends the wait, not the commit: it counts, and so does one that was on its way."""
    running = start_and_hold(app(FILES), standby)
    running.send_signal(number)
    outcome = finish(running)
    assert (outcome.exit, outcome.code) == (128 + number, "stopped")
    assert versions(standby) == lines(standby) == outcome.applied
    assert outcome.applied in ([1], [1, 2])
    assert advisory_locks(standby) == 0


def test_stopped_while_the_tables_are_made(app: AppFactory, standby: Database) -> None:
    wait_for(standby, "nobody")
    running = app(FILES).start("--only", "--json")
    wait_until(lambda: backends(standby, WAITING))
    running.terminate()
    outcome = finish(running)
    assert (outcome.exit, outcome.code) == (128 + signal.SIGTERM, "stopped")
    assert versions(standby) == lines(standby) == outcome.applied  # what was on its way counts
    assert advisory_locks(standby) == 0
    wait_for(standby, "")
    assert migrate(app(FILES)).exit == 0
    assert versions(standby) == lines(standby) == [1, 2]


def test_killed_and_another_started_at_once(app: AppFactory, standby: Database) -> None:
    """The commit keeps the lock until it is answered; the other one says who has it."""
    program = app(FILES)
    start_and_hold(program, standby).kill()
    pid = standby.value(f"SELECT pid FROM pg_stat_activity WHERE {WAITING}")
    outcome = migrate(program, "--lock-wait=1s")
    assert (outcome.exit, outcome.code) == (5, "locked")
    assert f"held by pid {pid}" in outcome.error["detail"]
    wait_for(standby, "")
    assert migrate(program).exit == 0
    assert versions(standby) == lines(standby) == [1, 2]


def test_its_process_is_terminated(app: AppFactory, standby: Database) -> None:
    """Committed, and perhaps never answered: the history tells, and nothing runs twice."""
    running = start_and_hold(app(FILES), standby)
    pid = standby.value(f"SELECT pid FROM pg_stat_activity WHERE {WAITING}")
    standby.admin(f"SELECT pg_terminate_backend({pid})")
    wait_until(lambda: backends(standby, f"{WAITING} AND pid <> {pid}"))
    assert versions(standby) == [1]
    wait_for(standby, "")
    assert finish(running).exit == 0
    assert versions(standby) == lines(standby) == [1, 2]

"""A network that loses every packet and tells nobody: both ends find out within about a minute, and
none waits for the hours that TCP would."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.namespace import NETWORK, SERVER, Cable
from harness.program import Program
from harness.server import Server
from outcomes import assert_prompt, await_signal, backends, end_orphans, ends_orphans, finish
from outcomes import lock_key, migrate, versions, wait_until
from phases import SETUP

FILES = {"001_log.sql": "INSERT INTO log VALUES (1);\nSELECT gate('body');\n"}
HELD = "query ~ 'gate' AND state = 'active'"


@pytest.fixture(scope="module")
def server(cable: Cable) -> Iterator[Server]:
    """One at an end of the cable; its socket in the file system is reached as always."""
    running = Server({"listen_addresses": SERVER}, within=cable.server.within)
    running.admit(NETWORK)
    running.restart()
    yield running
    running.close()


@pytest.fixture
def lossy(cable: Cable) -> Iterator[Cable]:
    yield cable
    cable.mend()


@pytest.fixture
def url(database: Database) -> str:
    """From the other end of the cable."""
    return database.url_for(database.role, host=SERVER)


Far = Callable[[Program], Program]


@pytest.fixture
def far(cable: Cable, adopt: Callable[[Path], Program], tmp_path: Path) -> Far:
    """The same program at the other end of the cable."""

    def wrap(program: Program) -> Program:
        script = tmp_path / program.path.parent.name
        there = " ".join(cable.client.within)
        script.write_text(f'#!/bin/sh\nexec {there} {program.path} "$@"\n')
        script.chmod(0o755)
        return adopt(script)

    return wrap


def addresses(database: Database) -> int:
    """How many sessions come through the cable."""
    return backends(database, "client_addr IS NOT NULL")


def test_the_holder_and_a_waiter_vanish(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str, tmp_path: Path
) -> None:
    """The server ends the sessions of both, so that somebody else does their work; when the network
    is back they find it done. The holder has nothing on its way, the waiter a question: keepalives
    notice the one, a limit on what is not acknowledged the other. Before PostgreSQL 14 the holder's
    runs on until its statement is done, and may or may not come to its COMMIT."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    program = app(FILES)
    logs = [tmp_path / "holder", tmp_path / "waiter"]
    holder = far(program).start("--only", url=url, stderr=logs[0].open("w"))
    wait_until(lambda: backends(database, HELD))
    waiter = far(program).start("--only", url=url, stderr=logs[1].open("w"))
    # Before its settings are made the server would wait for hours, and it holds nothing.
    wait_until(lambda: "waiting for the migration lock" in logs[1].read_text())
    lossy.silence()
    other = program.start("--only", "--json")
    ends = ends_orphans(database.server)
    kept = 0 if ends else 1
    wait_until(lambda: addresses(database) == kept, "for the server to give them up", 150)
    database.execute("DELETE FROM closed")
    outcome = finish(other)
    assert outcome.exit == 0 and (outcome.applied == [1] or not ends)
    for log in logs:
        wait_until(lambda: "connecting again" in log.read_text(), "for a client to notice", 150)
    lossy.mend()
    assert [client.wait(120) for client in (holder, waiter)] == [0, 0]
    assert database.rows("SELECT line FROM log") == [(1,)] and versions(database) == [1]


def test_stopped_in_the_silence(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str
) -> None:
    """The cancel does not get through either: given up, and what is not known is said."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    running = far(app(FILES)).start("--only", "--json", url=url)
    wait_until(lambda: backends(database, HELD))
    lossy.silence()
    running.terminate()
    outcome = finish(running)
    assert (outcome.exit, outcome.code) == (6, "lost")
    assert "001_log.sql may or may not be committed" in outcome.error["outcome"]
    lossy.mend()
    end_orphans(database)
    wait_until(lambda: addresses(database) == 0)
    database.execute("DELETE FROM closed")
    assert migrate(app(FILES)).exit == 0
    assert database.rows("SELECT line FROM log") == [(1,)]


def test_a_second_signal_in_the_silence(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str
) -> None:
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    running = far(app(FILES)).start("--only", url=url)
    wait_until(lambda: backends(database, HELD))
    lossy.silence()
    running.terminate()
    await_signal(running)
    time.sleep(0.3)
    assert running.poll() is None
    running.terminate()
    assert running.wait(60) == 128 + signal.SIGTERM
    lossy.mend()
    end_orphans(database)
    wait_until(lambda: addresses(database) == 0)
    assert versions(database) == []


def test_connecting_into_the_silence(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str
) -> None:
    lossy.silence()
    outcome = migrate(far(app(FILES)), url=url + "?connect_timeout=1")
    assert (outcome.exit, outcome.code) == (6, "connection")
    assert "within the connection timeout" in outcome.error["message"]
    waiting = far(app(FILES)).start(
        "--check", "--connect-wait=100", url=url + "?connect_timeout=1", stderr=subprocess.DEVNULL
    )
    time.sleep(0.3)
    lossy.mend()
    assert waiting.wait(60) == 3


def test_connecting_has_an_end(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str
) -> None:
    """Ten seconds, where nobody says anything else."""
    lossy.silence()
    began = time.monotonic()
    assert migrate(far(app(FILES)), url=url).code == "connection"
    assert time.monotonic() - began >= 10
    assert_prompt(began, 15)


@pytest.mark.sample
def test_a_short_silence_is_no_loss(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str
) -> None:
    """TCP sends again what was lost."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    running = far(app(FILES)).start("--only", "--json", url=url)
    wait_until(lambda: backends(database, HELD))
    pid = database.value(f"SELECT pid FROM pg_stat_activity WHERE {HELD} AND client_addr <> '::1'")
    lossy.silence()
    database.execute("DELETE FROM closed")
    wait_until(lambda: versions(database) == [1])
    lossy.mend()
    outcome = finish(running)
    assert (outcome.exit, outcome.warnings) == (0, [])
    wait_until(lambda: backends(database, f"pid = {pid}") == 0)


def test_the_lock_is_waited_for_through_a_short_silence(
    app: AppFactory, database: Database, lossy: Cable, far: Far, url: str
) -> None:
    database.execute(*SETUP)
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        waiting = far(app(FILES)).start("--only", "--json", url=url)
        wait_until(lambda: addresses(database) == 1)
        lossy.silence()
    lossy.mend()
    outcome = finish(waiting)
    assert (outcome.exit, outcome.applied, outcome.warnings) == (0, [1], [])

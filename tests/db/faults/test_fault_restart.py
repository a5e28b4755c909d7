"""A server that is restarted, cleanly or as by a crash: who was connected connects again."""

from __future__ import annotations

from typing import Iterator

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.server import Server
from outcomes import advisory_locks, backends, finish, numbered, versions, wait_until
from phases import ALONE, SETUP

AT_THE_GATE = "query ~ 'gate' AND state = 'active'"
# A session is listed before its client has heard that it begins; until then no server was there,
# and that is status 6 at once.
CONNECTED = "query <> ''"
MODES = pytest.mark.parametrize("mode", ["fast", "immediate"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@MODES
def test_under_a_fleet(app: AppFactory, database: Database, server: Server, mode: str) -> None:
    """One is in the middle of a migration, the others wait for the lock."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    files = numbered(6, "CREATE TABLE t{n} ();\nINSERT INTO log VALUES ({n});\n")
    program = app({**files, "0007_slow.sql": "SELECT gate('body');\nCREATE TABLE t7 ();\n"})
    fleet = [program.start("--only", "--json") for _ in range(12)]
    wait_until(lambda: backends(database, AT_THE_GATE))
    wait_until(lambda: backends(database, CONNECTED) == 12)
    server.restart(mode)
    wait_until(lambda: backends(database, AT_THE_GATE))
    database.execute("DELETE FROM closed")
    outcomes = [finish(process) for process in fleet]
    assert [outcome.stderr for outcome in outcomes if outcome.exit != 0] == []
    assert versions(database) == [1, 2, 3, 4, 5, 6, 7]
    lines = database.rows("SELECT line FROM log ORDER BY line")
    assert lines == [(n,) for n in range(1, 7)]
    wait_until(lambda: advisory_locks(database) == 0)


@MODES
def test_in_a_statement_alone(
    app: AppFactory, database: Database, server: Server, mode: str
) -> None:
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    body = "INSERT INTO log VALUES (1);\nSELECT gate('body');\nINSERT INTO log VALUES (2);\n"
    running = app({"001_alone.sql": ALONE + body}).start("--only", "--json")
    wait_until(lambda: backends(database, AT_THE_GATE))
    server.restart(mode)
    database.execute("DELETE FROM closed")
    assert finish(running).exit == 0
    assert database.rows("SELECT line FROM log ORDER BY line") == [(1,), (2,)]

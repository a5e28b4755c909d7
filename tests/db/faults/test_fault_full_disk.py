"""A disk that is full, in a migration and under the history: what was not committed is gone, what
was is recorded, and with more room the next run completes."""

from __future__ import annotations

from typing import Callable, Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.namespace import Namespace
from harness.server import Server
from outcomes import advisory_locks, migrate, tables, versions
from phases import ALONE

ONE = {"001_one.sql": "CREATE TABLE one ();"}
BIG = "CREATE TABLE big (i int, x text) TABLESPACE small;\n"
FILL = "INSERT INTO big SELECT i, repeat('x', 1000) FROM generate_series(1, {rows}) AS i;\n"

Resize = Callable[[str], str]


@pytest.fixture(scope="module")
def server(namespace: Namespace) -> Iterator[Server]:
    """One with a tablespace on a disk of its own, which nobody else sees."""
    running = Server(within=namespace.within)
    owner = running.directory.stat()
    place = running.directory / "small"
    place.mkdir()
    how = f"uid={owner.st_uid},gid={owner.st_gid},mode=700"
    namespace.run("mount", "-t", "tmpfs", "-o", how, "tmpfs", str(place))
    with psycopg.connect(running.admin_url(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
        connection.execute("GRANT CREATE ON TABLESPACE small TO public")
    yield running
    running.close()


@pytest.fixture
def resize(namespace: Namespace, server: Server, database: Database) -> Resize:
    """The disk has four megabytes until it is given more."""

    def remount(size: str) -> str:
        return namespace.run("mount", "-o", f"remount,size={size}", str(server.directory / "small"))

    remount("4m")
    return remount


@pytest.mark.sample
def test_in_a_migration(app: AppFactory, database: Database, resize: Resize) -> None:
    program = app({**ONE, "002_big.sql": BIG + FILL.format(rows=8000)})
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied, outcome.error["sqlstate"]) == (1, [1], "53100")
    assert outcome.error["line"] == 2
    assert "002_big.sql was rolled back" in outcome.error["outcome"]
    assert tables(database) == {"one"} and versions(database) == [1]
    assert advisory_locks(database) == 0
    resize("64m")
    assert migrate(program).applied == [2]
    assert database.value("SELECT count(*) FROM big") == 8000


def test_in_a_statement_alone(app: AppFactory, database: Database, resize: Resize) -> None:
    """What was done stays, and the next run continues after it."""
    fill = FILL.format(rows=2000)
    program = app({"001_big.sql": ALONE + BIG + fill + fill})
    outcome = migrate(program)
    assert (outcome.exit, outcome.error["sqlstate"], outcome.error["line"]) == (1, "53100", 4)
    assert database.value("SELECT count(*) FROM big") == 2000
    assert database.rows("SELECT done FROM applied_migrations_state") == [(2,)]
    resize("64m")
    assert migrate(program).applied == [1]
    assert database.value("SELECT count(*) FROM big") == 4000


def test_under_the_history(app: AppFactory, database: Database, resize: Resize) -> None:
    database.execute(BIG)
    with pytest.raises(psycopg.errors.DiskFull):
        database.execute(FILL.format(rows=8000))  # the pages stay
    database.execute(f"ALTER ROLE {database.role} SET default_tablespace = small")
    outcome = migrate(app(ONE))
    assert (outcome.exit, outcome.error["sqlstate"]) == (7, "53100")
    assert tables(database) == {"big"} and advisory_locks(database) == 0
    assert database.rows("SELECT 1 FROM pg_class WHERE relname ~ '^applied'") == []
    resize("64m")
    assert migrate(app(ONE)).applied == [1]

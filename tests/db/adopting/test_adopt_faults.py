"""Adopting beside others, and when something goes wrong in the middle: all is recorded or
nothing."""

from __future__ import annotations

import signal
import threading
import zlib
from typing import Iterator

import pytest

from conftest import AppFactory
from foreign_tables import ALL as TOOLS
from foreign_tables import DIESEL, DIESEL_FILES, GOOSE, Foreign, tool_of
from harness.database import Database
from harness.relay import Relay
from harness.server import Server
from outcomes import advisory_locks, backends, end_orphans, migrate, versions, wait_until
from pooler import Pooler
from test_adopt import fill, source, versions_or_none
from ways import command, finish, go, table

A, B, C = table(1, "a"), table(2, "b"), table(3, "c")
ALL = {**A, **B, **C}

# The keys of the advisory locks, as each tool makes them.


def crc(text: str) -> int:
    return zlib.crc32(text.encode())


def golang_migrate_key(database: str) -> int:
    return crc(f"public\0schema_migrations\0{database}") * 1486364155 % 2**32


def flyway_key() -> int:
    hash_code = 0
    for character in '"public"."flyway_schema_history"':
        hash_code = (hash_code * 31 + ord(character)) % 2**32
    signed = hash_code - 2**32 if hash_code >= 2**31 else hash_code
    return int.from_bytes(b"Flyway", "big") + signed


def keys(name: str) -> dict[str, list[int]]:
    return {
        "golang-migrate": [golang_migrate_key(name), golang_migrate_key(f"/{name}")],
        "sqlx": [0x3D32AD9E * crc(name)],
        "goose": [5887940537704921958],
        "flyway": [flyway_key()],
        "id-name": [7241865325823964],
    }


@pytest.mark.parametrize("tool", ["golang-migrate", "sqlx", "goose", "flyway", "id-name"])
def test_under_the_tools_lock(app: AppFactory, database: Database, tool: str) -> None:
    """Whichever of its locks the tool holds: we wait, and go on when it is free."""
    foreign = next(foreign for foreign in TOOLS if foreign.tool == tool)
    database.execute(*foreign.fill())
    program = app(ALL)
    for key in keys(database.name)[tool]:
        with database.connect(autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [key])
            way = go(program, "adopt", tool, "--lock-wait", "0")
            assert (way.exit, way.code) == (5, "locked")
            known = "node-pg-migrate" if tool == "id-name" else tool
            assert way.error["message"] == f"{known} is at work on public.{foreign.table}"
            assert versions_or_none(database) is None
            running = program.start(*command("adopt", tool, "--lock-wait", "60"))
            wait_until(lambda: advisory_locks(database) == 2)  # this one and our own
            holder.execute("SELECT pg_advisory_unlock(%s)", [key])
        assert finish(running).exit == 0 and versions(database) == [1, 2]
        database.execute("DROP TABLE applied_migrations, applied_migrations_state")


@pytest.mark.parametrize("foreign", TOOLS, ids=tool_of)
def test_while_the_tool_writes(app: AppFactory, database: Database, foreign: Foreign) -> None:
    """What it has written and not committed is not overlooked."""
    database.execute(foreign.create)
    program = app(DIESEL_FILES) if foreign is DIESEL else app(ALL)
    with database.connect() as tool:
        for row in foreign.rows:
            tool.execute(f"INSERT INTO {foreign.table} {row}".encode())
        assert go(program, "adopt", source(foreign), "--lock-wait", "0").exit == 5
        tool.commit()
    assert go(program, "adopt", source(foreign)).exit == 0 and len(versions(database)) == 2


def test_stopped_while_it_waits(app: AppFactory, database: Database) -> None:
    fill(database, GOOSE)
    program = app(ALL)
    with database.connect() as tool:
        tool.execute("LOCK TABLE goose_db_version")
        running = program.start(*command("adopt", "goose"))
        wait_until(lambda: advisory_locks(database))
        running.send_signal(signal.SIGTERM)
        assert finish(running).exit == 128 + signal.SIGTERM
    assert versions_or_none(database) is None and advisory_locks(database) == 0


@pytest.fixture
def slow_tables(database: Database) -> Iterator[None]:
    """Whoever has created a table waits before it goes on."""
    database.admin(
        "CREATE FUNCTION wait() RETURNS event_trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(600); END'",
        "CREATE EVENT TRIGGER wait ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
        " EXECUTE FUNCTION wait()",
    )
    yield
    database.admin("DROP EVENT TRIGGER IF EXISTS wait")


@pytest.mark.parametrize("words", [["adopt", "goose"], ["baseline", "2"], ["mark", "2"]])
def test_killed_in_the_middle(
    app: AppFactory, database: Database, words: list[str], request: pytest.FixtureRequest
) -> None:
    """Not even an empty history stays: the next run would take the database for a new one."""
    fill(database, GOOSE)
    request.getfixturevalue("slow_tables")
    program = app(ALL)
    running = program.start(*command(*words))
    wait_until(lambda: backends(database, "wait_event = 'PgSleep'"))
    running.kill()
    assert running.wait(20) == -signal.SIGKILL
    end_orphans(database)
    wait_until(lambda: not advisory_locks(database))
    database.admin("DROP EVENT TRIGGER wait")
    assert versions_or_none(database) is None
    assert migrate(program).exit == 7
    assert go(program, *words).exit == 0


CUTS = [
    (["adopt", "goose"], b"LOCK TABLE"),
    (["adopt", "goose"], b"CREATE TABLE"),
    (["adopt", "goose"], b"INSERT INTO"),
    (["baseline", "2"], b"INSERT INTO"),
    (["mark", "2"], b"INSERT INTO"),
]


@pytest.mark.parametrize("words, needle", CUTS)
def test_a_connection_that_is_cut(
    app: AppFactory, database: Database, relay: Relay, words: list[str], needle: bytes
) -> None:
    fill(database, GOOSE)
    program = app(ALL)
    relay.at("up", needle, relay.cut)
    way = go(program, *words, url=relay.url(database.url))
    assert (way.exit, way.code) == (6, "lost")
    wait_until(lambda: not advisory_locks(database))
    assert versions_or_none(database) is None
    assert go(program, *words).exit == 0 and 2 in versions(database)


def test_a_lost_answer(app: AppFactory, database: Database, relay: Relay) -> None:
    """Committed, and nobody knows: the second time it is already so."""
    fill(database, GOOSE)
    program = app(ALL)
    relay.at("down", b"COMMIT", relay.cut)
    assert go(program, "adopt", "goose", url=relay.url(database.url)).exit == 6
    wait_until(lambda: not advisory_locks(database))
    assert versions(database) == [1, 2]
    assert go(program, "adopt", "goose").exit == 0 and versions(database) == [1, 2]


def test_many_at_once(app: AppFactory, database: Database) -> None:
    fill(database, GOOSE)
    program = app(ALL)
    running = [program.start(*command("adopt", "goose")) for _ in range(6)]
    assert [finish(process).exit for process in running] == [0] * 6
    assert versions(database) == [1, 2] and advisory_locks(database) == 0


def test_many_at_once_without_a_lock_of_ours(
    app: AppFactory, database: Database, server: Server
) -> None:
    """Behind a pooler in transaction mode the lock on the tool's table keeps them apart."""
    fill(database, GOOSE)
    pooler = Pooler(server, database, "transaction")
    try:
        program = app(ALL)
        assert go(program, "adopt", "goose", url=pooler.url).exit == 7
        words = command("adopt", "goose", "--pooler=transaction")
        running = [program.start(*words, url=pooler.url) for _ in range(6)]
        assert [finish(process).exit for process in running] == [0] * 6
    finally:
        pooler.close()
    assert versions(database) == [1, 2]


def test_adopted_meanwhile(app: AppFactory, database: Database, relay: Relay) -> None:
    """Without a lock of ours: between the look and the transaction another process was faster."""
    fill(database, GOOSE)
    program = app(ALL)
    held = threading.Event()

    def hold() -> None:
        relay.stall("up")
        held.set()

    relay.at("up", b"has_table_privilege", hold)
    slow = program.start(
        *command("adopt", "goose", "--pooler=transaction"), url=relay.url(database.url)
    )
    assert held.wait(20)
    assert go(program, "adopt", "goose").exit == 0
    relay.resume("up")
    way = finish(slow)
    assert way.exit == 0 and "has every version of" in way.stderr, way.stderr
    assert versions(database) == [1, 2]

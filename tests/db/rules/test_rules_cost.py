"""What a run costs: round trips, counted by a relay, and memory, whatever a body returns."""

from __future__ import annotations

import re

import psycopg
import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.relay import FAR, Relay
from outcomes import DRIVER, backends, check, migrate, numbered, versions, wait_until

MEGABYTE = 1024  # in the driver's kilobytes
FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}


def memory_of(printed: str) -> int:
    """What the driver's `memory` says: the peak of anonymous memory, in kilobytes."""
    (line,) = [line for line in printed.splitlines() if line.startswith("memory ")]
    return int(line.split()[1])


# ---- round trips ----


def bare_connection(relay: Relay, database: Database) -> int:
    """The round trips of a connection that asks nothing, the goodbye included."""
    before = relay.round_trips
    psycopg.connect(relay.url(database.url)).close()
    wait_until(lambda: backends(database) == 0)
    return relay.round_trips - before


@pytest.mark.parametrize("verb", ["--only", "--check", "--status"])
def test_nothing_pending_is_one_round_trip(
    app: AppFactory, database: Database, relay: Relay, verb: str
) -> None:
    migrate(app(FILES))
    bare = bare_connection(relay, database)
    relay.delay = FAR
    before = relay.round_trips
    assert app(FILES).run(verb, url=relay.url(database.url)).returncode == 0
    assert relay.round_trips - before == bare + 1


def test_pending_is_told_in_one_round_trip(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    bare = bare_connection(relay, database)
    relay.delay = FAR
    before = relay.round_trips
    assert check(app(FILES), url=relay.url(database.url)) == 3
    assert relay.round_trips - before == bare + 1


def test_the_look_writes_and_locks_nothing(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    migrate(program)
    xid = database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8")
    assert check(program) == check(program) == migrate(program).exit == 0
    assert database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8") == xid


# ---- memory ----


@pytest.mark.plain
def test_rows_of_a_body_are_dropped_as_they_come(
    program: ProgramFactory, database: Database
) -> None:
    rows = "SELECT repeat('x', 1000), i FROM generate_series(1, 300000) AS i;\n"
    for head in ("", "-- inlay: no-transaction\n"):
        files = {"1_small.sql": "SELECT 1;", "2_rows.sql": f"{head}{rows}{rows}SELECT 1;\n"}
        result = program(DRIVER, files).run("silent", "migrate", "memory", timeout=120)
        assert "migrate ok" in result.stdout
        assert memory_of(result.stdout) < 8 * MEGABYTE
        database.execute("DROP TABLE applied_migrations, applied_migrations_state")


@pytest.mark.plain
def test_notices_are_dropped_as_they_come(program: ProgramFactory, database: Database) -> None:
    raised = "DO $$ BEGIN FOR i IN 1..50000 LOOP RAISE NOTICE 'number %', i; END LOOP; END $$;"
    result = program(DRIVER, {"1_notices.sql": raised}).run("migrate", "memory")
    lines = [line for line in result.stdout.splitlines() if line.startswith("log notice")]
    assert len(lines) == 50000
    assert lines[-1] == "log notice 1_notices.sql: NOTICE: number 50000"
    assert memory_of(result.stdout) < 8 * MEGABYTE


@pytest.mark.plain
def test_a_thousand_migrations(program: ProgramFactory, database: Database) -> None:
    files = numbered(1000, "CREATE TABLE t{n} (a int);\nINSERT INTO t{n} VALUES ({n});\n")
    result = program(DRIVER, files).run("silent", "migrate", "memory", timeout=120)
    assert "migrate ok\nresult applied=1000 skipped=0 batch=1\n" in result.stdout
    assert memory_of(result.stdout) < 16 * MEGABYTE
    assert versions(database) == list(range(1, 1001))
    result = program(DRIVER, files).run("silent", "migrate", "check", "status", "memory")
    assert "migrate ok" in result.stdout and "check ok" in result.stdout
    assert memory_of(result.stdout) < 16 * MEGABYTE


@pytest.mark.plain
def test_a_large_statement(program: ProgramFactory, database: Database) -> None:
    """At most four times its size."""
    body = f"CREATE TABLE t AS SELECT '{'x' * 20_000_000}'::text AS x;\n"
    result = program(DRIVER, {"1_large.sql": body}).run("silent", "migrate", "memory")
    assert "migrate ok" in result.stdout
    assert memory_of(result.stdout) < 4 * 20 * MEGABYTE
    assert database.value("SELECT length(x) FROM t") == 20_000_000


@pytest.mark.plain
def test_many_statements_are_sent_as_they_are_taken(
    program: ProgramFactory, database: Database
) -> None:
    """A body of 20 MB in statements of 200 kB: what waits to be sent is bounded."""
    insert = f"INSERT INTO t VALUES ('{'x' * 200_000}');\n"
    body = "CREATE TABLE t (x text);\n" + insert * 100
    result = program(DRIVER, {"1_many.sql": body}).run("silent", "migrate", "memory")
    assert "migrate ok" in result.stdout
    assert memory_of(result.stdout) < 16 * MEGABYTE
    assert database.value("SELECT sum(length(x)) FROM t") == 20_000_000


def test_progress_shows_while_a_body_returns_rows(
    program: ProgramFactory, database: Database
) -> None:
    """Reading must not starve the ticks: half of them are there, whatever else the machine does."""
    body = "SELECT repeat('x', 100) FROM generate_series(1, 1500000);"
    result = program(DRIVER, {"1_rows.sql": body}).run("migrate")
    ticks = [int(at) for at in re.findall(r"event progress 1 .* elapsed=(\d+)", result.stdout)]
    (end,) = re.findall(r"event end .* elapsed=(\d+)", result.stdout)
    assert len(ticks) >= int(end) // 1000

"""Told to stop: whatever runs is cancelled, rolled back, released, and the call returns."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from typing import Any

import pytest

from conftest import ProgramFactory
from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, UP, Relay
from outcomes import (
    DRIVER,
    advisory_locks,
    assert_prompt,
    backends,
    end_orphans,
    lock_key,
    numbered,
)
from outcomes import read_line, tables, versions, wait_until

ALONE = "-- inlay: no-transaction\n"
ONE = {"001_one.sql": "CREATE TABLE one ();"}
THREE = {"003_three.sql": "CREATE TABLE three ();"}
SLEEPS = "query ~ 'pg_sleep' AND state = 'active'"


def driven(program: Program, *words: str, **how: str) -> subprocess.Popen[str]:
    """A driver that stops when something is written to it."""
    return program.start("stop-on-input", *words, stdin=subprocess.PIPE, **how)  # type: ignore


def stop(process: subprocess.Popen[str], within: float = 2) -> str:
    """Tells it to stop; returns what it printed."""
    began = time.monotonic()
    stdout, stderr = process.communicate("x", timeout=30)
    assert_prompt(began, within)
    return stdout + stderr


LONG = {
    "a sleep": "CREATE TABLE two ();\nSELECT pg_sleep(600);",
    "a loop": "CREATE TABLE two ();\nDO $$ BEGIN LOOP PERFORM 'pg_sleep'; END LOOP; END $$;",
    "many rows": "CREATE TABLE two ();\nSELECT 'pg_sleep', * FROM generate_series(1, 1000000000);",
    "a body that catches errors": (
        "CREATE TABLE two ();\nDO $$ BEGIN PERFORM pg_sleep(600);"
        " EXCEPTION WHEN others THEN PERFORM pg_sleep(600); END $$;"
    ),
}


@pytest.mark.parametrize("connection", ["caller", "own"])
@pytest.mark.parametrize("body", LONG.values(), ids=LONG.keys())
def test_in_a_long_statement(
    program: ProgramFactory, database: Database, body: str, connection: str
) -> None:
    caller = ["caller"] if connection == "caller" else []
    state = ["state", "sql=SELECT 1"] if connection == "caller" else []
    files = {**ONE, "002_long.sql": body, **THREE}
    process = driven(program(DRIVER, files), *caller, "migrate", *state)
    wait_until(lambda: backends(database, SLEEPS))
    printed = stop(process)
    assert "migrate stopped\n" in printed
    assert "002_long.sql was rolled back" in printed
    if caller:
        assert "state status=0 transaction=0 pipeline=0 nonblocking=0" in printed
        assert "sql 1\n" in printed
    assert tables(database) == {"one"} and versions(database) == [1]
    assert advisory_locks(database) == 0
    wait_until(lambda: backends(database) == 0)


def test_a_body_that_swallows_cancels(program: ProgramFactory, database: Database) -> None:
    """Asked again and again, it comes to its end, and so may what is behind it, until a cancel
    meets a statement: what is told is what is so."""
    body = (
        "DO $$ BEGIN FOR i IN 1..4 LOOP BEGIN PERFORM pg_sleep(600);"
        " EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;"
    )
    files = {**ONE, "002_long.sql": body, **THREE}
    process = driven(program(DRIVER, files), "migrate")
    wait_until(lambda: backends(database, SLEEPS))
    printed = stop(process, within=4)
    assert "migrate stopped\n" in printed
    done = versions(database)
    assert done in ([1], [1, 2], [1, 2, 3])
    assert [int(n) for n in re.findall(r"event applied (\d)", printed)] == done
    assert ("002_long.sql was rolled back" in printed) == (done == [1])
    assert advisory_locks(database) == 0


def test_in_a_statement_alone(program: ProgramFactory, database: Database) -> None:
    body = f"{ALONE}CREATE TABLE two ();\nSELECT pg_sleep(600);"
    process = driven(program(DRIVER, {**ONE, "002_long.sql": body}), "caller", "migrate", "state")
    wait_until(lambda: backends(database, SLEEPS))
    printed = stop(process)
    assert "migrate stopped\n" in printed and "state status=0 transaction=0" in printed
    told = "1 of 2 statements done and kept, perhaps statement 2 too; the next run finds out"
    assert told in printed
    assert tables(database) == {"one", "two"} and versions(database) == [1]
    assert advisory_locks(database) == 0
    assert database.rows("SELECT key, done FROM applied_migrations_state") == [("2", 1)]


def test_in_the_claim(program: ProgramFactory, database: Database) -> None:
    """Behind somebody's lock on the history."""
    migrate_driver = program(DRIVER, ONE)
    migrate_driver.run("migrate")
    database.execute("DELETE FROM applied_migrations", "DROP TABLE one")
    with database.connect() as holder:
        holder.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        process = driven(migrate_driver, "migrate")
        wait_until(lambda: database.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
        assert "migrate stopped\n" in stop(process)
    assert versions(database) == [] and advisory_locks(database) == 0


def test_while_waiting_for_the_lock(program: ProgramFactory, database: Database) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        process = driven(program(DRIVER, ONE), "migrate")
        wait_until(lambda: backends(database) == 2)
        assert "migrate stopped\n" in stop(process, within=0.5)
        assert advisory_locks(database) == 1


def test_in_a_pause_nothing_more_is_asked(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """Between two looks: the pause ends at once, not with another look. A look may be on its way
    already, but not each time."""
    driver = program(DRIVER, ONE)
    asked_again = []
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        for _ in range(5):
            begun = relay.round_trips
            process = driven(driver, "migrate", url=relay.url(database.url))
            wait_until(lambda: relay.round_trips > begun + 12, "for pauses that are long")
            trips = relay.round_trips
            wait_until(lambda: relay.round_trips > trips)
            trips = relay.round_trips
            assert "migrate stopped\n" in stop(process)
            asked_again.append(relay.round_trips > trips)
            if not asked_again[-1]:
                break
    assert False in asked_again


@pytest.mark.parametrize("call", ["migrate", "check", "status"])
def test_while_connecting_to_a_black_hole(
    program: ProgramFactory, database: Database, call: str
) -> None:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        url = f"postgresql://u@127.0.0.1:{hole.getsockname()[1]}/d"
        process = driven(program(DRIVER, ONE), "connect-wait=60000", call, url=url)
        hole.accept()
        assert f"{call} stopped\n" in stop(process, within=0.5)


def test_while_waiting_for_a_server_to_start(program: ProgramFactory, database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d"
    process = driven(program(DRIVER, ONE), "connect-wait=60000", "migrate", url=url)
    assert read_line(process.stdout).startswith("event connecting ")
    assert "migrate stopped\n" in stop(process, within=0.5)


def test_when_no_packet_gets_through(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """Not even the cancel, whose connection is never answered: given up after ten seconds."""
    body = {"002_long.sql": "SELECT pg_sleep(600);"}
    process = driven(program(DRIVER, {**ONE, **body}), "migrate", url=relay.url(database.url))
    wait_until(lambda: backends(database, SLEEPS))
    relay.stall(UP)
    relay.stall(DOWN)
    printed = stop(process, within=13)
    assert "migrate lost\n" in printed
    assert "stopped on request, but the server does not answer any more" in printed
    assert "002_long.sql may or may not be committed" in printed
    relay.cut()
    end_orphans(database)
    wait_until(lambda: backends(database) == 0)
    assert versions(database) == [1]


def test_the_cancel_reaches_through_a_relay(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    body = {"002_long.sql": "SELECT pg_sleep(600);"}
    process = driven(program(DRIVER, {**ONE, **body}), "migrate", url=relay.url(database.url))
    wait_until(lambda: backends(database, SLEEPS))
    assert "migrate stopped\n" in stop(process)
    assert any(connection.is_cancel for connection in relay.connections)
    assert versions(database) == [1]


def test_before_anything_is_done(program: ProgramFactory, database: Database) -> None:
    for call in ("migrate", "check", "status"):
        result = program(DRIVER, ONE).run("stop-on-input", call, stdin="x")
        assert f"{call} stopped\n" in result.stdout
    assert tables(database) == set() and advisory_locks(database) == 0


def test_at_any_moment(program: ProgramFactory, database: Database) -> None:
    """What is told to be applied is, the rest is not, and nothing is half."""
    body = "CREATE TABLE t{n} ();\nSELECT pg_sleep(0.01);"
    driver = program(DRIVER, numbered(60, body))
    done: list[int] = []
    for moment in (0.02, 0.06, 0.11, 0.17, 0.24):
        process = driven(driver, "migrate")
        time.sleep(moment)
        printed = stop(process)
        done += [int(version) for version in re.findall(r"event applied (\d+) ", printed)]
        assert done == list(range(1, len(done) + 1))
        assert tables(database) == {f"t{n}" for n in done}
        assert done == [] or versions(database) == done
        assert advisory_locks(database) == 0
    assert "migrate ok\n" in driver.run("migrate").stdout
    assert versions(database) == list(range(1, 61))


def test_a_stop_is_no_failure(program: ProgramFactory, database: Database) -> None:
    body = {"002_long.sql": "SELECT pg_sleep(600);"}
    process = driven(program(DRIVER, {**ONE, **body}), "migrate")
    wait_until(lambda: backends(database, SLEEPS))
    printed = stop(process)
    assert "event failed" not in printed
    assert "event end " in printed
    assert "fix the file" not in printed


# ---- a caller's connection: no lock is left there, and no cancel is on its way to it ----

LOCKS = "sql=SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"


def waiting_for_a_lock(database: Database) -> int:
    return backends(database, "wait_event_type = 'Lock' AND state = 'active'")


def test_in_the_look_that_has_taken_the_lock(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """The look waits for somebody's lock on the history, and ours is taken by then."""
    driver = program(DRIVER, {**ONE, "002_two.sql": "CREATE TABLE two ();"})
    program(DRIVER, ONE).run("migrate")
    with database.connect() as holder:

        def lock() -> None:
            holder.execute("LOCK TABLE applied_migrations")

        relay.at(UP, b"pg_try_advisory_lock", lock)
        process = driven(driver, "caller", "migrate", "state", LOCKS, url=relay.url(database.url))
        wait_until(lambda: waiting_for_a_lock(database) and advisory_locks(database) == 1)
        printed = stop(process)
    assert "migrate stopped\n" in printed and "state status=0 transaction=0" in printed
    assert "sql 0\n" in printed
    assert versions(database) == [1]


def test_between_the_last_commit_and_the_unlock(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """The cancel ends the unlock itself, here one that takes its time."""
    unlock, slow = b"pg_advisory_unlock($1::bigint)", b"pg_sleep(abs($1::bigint)+600) "
    assert len(unlock) == len(slow)
    relay.replace(UP, unlock, slow)
    url = relay.url(database.url)
    process = driven(program(DRIVER, ONE), "caller", "migrate", "state", LOCKS, url=url)
    wait_until(lambda: backends(database, SLEEPS))
    assert versions(database) == [1]
    printed = stop(process)
    assert "migrate stopped\n" in printed and "state status=0 transaction=0" in printed
    assert "sql 0\n" in printed


def stop_with_a_late_cancel(program: Program, database: Database, relay: Relay, *then: str) -> Any:
    """Told to stop in a statement that ends by itself while the cancel is still on its way."""
    with database.connect() as holder:
        holder.execute("CREATE TABLE gate ()")
        holder.commit()
        holder.execute("LOCK TABLE gate")
        words = ("caller", "migrate", *then)
        process = driven(program, *words, url=relay.url(database.url))
        wait_until(lambda: waiting_for_a_lock(database))
        relay.hold_cancels()
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
        wait_until(lambda: any(connection.is_cancel for connection in relay.connections))
    return process


GATED = {"001_gate.sql": "SELECT * FROM gate;"}


def test_a_late_cancel_never_hits_the_callers_next_statement(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    then = "sql=SELECT pg_sleep(1)"
    process = stop_with_a_late_cancel(program(DRIVER, GATED), database, relay, then, "sql=SELECT 7")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not backends(database, SLEEPS):
        time.sleep(0.02)
    relay.let_cancels_go()
    printed = "".join(process.communicate(timeout=30))
    assert "migrate stopped\n" in printed and "close the connection" not in printed
    assert "sql PGRES_FATAL_ERROR" not in printed and printed.count("sql ") == 2


def test_a_connection_that_a_cancel_may_still_hit_is_of_no_use(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """It is not waited for without an end."""
    process = stop_with_a_late_cancel(program(DRIVER, GATED), database, relay)
    printed = "".join(process.communicate(timeout=30))
    assert "migrate stopped\n" in printed
    assert "close the connection: it is of no use any more" in printed

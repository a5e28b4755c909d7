"""The reference server in the middle of a run: what it shows, and how it stops at any moment."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, Relay
from outcomes import advisory_locks, assert_prompt, backends, lock_key, tables, versions, wait_until
from serving import Service

# Whoever creates the table plans, in migration 5, sleeps.
SLOW = (
    """CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(60) FROM pg_event_trigger_ddl_commands() AS c
        WHERE c.object_identity = 'public.plans' AND c.command_tag = 'CREATE TABLE';
    END $$""",
    "CREATE EVENT TRIGGER slow ON ddl_command_end EXECUTE FUNCTION public.slow()",
)
FAST = "DROP EVENT TRIGGER slow"


@pytest.fixture
def slow(database: Database) -> None:
    database.admin(*SLOW)


def await_fifth(service: Service) -> None:
    service.await_unready("migrating 5/13: 005_create_plans")


@pytest.mark.usefixtures("slow")
def test_what_is_shown_meanwhile(reference_server: Program, tmp_path: Path) -> None:
    service = Service(reference_server, tmp_path)
    await_fifth(service)
    document = service.document()
    assert document["progress"] == {"index": 5, "count": 13}
    assert document["ready"] is False and document["condition"] == "migrating"
    assert document["headline"] == "migrating 5/13: 005_create_plans"
    page = service.ask("/").body
    assert '<progress value="4" max="13">' in page
    assert '<meta http-equiv="refresh"' in page
    assert "<h1>migrating 5/13: 005_create_plans</h1>" in page
    assert service.ask("/livez").status == 200


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_a_long_migration(
    reference_server: Program, database: Database, tmp_path: Path, number: signal.Signals
) -> None:
    service = Service(reference_server, tmp_path)
    await_fifth(service)
    began = time.monotonic()
    assert service.stop(number) == 0
    assert_prompt(began, 3)
    assert versions(database) == [1, 2, 3, 4]
    assert "plans" not in tables(database)
    assert advisory_locks(database) == 0
    wait_until(lambda: backends(database) == 0)
    database.admin(FAST)
    again = Service(reference_server, tmp_path)
    again.await_ready()
    assert len(versions(database)) == 13


def test_in_a_wait_for_the_lock(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        service = Service(reference_server, tmp_path)
        service.await_unready("waiting for a lock")
        began = time.monotonic()
        assert service.stop() == 0
        assert_prompt(began, 1)
        assert advisory_locks(database) == 1
    assert tables(database) == set()


def test_between_two_attempts(reference_server: Program, tmp_path: Path) -> None:
    service = Service(reference_server, tmp_path, url="postgresql://nobody@127.0.0.1:1/none")
    service.await_unready("cannot reach the database")
    time.sleep(2)  # the pauses have grown
    began = time.monotonic()
    assert service.stop() == 0
    assert_prompt(began, 1)


def test_while_it_is_ready(reference_server: Program, database: Database, tmp_path: Path) -> None:
    service = Service(reference_server, tmp_path)
    service.await_ready()
    began = time.monotonic()
    assert service.stop() == 0
    assert_prompt(began, 1)
    assert service.log.endswith("stopping on SIGTERM\n")
    wait_until(lambda: backends(database) == 0)


def test_at_once(reference_server: Program, database: Database, tmp_path: Path) -> None:
    for _ in range(10):
        service = Service(reference_server, tmp_path)
        assert service.stop() == 0
    assert advisory_locks(database) == 0
    done = versions(database) if "accounts" in tables(database) else []
    assert done == list(range(1, len(done) + 1))
    assert reference_server.run("--migrate-only").returncode == 0


@pytest.mark.usefixtures("slow")
def test_a_second_signal_does_not_wait(
    reference_server: Program, database: Database, relay: Relay, tmp_path: Path
) -> None:
    service = Service(reference_server, tmp_path, url=relay.url(database.url))
    await_fifth(service)
    relay.stall(DOWN)  # the cancelled migration cannot say that it is
    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping on SIGTERM" in service.log)
    time.sleep(0.5)
    assert service.process.poll() is None
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(2) == -signal.SIGTERM

"""The reference server: when it is ready, when it is not, and what it says then."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, UP, Relay
from harness.server import Server
from outcomes import advisory_locks, assert_prompt, lock_key, tables, versions, wait_until
from serving import Service, silent_server

ALL = list(range(1, 14))
TABLES = {
    "accounts",
    "members",
    "plans",
    "subscriptions",
    "ticket_events",
    "tickets",
}


@pytest.fixture
def migrated(reference_server: Program, database: Database) -> None:
    assert reference_server.run("--migrate-only").returncode == 0


def test_migrates_at_boot_and_is_ready(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    service = Service(reference_server, tmp_path)
    answer = service.await_ready()
    assert answer.body == "ready: 13 migrations, the newest is 013_add_ticket_codes\n"
    assert service.ask("/healthz").body == answer.body
    assert versions(database) == ALL
    assert tables(database) == TABLES
    assert advisory_locks(database) == 0
    assert service.stop() == 0
    assert re.findall(r"^applied (\d+)_\w+ \(\d+ ms\)$", service.log, re.MULTILINE) == [
        f"{version:03d}" for version in ALL
    ]


@pytest.mark.usefixtures("migrated")
def test_a_second_start_changes_nothing(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    before = database.rows("TABLE applied_migrations")
    service = Service(reference_server, tmp_path)
    service.await_ready()
    assert service.stop() == 0
    assert database.rows("TABLE applied_migrations") == before
    assert "applied" not in service.log


def test_without_migrating(reference_server: Program, database: Database, tmp_path: Path) -> None:
    service = Service(reference_server, tmp_path, "--no-migrate")
    answer = service.await_unready("pending: ")
    assert answer.headline == "pending: 13 migrations, and this server migrates never"
    assert service.ask("/healthz").status == 503
    assert "<p>next: run it with --migrate-only</p>" in service.ask("/").body
    assert tables(database) == set() and service.states() == dict.fromkeys(ALL, "pending")
    assert reference_server.run("--migrate-only").returncode == 0
    service.await_ready()
    assert set(service.states().values()) == {"applied"}
    assert service.stop() == 0


@pytest.mark.usefixtures("migrated")
def test_a_migration_undone_later_is_not_run_again(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    service = Service(reference_server, tmp_path)
    service.await_ready()
    database.execute(
        "DROP TABLE ticket_events", "DELETE FROM applied_migrations WHERE version = 12"
    )
    answer = service.await_unready("pending: ")
    assert answer.headline == "pending: 1 migration, and this server migrates only when it starts"
    assert "ticket_events" not in tables(database)


def test_a_failed_migration(
    server: Server, reference_server: Program, database: Database, tmp_path: Path
) -> None:
    database.execute("CREATE TABLE members (id int)")
    service = Service(reference_server, tmp_path)
    answer = service.await_unready("migrating failed")
    assert "002_create_members.up.sql:3:1: error: relation" in answer.body
    assert "[42P07]" in answer.body
    assert versions(database) == [1]
    time.sleep(6)  # longer than it takes to look again
    assert [service.states()[n] for n in (1, 2, 3)] == ["applied", "pending", "pending"]
    assert "002_create_members.up.sql:3:1: error: relation" in service.ask("/").body
    assert service.log.count("migrating failed") == 1
    assert server.log().count('relation "members" already exists') == 1
    database.execute("DROP TABLE members")
    assert reference_server.run("--migrate-only").returncode == 0
    service.await_ready()
    assert set(service.states().values()) == {"applied"}


@pytest.mark.usefixtures("migrated")
def test_a_history_that_disagrees(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    (right,) = database.rows("SELECT checksum FROM applied_migrations WHERE version = 5")
    edit = "UPDATE applied_migrations SET checksum = '{}' WHERE version = 5"
    database.execute(edit.format("f" * 64))
    service = Service(reference_server, tmp_path)
    answer = service.await_unready("history and binary disagree")
    assert "version 5 (create_plans) was edited after it was applied" in answer.body
    assert service.states()[5] == "edited"
    database.execute(edit.format(right[0]))
    service.await_ready()
    assert service.log.count("history and binary disagree") == 1


@pytest.mark.usefixtures("migrated")
def test_a_newer_database(reference_server: Program, database: Database, tmp_path: Path) -> None:
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (14, 'x'), (99, 'y')")
    service = Service(reference_server, tmp_path)
    warning = "the database has 2 versions that this binary lacks: 14, 99"
    assert service.await_ready().body.splitlines()[1:] == [f"warning: {warning}"]
    assert warning in service.ask("/").body
    assert service.stop() == 0
    strict = Service(reference_server, tmp_path, "--migrate-strict")
    strict.await_unready("history and binary disagree")


def test_another_process_has_the_lock(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        service = Service(reference_server, tmp_path)
        service.await_unready("waiting for a lock")
        pid = f"pid {holder.info.backend_pid} "
        wait_until(lambda: pid in service.readiness().body, "for the holder's name", 4)
        # The turns in which the lock is waited for end; the reason stays.
        for _ in range(70):
            assert service.readiness().headline == "waiting for a lock"
            time.sleep(0.1)
        assert pid in service.readiness().body and tables(database) == set()
    service.await_ready()
    assert versions(database) == ALL


@pytest.mark.usefixtures("migrated")
def test_a_table_is_in_use(reference_server: Program, database: Database, tmp_path: Path) -> None:
    """It tries again by itself, for as long as that takes."""
    assert reference_server.run("--migrate-down", "1", "--migrate-yes").returncode == 0
    hasty = ("--migrate-retry", "0", "--migrate-set", "lock_timeout=100ms")
    with database.connect() as reader:
        reader.execute("SELECT FROM tickets")
        service = Service(reference_server, tmp_path, *hasty)
        service.await_unready("waiting for a lock")
    service.await_ready()
    assert versions(database) == ALL


@pytest.mark.usefixtures("migrated")
def test_another_session_locks_the_history(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    """It looks again by itself: nothing has failed."""
    service = Service(reference_server, tmp_path)
    service.await_ready()
    with database.connect() as other:
        other.execute("LOCK TABLE applied_migrations IN ACCESS EXCLUSIVE MODE")
        pid = f"pid {other.info.backend_pid} "
        wait_until(lambda: pid in service.readiness().body, "for the holder's name", 30)
        for _ in range(70):
            assert service.readiness().headline == "waiting for a lock"
            time.sleep(0.1)
    service.await_ready()


@pytest.mark.usefixtures("migrated")
def test_what_the_other_process_does_is_seen(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    row = database.rows("SELECT name, checksum FROM applied_migrations WHERE version = 11")[0]
    database.execute("DELETE FROM applied_migrations WHERE version IN (11, 12)")
    with database.connect(autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        service = Service(reference_server, tmp_path)
        service.await_unready("waiting for a lock")
        assert service.states()[11] == "pending"
        insert = "INSERT INTO applied_migrations (version, name, checksum) VALUES (11, %s, %s)"
        other.execute(insert, row)
        wait_until(lambda: service.states()[11] == "applied", "for 11", 10)
        assert service.states()[12] == "pending"
        assert service.readiness().headline == "waiting for a lock"


def test_the_database_comes_later(
    server: Server, reference_server: Program, database: Database, tmp_path: Path
) -> None:
    server.stop()
    try:
        service = Service(reference_server, tmp_path)
        answer = service.await_unready("cannot reach the database")
        assert "No such file or directory" in answer.body
        assert service.document()["database"] is None
    finally:
        server.start()
    service.await_ready()
    assert versions(database) == ALL
    assert service.log.count("cannot reach the database") == 1


@pytest.mark.usefixtures("migrated")
def test_the_database_goes_and_comes_back(
    server: Server, reference_server: Program, tmp_path: Path
) -> None:
    service = Service(reference_server, tmp_path)
    service.await_ready()
    server.stop()
    try:
        service.await_unready("cannot reach the database")
        assert set(service.states().values()) == {"applied"}  # what was last known
        assert service.ask("/livez").status == 200
    finally:
        server.start()
    service.await_ready()


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(
    "in_the_middle, reason",
    [
        (False, "no answer from the server at 127.0.0.1 within the connection timeout"),
        (True, "the server does not answer any more"),
    ],
)
def test_the_database_stops_answering(
    reference_server: Program,
    database: Database,
    relay: Relay,
    tmp_path: Path,
    in_the_middle: bool,
    reason: str,
) -> None:
    service = Service(reference_server, tmp_path, url=relay.url(database.url))
    service.await_ready()
    if in_the_middle:
        relay.at(UP, b"applied_migrations", lambda: relay.stall(DOWN))
    else:
        relay.stall(DOWN)
    assert reason in service.await_unready("cannot reach the database", 30).body
    assert set(service.states().values()) == {"applied"}
    relay.resume(DOWN)
    service.await_ready(30)


def test_a_database_that_hangs_from_the_start(reference_server: Program, tmp_path: Path) -> None:
    with silent_server() as port:
        url = f"postgresql://nobody:hidden@127.0.0.1:{port}/none?sslmode=disable"
        began = time.monotonic()
        service = Service(reference_server, tmp_path, url=url)
        assert service.ask("/livez").body == "alive\n"
        assert_prompt(began, 1)
        answer = service.await_unready("cannot reach the database", 5)
        assert answer.body.endswith("no answer from the server yet\n")
        began = time.monotonic()
        assert service.stop() == 0
        assert_prompt(began, 1)
        assert "hidden" not in service.log


def test_a_wrong_password_is_not_shown(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    url = database.server.url(database.role, database.name, "127.0.0.1", password="wrong-one")
    service = Service(reference_server, tmp_path, url=url)
    answer = service.await_unready("cannot reach the database")
    assert "password authentication failed" in answer.body
    for text in (answer.body, service.ask("/").body, service.ask("/status.json").body, service.log):
        assert "wrong-one" not in text


def test_a_role_without_rights(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    database.admin("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    reader = database.add_role("reader")
    service = Service(reference_server, tmp_path, url=database.url_for(reader))
    answer = service.await_unready("refused to migrate")
    assert "GRANT" in answer.body
    assert tables(database) == set()
    assert service.document()["condition"] == "refused"


def test_a_history_of_its_own(
    reference_server: Program, database: Database, tmp_path: Path
) -> None:
    service = Service(reference_server, tmp_path, "--migrate-history", "public.desk")
    service.await_ready()
    assert versions(database, "desk") == ALL
    assert service.document()["history"] == "public.desk"


def test_two_servers_at_once(reference_server: Program, database: Database, tmp_path: Path) -> None:
    services = [Service(reference_server, tmp_path) for _ in range(3)]
    for service in services:
        service.await_ready()
    logs = "".join(service.log for service in services)
    assert len(re.findall(r"^applied \d", logs, re.MULTILINE)) == 13
    assert versions(database) == ALL
    assert [service.stop() for service in services] == [0, 0, 0]

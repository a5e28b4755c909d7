"""Whoever dies, and in whatever phase: nothing is half, nothing runs twice, no lock is left, and
the next one completes what is to be done."""

from __future__ import annotations

import signal
import subprocess

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, UP, Relay
from outcomes import advisory_locks, backends, end_orphans, finish, migrate, tables
from outcomes import versions, wait_until
from phases import ALONE, PHASES, ROW_GATES, SETUP, TABLE_GATE, Hold, Phase, is_gone


def start(program: Program) -> subprocess.Popen[str]:
    return program.start("--only", "--json")


@pytest.fixture(params=PHASES, ids=[phase.name for phase in PHASES])
def phase(request: pytest.FixtureRequest, app: AppFactory, database: Database) -> Phase:
    """A database on which the first migration is applied, unless the phase wants none."""
    chosen: Phase = request.param
    database.execute(*SETUP)
    if chosen.fresh:
        database.admin(*TABLE_GATE)
    else:
        migrate(app({"001_one.sql": chosen.files["001_one.sql"]}))
        database.execute(*ROW_GATES)
    return chosen


def assert_complete(database: Database) -> None:
    assert versions(database) == [1, 2, 3]
    assert tables(database) == {"one", "two", "three", "log", "closed"}
    assert database.rows("SELECT line FROM log") == [(2,)]
    assert database.rows("SELECT key FROM applied_migrations_state") == []
    wait_until(lambda: advisory_locks(database) == 0, "for the lock")
    wait_until(lambda: backends(database) == 0, "for the sessions to end")


def assert_not_begun(database: Database, phase: Phase) -> None:
    """Of the second migration there is nothing, or what is recorded of it."""
    assert tables(database) == {"log", "closed"} | (set() if phase.fresh else {"one"})
    if phase.fresh or phase.name == "looking":
        return  # there is no history, or it is locked
    assert versions(database) == [1]
    assert len(database.rows("SELECT line FROM log")) == phase.done
    done = database.rows("SELECT done FROM applied_migrations_state WHERE done > 0")
    assert done == ([(phase.done,)] if phase.done else [])


def test_killed_and_another_started_at_once(
    app: AppFactory, database: Database, phase: Phase
) -> None:
    """The server ends the dead one's process by itself, whatever it is doing. A first look, which
    holds nothing that anybody could wait for, is not worth the setting: it ends when it can."""
    program = app(phase.files)
    hold = Hold(database, phase)
    victim = start(program)
    pid = hold.await_victim()
    victim.kill()
    end_orphans(database)
    other = start(program)
    if phase.name != "looking":
        wait_until(lambda: is_gone(database, pid), "for the process of the dead one to end")
    assert_not_begun(database, phase)
    hold.let_go()
    assert finish(other).exit == 0
    assert_complete(database)


def test_its_process_is_terminated(app: AppFactory, database: Database, phase: Phase) -> None:
    """It connects again, takes the lock, reads the history, and goes on."""
    hold = Hold(database, phase)
    victim = start(app(phase.files))
    pid = hold.await_victim()
    database.admin(f"SELECT pg_terminate_backend({pid})")
    wait_until(lambda: is_gone(database, pid))
    assert_not_begun(database, phase)
    hold.await_victim()
    hold.let_go()
    outcome = finish(victim)
    assert outcome.exit == 0, outcome.stderr
    assert any("connecting again" in warning for warning in outcome.warnings)
    assert_complete(database)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped(app: AppFactory, database: Database, phase: Phase, number: signal.Signals) -> None:
    program = app(phase.files)
    hold = Hold(database, phase)
    victim = start(program)
    pid = hold.await_victim()
    victim.send_signal(number)
    outcome = finish(victim)
    assert (outcome.exit, outcome.code, outcome.applied) == (128 + number, "stopped", [])
    wait_until(lambda: is_gone(database, pid))
    assert_not_begun(database, phase)
    hold.let_go()
    assert advisory_locks(database) == 0
    assert migrate(program).exit == 0
    assert_complete(database)


# ---- orphans: the client is gone, and its server process does not know ----

SLOW = "INSERT INTO log VALUES ({n});\nSELECT gate('body');\n"


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_an_orphan_that_commits_later(
    app: AppFactory, database: Database, relay: Relay, head: str
) -> None:
    """The history, read at once, would say that nothing was done; the lock comes first."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    program = app({"001_slow.sql": head + SLOW.format(n=1)})
    running = program.start("--only", "--json", url=relay.url(database.url))
    asleep = "query ~ 'gate' AND state = 'active'"
    wait_until(lambda: backends(database, asleep))
    relay.orphan()
    wait_until(lambda: len(relay.connections) == 2, "for it to connect again")
    wait_until(lambda: relay.connections[1].round_trips > 8, "for some looks while it waits")
    assert running.poll() is None and backends(database, asleep) == 1
    database.execute("DELETE FROM closed")
    if not head:
        wait_until(lambda: versions(database) == [1], "for the orphan to commit")
    relay.bury()
    outcome = finish(running)
    assert outcome.exit == 0, outcome.stderr
    assert database.rows("SELECT line FROM log") == [(1,)] and versions(database) == [1]
    wait_until(lambda: advisory_locks(database) == 0)


def test_the_answer_to_commit_is_lost_and_the_orphan_runs_on(
    app: AppFactory, database: Database, relay: Relay
) -> None:
    """It has committed, holds the lock for two seconds more, and may be at the next migration by
    then; nothing is done twice."""
    one = {"001_one.sql": "CREATE TABLE one ();"}
    migrate(app(one))
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    files = {**one, "002_log.sql": "INSERT INTO log VALUES (2);", "003_log.sql": SLOW.format(n=3)}
    relay.at(DOWN, b"COMMIT\0", relay.orphan)
    running = app(files).start("--only", "--json", url=relay.url(database.url))
    wait_until(lambda: len(relay.connections) == 2)
    orphan = "SELECT pid, now() - backend_start > '2 s' FROM pg_stat_activity JOIN pg_locks"
    orphan += " USING (pid) WHERE locktype = 'advisory' AND datname = current_database()"
    wait_until(lambda: [old for _, old in database.rows(orphan)] == [True])
    ((pid, _),) = database.rows(orphan)
    assert running.poll() is None and versions(database) == [1, 2]
    relay.bury()
    end_orphans(database, f"pid = {pid}")
    wait_until(lambda: is_gone(database, pid))
    database.execute("DELETE FROM closed")
    outcome = finish(running)
    assert outcome.exit == 0, outcome.stderr
    assert database.rows("SELECT line FROM log ORDER BY line") == [(2,), (3,)]
    assert versions(database) == [1, 2, 3]


def test_an_orphan_and_another_program(app: AppFactory, database: Database, relay: Relay) -> None:
    """Killed while its transaction runs on: the other one must not begin it a second time."""
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    program = app({"001_slow.sql": SLOW.format(n=1)})
    victim = program.start("--only", "--json", url=relay.url(database.url))
    wait_until(lambda: backends(database, "query ~ 'gate' AND state = 'active'"))
    relay.orphan()
    victim.kill()
    other = start(program)
    wait_until(lambda: backends(database, "application_name = 'inlay'") == 2)
    database.execute("DELETE FROM closed")
    assert finish(other).exit == 0
    wait_until(lambda: advisory_locks(database) == 0)  # the unlock was on its way with the rest
    relay.bury()
    assert database.rows("SELECT line FROM log") == [(1,)] and versions(database) == [1]


@pytest.mark.parametrize("action", ["orphan", "cut"])
@pytest.mark.parametrize("needle", [b"COMMIT", b"pg_advisory_unlock"])
def test_killed_at_its_last_words(
    app: AppFactory, database: Database, relay: Relay, needle: bytes, action: str
) -> None:
    """What it said last reaches the server, or does not; the next one finds out."""
    one = {"001_one.sql": "CREATE TABLE one ();"}
    program = app({**one, "002_log.sql": "INSERT INTO log VALUES (2);"})
    migrate(app(one))
    database.execute(*SETUP)
    relay.at(UP, needle, getattr(relay, action))
    victim = program.start("--only", "--json", url=relay.url(database.url))
    wait_until(lambda: not relay.pending)
    victim.kill()
    victim.wait()
    other = start(program)
    relay.bury()
    assert finish(other).exit == 0
    assert database.rows("SELECT line FROM log") == [(2,)] and versions(database) == [1, 2]
    wait_until(lambda: advisory_locks(database) == 0)

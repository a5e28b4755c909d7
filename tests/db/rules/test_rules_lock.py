"""One at a time: the lock is tried, never waited for by the server; who waits reads the history
again and again, says who holds the lock, and gives up when nothing moves."""

from __future__ import annotations

import re
import subprocess
import time

import psycopg
import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from outcomes import DRIVER, advisory_locks, assert_half_seconds, assert_prompt, backends, finish
from outcomes import lock_key, migrate, numbered, read_line, tables, versions, wait_until

FILES = {"001_one.sql": "CREATE TABLE one ();", "002_two.sql": "CREATE TABLE two ();"}
TAKE = "SELECT pg_advisory_lock(%s)"


def test_not_waiting_at_all(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        outcome = migrate(app(FILES), "--lock-wait=0")
        assert (outcome.exit, outcome.code, outcome.results) == (5, "locked", {})
        assert "(--migrate-lock-wait 0)" in outcome.error["message"]
        assert f"the lock is held by pid {holder.info.backend_pid} (" in outcome.error["detail"]
        assert tables(database) == set()
        assert database.value("SELECT to_regclass('applied_migrations')") is None
    assert migrate(app(FILES), "--lock-wait=0").exit == 0


def test_the_wait_ends(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        began = time.monotonic()
        outcome = migrate(app(FILES), "--lock-wait=1s")
        assert 1 <= time.monotonic() - began
        assert_prompt(began, 1.5)
        assert outcome.exit == 5
        assert "has applied nothing for 1 s" in outcome.error["message"]
    wait_until(lambda: backends(database) == 0)


def test_the_lock_that_becomes_free_is_taken(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        waiting = app(FILES).start("--only", "--json")
        wait_until(lambda: backends(database) == 2)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.3)
    outcome = finish(waiting)
    assert (outcome.exit, outcome.applied) == (0, [1, 2])


def test_nothing_pending_needs_no_lock(app: AppFactory, database: Database) -> None:
    migrate(app(FILES))
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        assert migrate(app(FILES), "--lock-wait=0").exit == 0
        newer = app({"001_one.sql": FILES["001_one.sql"]})
        assert migrate(newer, "--lock-wait=0").exit == 0


def test_a_mismatch_needs_no_lock(app: AppFactory, database: Database) -> None:
    migrate(app(FILES))
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        edited = app({**FILES, "002_two.sql": "SELECT 1;", "003_three.sql": ""})
        assert migrate(edited, "--lock-wait=0").code == "mismatch"


def test_who_waits_finishes_with_the_others_work(app: AppFactory, database: Database) -> None:
    """The history is read while waiting: most of a fleet never holds the lock."""
    program = app(FILES)
    migrate(program)
    database.execute("DELETE FROM applied_migrations WHERE version = 2")
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        waiting = program.start("--only", "--json")
        wait_until(lambda: backends(database) == 2)
        holder.execute("INSERT INTO applied_migrations (version, name) VALUES (2, 'two')")
        outcome = finish(waiting)  # while the lock is still held
    assert (outcome.exit, outcome.results) == (0, {})


def test_who_waits_sees_that_it_cannot_run(app: AppFactory, database: Database) -> None:
    program = app({**FILES, "003_three.sql": ""})
    migrate(app(FILES))
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        waiting = program.start("--only", "--json")
        wait_until(lambda: backends(database) == 2)
        holder.execute("UPDATE applied_migrations SET name = 'zwei' WHERE version = 2")
        assert finish(waiting).code == "mismatch"


def test_under_the_lock_the_history_is_read_again(
    program: ProgramFactory, database: Database
) -> None:
    """A row that comes with the lock's release: the role's default of repeatable read must not
    hide it."""
    database.execute(
        f"ALTER ROLE {database.role} SET default_transaction_isolation = 'repeatable read'"
    )
    driver = program(DRIVER, FILES)
    driver.run("migrate")
    database.execute("DELETE FROM applied_migrations WHERE version = 2")
    with database.connect() as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key()])
        waiting = driver.start("migrate")
        assert read_line(waiting.stdout).startswith("event waiting")
        holder.execute("INSERT INTO applied_migrations (version, name) VALUES (2, 'two')")
    stdout, _ = waiting.communicate(timeout=20)
    assert stdout.endswith("migrate ok\nresult applied=0 skipped=0 batch=0\n")


def test_the_wait_is_outside_of_transactions(app: AppFactory, database: Database) -> None:
    """A waiter that held a snapshot would hang a CREATE INDEX CONCURRENTLY of the holder."""
    database.execute("CREATE TABLE busy (id int)")
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        waiting = app(FILES).start("--only", "--json")
        wait_until(lambda: backends(database) == 2)
        holder.execute("SET statement_timeout = '10s'")
        for number in range(5):
            holder.execute(f"CREATE INDEX CONCURRENTLY i{number} ON busy (id)")
        assert backends(database, "application_name = 'inlay' AND state ~ 'in transaction'") == 0
        assert database.rows("SELECT 1 FROM pg_locks WHERE NOT granted") == []
    assert finish(waiting).exit == 0


def test_the_holder_is_named_after_two_seconds(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True, application_name="the holder") as holder:
        holder.execute(TAKE, [lock_key()])
        pid = holder.info.backend_pid
        result = app(FILES).run("--only", "--lock-wait=2500ms")
    assert result.returncode == 5
    line = next(
        line for line in result.stderr.splitlines() if "waiting for the migration lock" in line
    )
    assert re.search(
        r"waiting for the migration lock of public.applied_migrations,"
        rf" held by pid {pid} \(the holder\),"
        r" connected for [0-9]+ s",
        line,
    )


def test_the_wait_begins_anew_when_the_history_grows(app: AppFactory, database: Database) -> None:
    """A holder that gets on is waited for, however long all of it takes."""
    files = numbered(8, "")
    database.execute("CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text)")
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        waiting = app(files).start("--only", "--json", "--lock-wait=3s")
        wait_until(lambda: backends(database) == 2)
        began = time.monotonic()
        for number in range(1, 9):
            if number > 1:
                time.sleep(0.6)
            holder.execute("INSERT INTO applied_migrations VALUES (%s, 'step')", [number])
        assert time.monotonic() - began > 4
        outcome = finish(waiting)
    assert (outcome.exit, outcome.results) == (0, {})


def test_each_history_has_its_own_lock(app: AppFactory, database: Database) -> None:
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key("public.other")])
        assert migrate(app(FILES), "--lock-wait=0").applied == [1, 2]
        outcome = migrate(app(FILES), "--lock-wait=0", "--history=public.other", "--fresh")
        assert outcome.code == "locked"


def test_the_lock_is_held_while_bodies_run(app: AppFactory, database: Database) -> None:
    held = (
        "CREATE TABLE held AS SELECT classid::int8 << 32 | objid::int8 AS key, objsubid, mode"
        " FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();"
    )
    assert migrate(app({"1_see.sql": held})).exit == 0
    assert database.rows("TABLE held") == [(lock_key(), 1, "ExclusiveLock")]
    assert advisory_locks(database) == 0


@pytest.mark.parametrize(
    "body", ["SELECT nothing;", "SELECT pg_terminate_backend(pg_backend_pid());"]
)
def test_no_lock_is_left_by_a_failure(app: AppFactory, database: Database, body: str) -> None:
    assert migrate(app({"1_bad.sql": body}), "--lock-wait=2s").exit in (1, 6)
    wait_until(lambda: advisory_locks(database) == 0)


def test_no_lock_is_left_on_the_callers_connection(
    program: ProgramFactory, database: Database
) -> None:
    query = "sql=SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    result = program(DRIVER, FILES).run("caller", "migrate", query)
    assert "migrate ok" in result.stdout
    assert result.stdout.splitlines()[-1] == "sql 0"


def test_the_waiting_is_told_every_half_second(program: ProgramFactory, database: Database) -> None:
    elapsed: list[int] = []
    with database.connect(autocommit=True) as holder:
        holder.execute(TAKE, [lock_key()])
        waiting = program(DRIVER, FILES).start("migrate")
        while len(elapsed) < 4:
            line = read_line(waiting.stdout, "^event waiting")
            elapsed.append(int(line.rpartition("=")[2]))
    assert "migrate ok" in waiting.communicate(timeout=60)[0]
    assert_half_seconds(elapsed)


def test_a_waiter_survives_the_holders_death(app: AppFactory, database: Database) -> None:
    holder = database.connect(autocommit=True)
    holder.execute(TAKE, [lock_key()])
    waiting = app(FILES).start("--only", "--json")
    wait_until(lambda: backends(database) == 2)
    database.admin(f"SELECT pg_terminate_backend({holder.info.backend_pid})")
    assert finish(waiting).applied == [1, 2]
    assert versions(database) == [1, 2]
    with pytest.raises(psycopg.OperationalError):
        holder.execute("SELECT 1")

"""Many processes at once, and processes that die: each body runs once, nobody hangs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import Outcome, advisory_locks, backends, end_orphans, finish, lock_key, migrate
from outcomes import numbered, versions, wait_until

TWELVE = 12
COUNTS = pytest.mark.parametrize("count", [TWELVE, 50])

# Each body leaves a line; run twice it would leave two, and CREATE TABLE would fail.
LOG = {"0000_log.sql": "CREATE TABLE log (line int);"}
BODY = "CREATE TABLE t{n} ();\nINSERT INTO log VALUES ({n});\nINSERT INTO t{n} DEFAULT VALUES;\n"
ALONE = "-- inlay: no-transaction\n"


def start_all(program: Program, count: int, *options: str) -> list[subprocess.Popen[str]]:
    return [program.start("--only", "--json", *options) for _ in range(count)]


def assert_each_ran_once(database: Database, outcomes: list[Outcome], count: int) -> None:
    failures = [outcome.stderr for outcome in outcomes if outcome.exit != 0]
    assert failures == []
    applied = sorted(version for outcome in outcomes for version in outcome.applied)
    assert applied == list(range(count + 1))
    assert_database_is_complete(database, count)


def assert_database_is_complete(database: Database, count: int) -> None:
    assert versions(database) == list(range(count + 1))
    lines = [line for (line,) in database.rows("SELECT line FROM log ORDER BY line")]
    assert lines == list(range(1, count + 1))
    assert advisory_locks(database) == 0
    wait_until(lambda: backends(database) == 0, "for the sessions to end")


@COUNTS
def test_on_an_empty_database(app: AppFactory, database: Database, count: int) -> None:
    program = app({**LOG, **numbered(20, BODY)})
    outcomes = [finish(process) for process in start_all(program, count)]
    assert_each_ran_once(database, outcomes, 20)


@COUNTS
def test_on_a_current_database(app: AppFactory, database: Database, count: int) -> None:
    """Nobody needs the lock, which somebody has for ever."""
    program = app({**LOG, **numbered(20, BODY)})
    migrate(program)
    with database.connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        outcomes = [finish(process) for process in start_all(program, count)]
        assert {(outcome.exit, len(outcome.results)) for outcome in outcomes} == {(0, 0)}


@COUNTS
def test_who_has_what_it_needs_does_not_wait_for_the_rest(
    app: AppFactory, database: Database, count: int
) -> None:
    """One runs a migration that takes its time. The others of its age wait; those that are older
    and do not have it end as soon as what they have is applied, while the lock is still held."""
    files = {**LOG, **numbered(5, BODY)}
    slow = "DO $$ BEGIN WHILE EXISTS (SELECT FROM closed) LOOP PERFORM pg_sleep(0.02); END LOOP;"
    newest = app({**files, "0006_slow.sql": BODY.replace("{n}", "6") + slow + " END $$;\n"})
    database.execute("CREATE TABLE closed AS SELECT 1")
    holders = start_all(newest, count // 2)
    wait_until(lambda: backends(database, "query ~ 'closed' AND state = 'active'") == 1)
    older = [finish(process) for process in start_all(app(files), count - count // 2)]
    assert {(outcome.exit, len(outcome.results)) for outcome in older} == {(0, 0)}
    assert [process.poll() for process in holders] == [None] * len(holders)
    database.execute("DELETE FROM closed")
    outcomes = [finish(process) for process in holders]
    database.execute("DROP TABLE closed")
    assert_each_ran_once(database, outcomes, 6)


def test_twelve_with_other_defaults(app: AppFactory, database: Database) -> None:
    """A snapshot that is older than the lock would see migrations pending that are applied."""
    database.execute(
        f"ALTER ROLE {database.role} SET default_transaction_isolation = 'repeatable read'"
    )
    files = {**LOG, **numbered(10, BODY)}
    files["0011_alone.sql"] = ALONE + BODY.replace("{n}", "11")
    outcomes = [finish(process) for process in start_all(app(files), TWELVE)]
    assert_each_ran_once(database, outcomes, 11)


def test_twelve_without_a_lock(app: AppFactory, database: Database) -> None:
    """Behind a pooler in transaction mode the claims alone keep them apart."""
    program = app({**LOG, **numbered(10, BODY)})
    outcomes = [finish(process) for process in start_all(program, TWELVE, "--pooler=transaction")]
    assert_each_ran_once(database, outcomes, 10)


@COUNTS
def test_an_index_is_built_while_others_wait(
    app: AppFactory, database: Database, count: int
) -> None:
    """CREATE INDEX CONCURRENTLY waits for every snapshot: who waits for the lock must not hold
    one."""
    files = {**LOG, "0001_slow.sql": BODY.replace("{n}", "1") + "SELECT pg_sleep(0.7);\n"}
    files["0002_index.sql"] = ALONE + "CREATE INDEX CONCURRENTLY log_line ON log (line);\n"
    files["0003_last.sql"] = "INSERT INTO log VALUES (2), (3);"
    outcomes = [finish(process) for process in start_all(app(files), count)]
    assert_each_ran_once(database, outcomes, 3)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'log_line'::regclass"
    assert database.value(valid) is True


@pytest.mark.parametrize("head", ["", ALONE], ids=["transaction", "no transaction"])
def test_killed_in_the_middle_and_another_at_once(
    app: AppFactory, database: Database, head: str
) -> None:
    """The dead one's backend is ended by the server within seconds, whatever it waits for; the
    other waits for that, and does all that was not committed."""
    slow = "SELECT pg_sleep(CASE nextval('tries') WHEN 1 THEN 600 ELSE 0 END);\n"
    body = f"{head}INSERT INTO log VALUES (1);\n{slow}CREATE TABLE t ();\n"
    files = {"0000_log.sql": LOG["0000_log.sql"] + "CREATE SEQUENCE tries;", "0001_slow.sql": body}
    program = app(files)
    victim = program.start("--only")
    wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
    victim.kill()
    victim.wait()
    end_orphans(database)
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [1])
    assert database.value("SELECT last_value FROM tries") == 2
    assert_database_is_complete(database, 1)


def test_killed_but_its_backend_commits(app: AppFactory, database: Database) -> None:
    """All of the migration was on its way: the other must not begin before it is done."""
    program = app({**LOG, "0001_slow.sql": BODY.replace("{n}", "1") + "SELECT pg_sleep(0.8);\n"})
    victim = program.start("--only")
    wait_until(lambda: backends(database, "query ~ 'pg_sleep' AND state = 'active'"))
    victim.kill()
    assert migrate(program).exit == 0
    assert_database_is_complete(database, 1)


def test_kills_at_any_moment(app: AppFactory, database: Database) -> None:
    """Killed again and again until one comes through; nothing ran twice, nothing is missing."""
    program = app({**LOG, **numbered(40, BODY + "SELECT pg_sleep(0.01);\n")})
    seed = int(os.environ.get("INLAY_SEED", time.time()))
    print(f"INLAY_SEED={seed}")
    moments = random.Random(seed)
    for _ in range(6):
        victim = program.start("--only")
        time.sleep(moments.uniform(0.01, 0.25))
        victim.kill()
        victim.wait()
    assert migrate(program).exit == 0
    assert_database_is_complete(database, 40)


def test_a_fleet_with_a_failing_migration(app: AppFactory, database: Database) -> None:
    """Each says so, and nothing of it is kept."""
    bad = BODY.replace("{n}", "3") + "SELECT nothing;\n"
    program = app({**LOG, **numbered(2, BODY), "0003_bad.sql": bad})
    outcomes = [finish(process) for process in start_all(program, 5)]
    assert {(outcome.exit, outcome.error["version"]) for outcome in outcomes} == {(1, "3")}
    assert_database_is_complete(database, 2)


def test_one_of_the_fleet_dies(app: AppFactory, database: Database) -> None:
    program = app({**LOG, **numbered(10, BODY + "SELECT pg_sleep(0.05);\n")})
    fleet = start_all(program, 6)
    wait_until(lambda: advisory_locks(database) == 1)
    holder = database.value(
        "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)"
        " WHERE locktype = 'advisory' AND datname = current_database() AND granted"
    )
    assert holder == "inlay"
    fleet[0].kill()
    fleet[1].send_signal(signal.SIGTERM)
    outcomes = [finish(process) for process in fleet[2:]]
    assert [outcome.stderr for outcome in outcomes if outcome.exit != 0] == []
    for process in fleet[:2]:
        process.wait(20)
    assert_database_is_complete(database, 10)


def test_two_programs_with_different_ages(app: AppFactory, database: Database) -> None:
    """An older and a newer binary of one set at once, as in a rolling deployment."""
    older, newer = app({**LOG, **numbered(5, BODY)}), app({**LOG, **numbered(10, BODY)})
    fleet = [*start_all(older, 3), *start_all(newer, 3)]
    outcomes = [finish(process) for process in fleet]
    assert_each_ran_once(database, outcomes, 10)

"""Consecutive migrations in flight together: round trips do not grow with the count, and whatever
happens in the middle, nothing behind it runs before its turn."""

from __future__ import annotations

import re
import subprocess

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.relay import DOWN, FAR, UP, Relay
from outcomes import DRIVER, advisory_locks, backends, finish, migrate, numbered
from outcomes import read_line, tables, versions, wait_until
from test_rules_cost import MEGABYTE, memory_of
from test_rules_retry import hold

FIVE = """CREATE TABLE t{n} (id bigint PRIMARY KEY, name text);
INSERT INTO t{n} VALUES (1, 'a');
ALTER TABLE t{n} ADD b int;
UPDATE t{n} SET b = 1;
CREATE INDEX ON t{n} (b);
"""
SLEEPS = "query ~ 'pg_sleep' AND state = 'active'"


def told(printed: str, kind: str) -> list[int]:
    """The versions of a driver's events of a kind."""
    return [int(n) for n in re.findall(rf"^event {kind} (\d+) ", printed, re.MULTILINE)]


# ---- what it costs ----


@pytest.mark.parametrize("count", [1, 200, 1000])
def test_round_trips_do_not_grow(
    program: ProgramFactory, database: Database, relay: Relay, count: int
) -> None:
    relay.delay = FAR
    driver = program(DRIVER, numbered(count, FIVE))
    stdout = driver.run("silent", "migrate", url=relay.url(database.url), timeout=300).stdout
    assert f"result applied={count} skipped=0 batch=1\n" in stdout
    assert relay.round_trips <= 7
    assert versions(database) == list(range(1, count + 1))


def test_neither_do_they_when_undone(app: AppFactory, database: Database, relay: Relay) -> None:
    files = {
        f"{n:03d}_t.{direction}.sql": f"{verb} t{n}{rest};"
        for n in range(1, 201)
        for direction, verb, rest in (("up", "CREATE TABLE", " ()"), ("down", "DROP TABLE", ""))
    }
    program = app(files)
    assert migrate(program).exit == 0
    relay.delay = FAR
    result = program.run("--to", "0", "--yes", url=relay.url(database.url))
    assert result.returncode == 0
    assert sum(connection.round_trips for connection in relay.connections) <= 16  # it asks first
    assert versions(database) == [] and tables(database) == set()


@pytest.mark.plain
@pytest.mark.parametrize("count, megabytes, most", [(4, 5, 20), (24, 1, 16)])
def test_what_is_in_flight_is_bounded(
    program: ProgramFactory, database: Database, relay: Relay, count: int, megabytes: int, most: int
) -> None:
    """A large statement is alone. The network takes all at once: it is ours to wait."""
    relay.delay = 0.05
    body = f"CREATE TABLE t{{n}} AS SELECT '{'x' * 1_000_000 * megabytes}'::text AS x;\n"
    driver = program(DRIVER, numbered(count, body))
    stdout = driver.run("silent", "migrate", "memory", url=relay.url(database.url)).stdout
    assert f"applied={count} " in stdout
    assert memory_of(stdout) < most * MEGABYTE


# ---- what is heard of it ----


def test_events_come_in_their_order(program: ProgramFactory, database: Database) -> None:
    stdout = program(DRIVER, numbered(300, "SELECT 1;\nSELECT {n};\n")).run("migrate").stdout
    events = re.findall(r"^event (started|applied) (\d+) .*statement=(\d)", stdout, re.MULTILINE)
    expected = [event for n in range(1, 301) for event in (("started", n, 0), ("applied", n, 2))]
    assert [(kind, int(n), int(done)) for kind, n, done in events] == expected


def test_a_commit_is_heard_while_the_next_runs(program: ProgramFactory, database: Database) -> None:
    files = {**numbered(3, "SELECT {n};\n"), "4_slow.sql": "SELECT 1;\nSELECT pg_sleep(600);"}
    running = program(DRIVER, files).start("stop-on-input", "migrate", stdin=subprocess.PIPE)
    read_line(running.stdout, "event started 4 ")
    read_line(running.stdout, "event progress 4 4/4 statement=1 ")
    assert versions(database) == [1, 2, 3]
    stdout, _ = running.communicate("x", timeout=20)
    assert "migrate stopped\n" in stdout


def test_notices_are_those_of_their_migration(program: ProgramFactory) -> None:
    raising = "DO $$ BEGIN RAISE NOTICE 'about {n}'; END $$;"
    stdout = program(DRIVER, numbered(50, raising)).run("migrate").stdout
    notices = re.findall(r"log notice (\d+)_step.sql: NOTICE: about (\d+)\n", stdout)
    assert [int(label) for label, _ in notices] == [int(n) for _, n in notices]
    assert len(notices) == 50


# ---- what happens in the middle ----

FAILING = {
    "an error": "CREATE TABLE bad ();\nSELECT nothing;",
    "a division in a function": "CREATE TABLE bad ();\nDO $$ BEGIN PERFORM 1 / 0; END $$;",
    "its end": "CREATE TABLE bad ();\nROLLBACK;",
    "its end, and another beginning": "CREATE TABLE bad ();\nROLLBACK;\nBEGIN;",
    "a deferred constraint": (
        "CREATE TABLE bad (a int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO bad VALUES (1), (1);"
    ),
    "its row": "CREATE TABLE bad ();\nDELETE FROM applied_migrations WHERE version = 150;",
    "no lock": "CREATE TABLE bad ();\nDISCARD ALL;",
}


@pytest.mark.parametrize("failure", FAILING)
def test_nothing_behind_a_failure_runs(app: AppFactory, database: Database, failure: str) -> None:
    files = {**numbered(300, "CREATE TABLE t{n} ();"), "0150_step.sql": FAILING[failure]}
    outcome = migrate(app(files, allow_bad=True))
    assert (outcome.exit, outcome.applied) == (1, list(range(1, 150)))
    assert outcome.error["path"] == "migrations/0150_step.sql"
    assert "the 149 migrations applied earlier in this run stay applied" in outcome.error["outcome"]
    assert tables(database) == {f"t{n}" for n in range(1, 150)}
    assert versions(database) == list(range(1, 150)) and advisory_locks(database) == 0
    wait_until(lambda: backends(database) == 0)
    assert migrate(app(numbered(300, "CREATE TABLE t{n} ();"))).applied == list(range(150, 301))


def test_a_body_that_commits_with_many_behind_it(app: AppFactory, database: Database) -> None:
    files = {**numbered(300, "CREATE TABLE t{n} ();")}
    files["0150_step.sql"] = "CREATE TABLE half ();\nCOMMIT;"
    outcome = migrate(app(files, allow_bad=True))
    assert (outcome.exit, outcome.applied) == (1, list(range(1, 150)))
    assert "0150_step.sql is PARTLY COMMITTED" in outcome.error["outcome"]
    assert tables(database) == {"half", *(f"t{n}" for n in range(1, 150))}
    assert versions(database) == list(range(1, 150))


def test_a_lock_timeout_resumes_there(program: ProgramFactory, database: Database) -> None:
    database.execute("CREATE TABLE busy ()")
    files = {**numbered(60, "CREATE TABLE t{n} ();")}
    files["0030_step.sql"] = "-- inlay: lock_timeout=100ms\nALTER TABLE busy ADD a int;"
    with hold(database):
        running = program(DRIVER, files).start("migrate")
        read_line(running.stdout, "event applied 29 ")
        read_line(running.stdout, "event retried 30 ")
        assert versions(database) == list(range(1, 30))
    stdout, _ = running.communicate(timeout=60)
    assert "migrate ok\nresult applied=60 skipped=0 batch=1\n" in stdout
    assert told(stdout, "applied") == list(range(30, 61))
    assert versions(database) == list(range(1, 61))


def test_what_is_tried_again_travels_alone(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """What is sent behind one that meets a lock is sent in vain, each time."""
    database.execute("CREATE TABLE busy ()")
    files = {**numbered(30, "SELECT 'behind {n}';")}
    files["0010_step.sql"] = "-- inlay: lock_timeout=100ms\nALTER TABLE busy ADD a int;"
    sent: list[bool] = []

    def note() -> None:
        sent.append(True)
        relay.at(UP, b"'behind 11'", note)

    relay.at(UP, b"'behind 11'", note)
    with hold(database):
        running = program(DRIVER, files).start("migrate", url=relay.url(database.url))
        for _ in range(3):
            read_line(running.stdout, "event retried 10 ")
        assert len(sent) == 1 and versions(database) == list(range(1, 10))
    assert "migrate ok\n" in running.communicate(timeout=60)[0]
    assert len(sent) == 2 and versions(database) == list(range(1, 31))


def test_after_a_lock_timeout_many_travel_again(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """What was tried again is committed alone; all that follow are on their way together."""
    database.execute("CREATE SEQUENCE tries")
    files = {**numbered(500, "CREATE TABLE t{n} ();")}
    files["0002_step.sql"] = (
        "DO $$ BEGIN IF nextval('tries') < 2 THEN"
        " RAISE EXCEPTION 'no' USING ERRCODE = '55P03'; END IF; END $$;"
    )
    relay.delay = FAR
    driver = program(DRIVER, files)
    stdout = driver.run("silent", "migrate", url=relay.url(database.url), timeout=300).stdout
    assert "result applied=500 skipped=0 batch=1\n" in stdout
    # To roll back, to ask who was in the way, alone, and the rest: five more than without.
    assert relay.round_trips <= 10


def test_claims_that_hit_rows(program: ProgramFactory, database: Database) -> None:
    """Somebody without our lock is faster with some of those that are on their way."""
    files = {**numbered(100, "CREATE TABLE t{n} ();"), "0001_step.sql": "SELECT pg_sleep(1);"}
    running = program(DRIVER, files).start("migrate")
    wait_until(lambda: backends(database, SLEEPS))
    values = ", ".join(f"({n}, 'step')" for n in (2, 50, 51, 100))
    database.execute(f"INSERT INTO applied_migrations (version, name) VALUES {values}")
    stdout, _ = running.communicate(timeout=60)
    assert "migrate ok\n" in stdout
    assert versions(database) == list(range(1, 101))
    theirs = {2, 50, 51, 100}
    assert tables(database) == {f"t{n}" for n in range(2, 101) if n not in theirs}
    assert told(stdout, "applied") == [n for n in range(1, 101) if n not in theirs]


def test_an_error_while_the_server_takes_no_more(
    program: ProgramFactory, database: Database
) -> None:
    """More is queued than the socket holds when the answer comes that stops it all."""
    files = {
        **numbered(200, f"SELECT {'1' * 4000}::numeric;"),
        "0001_step.sql": "SELECT pg_sleep(1);",
    }
    running = program(DRIVER, files).start("migrate")
    wait_until(lambda: backends(database, SLEEPS))
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (2, 'step')")
    stdout, _ = running.communicate(timeout=60)
    assert "migrate ok\n" in stdout
    assert versions(database) == list(range(1, 201)) and advisory_locks(database) == 0


@pytest.mark.parametrize("connection", ["own", "caller"])
def test_stopped_with_hundreds_behind(
    program: ProgramFactory, database: Database, connection: str
) -> None:
    words = ["migrate"] if connection == "own" else ["caller", "migrate", "state"]
    files = {**numbered(500, "CREATE TABLE t{n} ();"), "0100_step.sql": "SELECT pg_sleep(600);"}
    running = program(DRIVER, files).start("stop-on-input", *words, stdin=subprocess.PIPE)
    wait_until(lambda: backends(database, SLEEPS))
    stdout, stderr = running.communicate("x", timeout=20)
    assert "migrate stopped\n" in stdout
    assert "0100_step.sql was rolled back; the 99 migrations" in stderr
    assert connection == "own" or "state status=0 transaction=0 pipeline=0" in stdout
    assert versions(database) == told(stdout, "applied") == list(range(1, 100))
    assert advisory_locks(database) == 0


def test_a_cancel_that_is_late_hits_one_behind(program: ProgramFactory, database: Database) -> None:
    """What is told is what is so, wherever among the many the cancel lands."""
    driver = program(DRIVER, numbered(400, "CREATE TABLE t{n} ();\nSELECT pg_sleep(0.002);"))
    done: list[int] = []
    for _ in range(4):
        running = driver.start("stop-on-input", "migrate", stdin=subprocess.PIPE)
        read_line(running.stdout, "event started ")
        stdout, _ = running.communicate("x", timeout=60)
        done += told(stdout, "applied")
        assert done == list(range(1, len(done) + 1))
        assert (versions(database) if done else []) == done
        assert tables(database) == {f"t{n}" for n in done}
        assert advisory_locks(database) == 0


def test_lost_with_commits_unheard(
    program: ProgramFactory, database: Database, relay: Relay
) -> None:
    """Each runs once, and each is told once: the history knows those whose answers were lost."""
    database.execute("CREATE TABLE log (line int)")
    driver = program(DRIVER, numbered(200, "INSERT INTO log VALUES ({n});"))
    relay.at(DOWN, b"COMMIT\0", relay.cut)
    stdout = driver.run("migrate", url=relay.url(database.url)).stdout
    assert len(relay.connections) == 2
    assert "migrate ok\nresult applied=200 skipped=0 batch=1\n" in stdout
    assert database.rows("SELECT line FROM log ORDER BY line") == [(n,) for n in range(1, 201)]
    assert told(stdout, "applied") == list(range(1, 201))
    assert re.search(r"^event end -1 200/200 ", stdout, re.MULTILINE)


def test_lost_on_the_callers_connection(program: ProgramFactory, database: Database) -> None:
    files = {**numbered(50, "CREATE TABLE t{n} ();"), "0010_step.sql": "SELECT pg_sleep(600);"}
    running = program(DRIVER, files).start("caller", "migrate")
    wait_until(lambda: backends(database, SLEEPS))
    database.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {SLEEPS}"
    )
    stdout, stderr = running.communicate(timeout=20)
    assert "migrate lost\n" in stdout
    assert "0010_step.sql may or may not be committed (nor is it known for the 40 sent" in stderr
    assert versions(database) == list(range(1, 10))


def test_what_a_body_sets_does_not_reach_those_behind(app: AppFactory, database: Database) -> None:
    leave = (
        "SET work_mem = '7MB';\nSET search_path = pg_catalog;\nCREATE TEMP TABLE left_over ();\n"
        "PREPARE left_over AS SELECT 1;\nDECLARE left_over CURSOR WITH HOLD FOR SELECT 1;\n"
        "LISTEN left_over;\n"
    )
    see = (
        "CREATE TABLE public.seen AS SELECT current_setting('work_mem') AS m,"
        " current_setting('search_path') AS p, to_regclass('left_over') IS NULL AS t,"
        " (SELECT count(*) FROM pg_prepared_statements) AS s,"
        " (SELECT count(*) FROM pg_cursors WHERE name = 'left_over') AS c,"
        " (SELECT count(*) FROM pg_listening_channels()) AS l;"
    )
    assert migrate(app({"1_leave.sql": leave, "2_see.sql": see})).exit == 0
    assert database.rows("TABLE seen") == [("4MB", '"$user", public', True, 0, 0, 0)]


def test_files_of_every_kind_between_many(app: AppFactory, database: Database) -> None:
    """A stretch ends before what stands alone, and another begins behind it."""
    files = {**numbered(90, "CREATE TABLE t{n} ();")}
    for n in (30, 60, 61, 90):
        files[f"{n:04d}_step.sql"] = f"-- inlay: no-transaction\nCREATE TABLE t{n} ();"
    running = app(files).start("--only", "--json")
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, list(range(1, 91)))
    assert tables(database) == {f"t{n}" for n in range(1, 91)}

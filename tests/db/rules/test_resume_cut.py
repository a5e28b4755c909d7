"""A no-transaction file that is cut off anywhere is finished by the next run, and nothing of it
runs twice."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Callable

import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from harness.relay import UP, Relay
from outcomes import advisory_locks, backends, end_orphans, finish, migrate, tables, wait_until
from unfinished import ALONE, INVALID, KINDS, LOG, PROGRESS, RESET, SETUP, Kind
from unfinished import assert_complete, begin, complete, files

SAVES = b"'progress', $1"


def at_message(relay: Relay, number: int, action: Callable[[], None]) -> None:
    """Acts before what the client sends for the `number`-th time, from its first progress on."""
    left = [number]

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            action()
        else:
            relay.at(UP, b"", count)

    relay.at(UP, SAVES, count)


def run_and_kill(
    program_start: Callable[[], "subprocess.Popen[str]"], relay: Relay, number: int, heard: bool
) -> bool:
    """Kills the program at that message, heard by the server or not. False: it was never sent."""
    started: list[subprocess.Popen[str]] = []

    def kill() -> None:
        started[0].kill()
        if not heard:
            relay.cut()

    at_message(relay, number, kill)
    started.append(program_start())
    started[0].communicate(timeout=60)
    return started[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize("heard", [False, True], ids=["lost", "sent"])
@pytest.mark.parametrize("name", KINDS)
def test_killed_at_every_message(
    app: AppFactory, database: Database, relay: Relay, name: str, heard: bool
) -> None:
    """Before, in and after each statement and its progress."""
    kind = KINDS[name]
    program = begin(app, kind)
    url = relay.url(database.url)
    number = 1
    while run_and_kill(lambda: program.start("--only", "--json", url=url), relay, number, heard):
        outcomes = complete(program, kind)
        assert outcomes[-1].exit == 0, (number, outcomes[-1].stderr)
        assert_complete(database, kind)
        database.execute(*RESET)
        begin(app, kind)
        number += 1
    assert number > 8


# ---- in the middle of a statement, which another transaction keeps waiting ----


def waiting(database: Database, kind: Kind) -> int:
    """Sessions that run the statement and wait for a lock."""
    word = " ".join(kind.statement.split()[:2])
    return backends(database, f"strpos(query, '{word}') = 1 AND wait_event_type = 'Lock'")


@pytest.mark.parametrize("name", KINDS)
def test_killed_in_the_middle(app: AppFactory, database: Database, name: str) -> None:
    kind = KINDS[name]
    program = begin(app, kind)
    with database.connect() as other:
        other.execute(kind.blocker)
        running = program.start("--only")
        wait_until(lambda: waiting(database, kind))
        running.kill()
        end_orphans(database)
        wait_until(lambda: not advisory_locks(database))
        assert (database.rows(INVALID) != []) == (name in ("index", "drop", "reindex"))
        assert_status(program, kind)
    outcomes = complete(program, kind)
    assert outcomes[-1].exit == 0 and len(outcomes) == (1 if kind.known else 2)
    assert_complete(database, kind)


def assert_status(program: Program, kind: Kind) -> None:
    """What is shared with its transaction, or may run twice, is not announced."""
    announced = kind.statement.split()[0] not in ("INSERT", "VACUUM")
    unknown = ", whether statement 2 is done is not known"
    text = program.run("--status").stdout
    assert "half done, 1 of 3" in text and (unknown in text) == announced
    entry = json.loads(program.run("--status", "--json").stdout)["migrations"][1]
    assert (entry["statements_done"], entry["statement_open"]) == (1, 2 if announced else None)


@pytest.mark.parametrize("name", KINDS)
def test_terminated_in_the_middle(app: AppFactory, database: Database, name: str) -> None:
    """The program that lost its connection goes on by itself, as far as it can know."""
    kind = KINDS[name]
    program = begin(app, kind)
    with database.connect() as other:
        other.execute(kind.blocker)
        running = program.start("--only", "--json")
        wait_until(lambda: waiting(database, kind))
        pid = database.value(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'inlay' AND datname = current_database()"
        )
        database.admin(f"SELECT pg_terminate_backend({pid})")
        wait_until(lambda: backends(database, f"pid = {pid}") == 0)
        other.rollback()
        outcome = finish(running)
    assert outcome.exit == (0 if kind.known else 7), outcome.stderr
    assert complete(program, kind)[-1].exit == 0
    assert_complete(database, kind)


@pytest.mark.parametrize("name", KINDS)
def test_stopped_in_the_middle(app: AppFactory, database: Database, name: str) -> None:
    kind = KINDS[name]
    program = begin(app, kind)
    with database.connect() as other:
        other.execute(kind.blocker)
        running = program.start("--only", "--json")
        wait_until(lambda: waiting(database, kind))
        running.send_signal(signal.SIGTERM)
        assert finish(running).exit == 128 + signal.SIGTERM
    assert complete(program, kind)[-1].exit == 0
    assert_complete(database, kind)


# ---- what nobody can look at ----


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
def test_a_database_that_is_being_created(
    app: AppFactory, database: Database, relay: Relay, done: bool
) -> None:
    made = f"{database.name}_made"
    create = f'CREATE DATABASE "{made}"'
    database.admin(f'ALTER ROLE "{database.role}" CREATEDB')
    program = app({"001_alone.sql": f"{ALONE}{create};\nCREATE TABLE after ();\n"})
    started: list[subprocess.Popen[str]] = []

    def kill() -> None:
        started[0].kill()
        if not done:
            relay.cut()

    relay.at(UP, create.encode(), kill)
    try:
        started.append(program.start("--only", url=relay.url(database.url)))
        assert started[0].wait(60) == -signal.SIGKILL
        wait_until(lambda: not advisory_locks(database))
        exists = database.rows("SELECT 1 FROM pg_database WHERE datname = %s", made) != []
        outcome = migrate(program)
        assert (outcome.exit, outcome.code, outcome.applied) == (7, "refused", [])
        assert outcome.error["line"] == 2 and tables(database) == set()
        assert program.run("--resume-at", "1:2" if exists else "1:1").returncode == 0
        outcome = migrate(program)
        assert (outcome.exit, outcome.applied) == (0, [1]), outcome.stderr
        assert tables(database) == {"after"}
        assert database.rows("SELECT 1 FROM pg_database WHERE datname = %s", made) == [(1,)]
    finally:
        database.admin(f'DROP DATABASE IF EXISTS "{made}"')


def test_a_statement_that_failed_is_known(app: AppFactory, database: Database) -> None:
    """What the server refused left nothing, and runs again."""
    program = app({"001_alone.sql": f'{ALONE}CREATE DATABASE "{database.name}";\n'})
    database.admin(f'ALTER ROLE "{database.role}" CREATEDB')
    for _ in range(2):
        outcome = migrate(program)
        assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42P04")
        assert database.rows(PROGRESS) == [("1", 0, None)]


def test_a_procedure_that_fails_after_a_commit(app: AppFactory, database: Database) -> None:
    """It is not run again before somebody has looked."""
    call = "CALL batches();\nINSERT INTO log VALUES ('after');\n"
    setup = SETUP.replace("LOCK TABLE t;", "ASSERT i < 2 OR to_regclass('good') IS NOT NULL;")
    program = app({"001_setup.sql": setup, "002_alone.sql": f"{ALONE}{call}"})
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied, outcome.error["sqlstate"]) == (1, [1], "P0004")
    told = "statement 1 commits by itself, and what it committed before it failed stays too"
    assert told in outcome.error["outcome"]
    ways = "Statement 1 not done: --migrate-resume-at 2:1. Done: --migrate-resume-at 2:2."
    assert ways in outcome.error["hint"]
    assert database.rows(LOG) == [("batch",)] * 2
    assert migrate(program).code == "refused" and database.rows(LOG) == [("batch",)] * 2
    database.execute("DELETE FROM log", "CREATE TABLE good ()")
    assert program.run("--resume-at", "2:1").returncode == 0
    assert migrate(program).applied == [2]
    assert database.rows(LOG) == [("after",)] + [("batch",)] * 3


def test_a_procedure_that_gets_no_lock(app: AppFactory, database: Database) -> None:
    """To run the same again, as for another lock, is not what is to be done."""
    kind = KINDS["call"]
    begin(app, kind)
    text = files(kind)["002_alone.sql"].replace(ALONE, f"{ALONE.rstrip()} lock_timeout=50ms\n")
    program = app({"001_setup.sql": SETUP, "002_alone.sql": text})
    with database.connect() as other:
        other.execute(kind.blocker)
        outcome = migrate(program)
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "55P03")
    assert complete(program, kind)[-1].exit == 0
    assert_complete(database, kind)


def test_an_edit_of_what_nobody_knows(app: AppFactory, database: Database) -> None:
    """Neither the old text nor the new one is run."""
    kind = KINDS["call"]
    program = begin(app, kind)
    with database.connect() as other:
        other.execute(kind.blocker)
        running = program.start("--only")
        wait_until(lambda: waiting(database, kind))
        running.kill()
        end_orphans(database)
        wait_until(lambda: not advisory_locks(database))
    gone = f"{ALONE}INSERT INTO log VALUES ('before');\n"
    outcome = migrate(app({"001_setup.sql": SETUP, "002_alone.sql": gone}))
    assert (outcome.exit, outcome.code, outcome.applied) == (7, "refused", [])
    assert "All statements of the file done: --migrate-resume-at 2:2." in outcome.error["hint"]
    edited = app({"001_setup.sql": SETUP, "002_alone.sql": f"{gone}INSERT INTO log VALUES ('x');"})
    assert migrate(edited).exit == 7
    assert edited.run("--resume-at", "2:2").returncode == 0 and migrate(edited).applied == [2]
    assert ("x",) in database.rows(LOG)


@pytest.mark.parametrize("body", ["ready", "begun x", "begun 2", ""])
def test_a_body_that_cannot_be_read(app: AppFactory, database: Database, body: str) -> None:
    """A newer version's, or a person's."""
    kind = KINDS["vacuum"]
    migrate(
        app(
            {
                "001_setup.sql": SETUP,
                "002_alone.sql": f"{ALONE}INSERT INTO log VALUES ('before');\nSELECT wrong;\n",
            }
        )
    )
    database.execute(f"UPDATE applied_migrations_state SET body = '{body}'")
    program = app(files(kind))
    outcome = migrate(program)
    assert (outcome.exit, outcome.code) == (7, "refused")
    assert "half done, 1 of 3, whether statement 2 is done" in program.run("--status").stdout
    assert program.run("--resume-at", "2:2").returncode == 0
    assert migrate(program).applied == [2]
    assert_complete(database, kind)


def test_an_older_binary_goes_on(app: AppFactory, database: Database) -> None:
    """It moves `done` and leaves `body` as it is: what that says is of the past then."""
    kind = KINDS["index"]
    program = begin(app, kind)
    migrate(
        app(
            {
                "001_setup.sql": SETUP,
                "002_alone.sql": f"{ALONE}INSERT INTO log VALUES ('before');\nSELECT wrong;\n",
            }
        )
    )
    database.execute("UPDATE applied_migrations_state SET body = 'building 1 fnv1a64:0 public.t_b'")
    assert "not known" not in program.run("--status").stdout
    assert migrate(program).applied == [2]
    assert_complete(database, kind)

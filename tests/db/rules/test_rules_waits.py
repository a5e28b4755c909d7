"""No wait of ours is without an end and a name: where another session holds the history, each call
says who it is after two seconds, and ends; and so it does where the server falls silent."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import datetime
from typing import Any, Iterator

import psycopg
import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.program import Program
from harness.relay import DOWN, UP, Relay
from harness.server import Server
from outcomes import DRIVER, assert_prompt, backends, check, finish, lock_key, migrate, read_line
from outcomes import tables, versions, wait_until
from phases import SETUP
from pooler import Pooler

FILES = {"001_one.up.sql": "CREATE TABLE one ();", "001_one.down.sql": "DROP TABLE one;"}
TWO = {**FILES, "002_two.sql": "CREATE TABLE two ();"}
HOLDER = "the holder"

# Verb, and what it ends with where the history stays locked.
CALLS: dict[str, tuple[list[str], int]] = {
    "check": (["--check"], 5),
    "status": (["--status"], 5),
    "await": (["--await=2500ms"], 3),
    "migrate": (["--only"], 5),
    "baseline": (["--baseline=2"], 5),
    "down": (["--down=1", "--yes"], 5),
}
WAIT = "--lock-wait=2500ms"


@pytest.fixture
def pending(app: AppFactory, database: Database) -> Program:
    """A program with something pending."""
    migrate(app(FILES))
    return app(TWO)


@pytest.fixture
def holder(pending: Program, database: Database) -> Iterator[Any]:
    """A session that left an ALTER open."""
    with database.connect(application_name=HOLDER) as connection:
        connection.execute("LOCK TABLE applied_migrations IN ACCESS EXCLUSIVE MODE")
        yield connection


def waits(database: Database) -> bool:
    return backends(database, "wait_event_type = 'Lock'") > 0


@pytest.mark.parametrize("call", CALLS)
def test_who_holds_the_history_is_named(
    pending: Program, database: Database, holder: Any, call: str
) -> None:
    words, status = CALLS[call]
    began = time.monotonic()
    result = pending.run(*words, WAIT)
    assert result.returncode == status, result.stderr
    assert_prompt(began, 6)
    lines = result.stderr.splitlines()
    named = (
        rf"pid {holder.info.backend_pid} \({HOLDER}, in its transaction for [0-9]+ s\)"
        " holds AccessExclusiveLock on public.applied_migrations"
    )
    (waiting,) = [line for line in lines if re.match("waiting for a lock on the history", line)]
    assert re.search(named, waiting)
    assert "a lock on the history public.applied_migrations was not obtained in time" in "".join(
        lines
    )
    assert re.search("detail: " + named, result.stderr)
    holder.rollback()
    assert versions(database) == [1]
    wait_until(lambda: backends(database) == 1)


def test_a_check_ends_after_ten_seconds(pending: Program, holder: Any) -> None:
    began = time.monotonic()
    assert check(pending) == 5
    assert 9.5 < time.monotonic() - began
    assert_prompt(began, 13)


@pytest.mark.parametrize("call", ["check", "await", "migrate"])
def test_what_becomes_free_is_read(
    pending: Program, database: Database, holder: Any, call: str
) -> None:
    words = [word.replace("2500ms", "60s") for word in CALLS[call][0]]
    process = pending.start(*words)
    wait_until(lambda: waits(database))
    wait_until(lambda: not waits(database), "for the first look to be cancelled")
    if call == "await":
        holder.execute("INSERT INTO applied_migrations VALUES (2, 'two')")
    holder.commit()
    process.communicate(timeout=60)
    assert process.returncode == {"check": 3, "await": 0, "migrate": 0}[call]
    assert versions(database) == ([1] if call == "check" else [1, 2])


def test_a_role_whose_timeouts_end_the_look(
    pending: Program, database: Database, holder: Any
) -> None:
    """Its own lock_timeout is no reason to give up."""
    database.admin(f"ALTER ROLE {database.role} SET lock_timeout = '100ms'")
    process = pending.start("--only", "--json")
    wait_until(lambda: waits(database))
    wait_until(lambda: not waits(database))
    holder.rollback()
    assert finish(process).applied == [2]


def test_who_waits_in_front_of_us_is_named_too(pending: Program, database: Database) -> None:
    """A reader that was left open, and behind it an ALTER that waits: we wait behind both."""
    alter = database.connect(application_name="alter", autocommit=True)
    with database.connect(application_name="reader") as reader:
        pids = [connection.info.backend_pid for connection in (alter, reader)]
        reader.execute("SELECT FROM applied_migrations")
        statement = "ALTER TABLE applied_migrations ADD note text"
        other = threading.Thread(target=alter.execute, args=[statement])
        other.start()
        wait_until(lambda: waits(database))
        result = pending.run("--check", WAIT)
    other.join()
    assert result.returncode == 5
    assert f"pid {pids[0]} (alter, " in result.stderr
    assert "waits for AccessExclusiveLock on" in result.stderr
    assert f"pid {pids[1]} (reader, " in result.stderr


@pytest.mark.parametrize(
    ("call", "direction"), [("check", UP), ("migrate", UP), *((call, DOWN) for call in CALLS)]
)
def test_a_server_that_falls_silent(
    pending: Program, database: Database, relay: Relay, call: str, direction: str
) -> None:
    words, _ = CALLS[call]
    url = relay.url(database.url)
    relay.at(UP, b"pg_backend_pid", lambda: relay.stall(direction))
    began = time.monotonic()
    result = pending.run(*words, WAIT, url=url, timeout=60)
    assert result.returncode in (3, 6), result.stderr
    assert_prompt(began, 20)
    assert "the server does not answer any more" in result.stderr
    assert versions(database) == [1]


# ---- statements of ours in a run ----

ALONE = "-- inlay: no-transaction\n"
HISTORY, STATE = "applied_migrations", "applied_migrations_state"

# A file, the words of a verb, and the table that another session keeps from being written.
WRITES: dict[str, tuple[dict[str, str], list[str], str]] = {
    "claim": ({}, ["--only"], HISTORY),
    "claim of a down": ({}, ["--down=1", "--yes"], HISTORY),
    "claim of a repeatable": ({"R__view.sql": "SELECT 1;"}, ["--only"], STATE),
    "down script": ({"002_two.down.sql": "SELECT 1;"}, ["--only", "--keep-down"], STATE),
    "progress": ({"002_two.sql": f"{ALONE}CREATE TABLE two ();"}, ["--only"], STATE),
    "row of a no-transaction file": ({"002_two.sql": ALONE}, ["--only"], HISTORY),
    "baseline": ({}, ["--baseline=2"], HISTORY),
    "unmark": ({}, ["--unmark=1"], HISTORY),
    "resume-at": (
        {"002_two.sql": f"{ALONE}SELECT 1;\nCREATE TABLE two ();"},
        ["--resume-at=2:2"],
        STATE,
    ),
}


def writer(app: AppFactory, write: str) -> tuple[Program, list[str], str]:
    more, words, table = WRITES[write]
    files = {**TWO, **more}
    if "002_two.down.sql" in files:
        files["002_two.up.sql"] = files.pop("002_two.sql")
    migrate(app(FILES))
    return app(files), words, table


@pytest.mark.parametrize("write", WRITES)
def test_who_keeps_a_statement_of_ours_is_named(
    app: AppFactory, database: Database, write: str
) -> None:
    program, words, table = writer(app, write)
    with database.connect(application_name=HOLDER) as holder:
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        result = program.run(*words, WAIT)
        named = (
            rf"pid {holder.info.backend_pid} \({HOLDER}, in its transaction for [0-9]+ s\)"
            rf" holds ShareLock on public.{table}"
        )
    assert result.returncode == 5, result.stderr
    assert re.search("waiting for a lock on the history .*: " + named, result.stderr)
    assert re.search("detail: " + named, result.stderr)
    assert versions(database) == ([1, 2] if "repeatable" in write else [1])
    if words == ["--only"]:
        assert program.run("--only").returncode == 0


@pytest.mark.parametrize("write", WRITES)
def test_it_goes_on_when_the_table_is_free(app: AppFactory, database: Database, write: str) -> None:
    program, words, table = writer(app, write)
    with database.connect(application_name=HOLDER) as holder:
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        process = program.start(*words)
        wait_until(lambda: waits(database))
        wait_until(lambda: not waits(database), "for the first try to end")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    after = {"--down=1": [], "--unmark=1": [], "--resume-at=2:2": [1]}
    assert versions(database) == after.get(words[0], [1, 2])


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_row_that_is_not_committed(app: AppFactory, database: Database, ends: str) -> None:
    """The claim waits behind it; then the migration is the other session's, or ours."""
    migrate(app(FILES))
    program = app({**TWO, "003_three.sql": "CREATE TABLE three ();"})
    with database.connect(application_name=HOLDER) as holder:
        holder.execute("INSERT INTO applied_migrations (version, name) VALUES (2, 'two')")
        assert migrate(program, WAIT).exit == 5
        process = program.start("--only", "--json")
        wait_until(lambda: waits(database))
        wait_until(lambda: not waits(database))
        getattr(holder, ends)()
        outcome = finish(process)
    assert outcome.exit == 0 and versions(database) == [1, 2, 3]
    assert outcome.applied == ([3] if ends == "commit" else [2, 3])
    assert tables(database) == ({"one", "three"} if ends == "commit" else {"one", "two", "three"})


@pytest.mark.parametrize("alone", [False, True], ids=["with the first", "by themselves"])
def test_tables_that_cannot_be_made_yet(app: AppFactory, database: Database, alone: bool) -> None:
    """A reader that was left open keeps a column from being added."""
    database.execute(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL)"
    )
    program = app({"001_one.sql": f"{ALONE if alone else ''}CREATE TABLE one ();"})
    with database.connect(application_name=HOLDER) as holder:
        holder.execute("SELECT FROM applied_migrations")
        outcome = migrate(program, WAIT)
        assert (outcome.exit, outcome.applied) == (5, [])
        assert "AccessShareLock on public.applied_migrations" in outcome.error["detail"]
        process = program.start("--only", "--json")
        wait_until(lambda: waits(database))
        wait_until(lambda: not waits(database))
    assert finish(process).applied == [1]


def test_going_back_over_several_is_not_begun_anew(app: AppFactory, database: Database) -> None:
    """The second claim waits: what is undone before it counts."""
    downs = {f"{n}_t.down.sql": f"DROP TABLE t{n};" for n in (1, 2, 3)}
    program = app({**downs, **{f"{n}_t.up.sql": f"CREATE TABLE t{n} ();" for n in (1, 2, 3)}})
    assert migrate(program).applied == [1, 2, 3]
    with database.connect(application_name=HOLDER) as holder:
        holder.execute("SELECT FROM applied_migrations WHERE version = 2 FOR UPDATE")
        process = program.start("--down=2", "--yes")
        wait_until(lambda: waits(database))
        wait_until(lambda: not waits(database))
        wait_until(lambda: waits(database))
    assert process.wait(60) == 0
    assert versions(database) == [1] and tables(database) == {"t1"}


def test_a_claim_behind_a_transaction_pooler(
    app: AppFactory, database: Database, server: Server
) -> None:
    migrate(app(FILES))
    pooler = Pooler(server, database, "transaction")
    with database.connect(application_name=HOLDER) as holder:
        holder.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        outcome = migrate(app(TWO), "--pooler=transaction", WAIT, url=pooler.url)
        assert outcome.exit == 5
        assert f"pid {holder.info.backend_pid} ({HOLDER}, " in outcome.error["detail"]
    assert migrate(app(TWO), "--pooler=transaction", url=pooler.url).applied == [2]
    pooler.close()


@pytest.mark.parametrize(
    "lock",
    ["LOCK TABLE applied_migrations", f"SELECT pg_advisory_xact_lock({lock_key()})"],
    ids=["table", "migration lock"],
)
def test_a_wait_for_ever(program: ProgramFactory, database: Database, lock: str) -> None:
    """As many milliseconds as there are: no overflow, which would be no wait at all."""
    ever = 2**63 - 1
    migrating = program(DRIVER, FILES)
    assert "migrate ok" in migrating.run("migrate").stdout
    database.execute("DELETE FROM applied_migrations", "DROP TABLE one")
    with database.connect() as holder:
        holder.execute(lock)
        words = [f"lock-wait={ever}", f"connect-wait={ever}", "migrate"]
        process = migrating.start(*words)
        read_line(process.stdout, "waiting for (a|the migration) lock")
    stdout, _ = process.communicate(timeout=60)
    assert "migrate ok" in stdout and versions(database) == [1]


def test_a_migration_is_tried_again_for_ever(program: ProgramFactory, database: Database) -> None:
    files = {"001_busy.sql": "-- inlay: lock_timeout=50ms\nALTER TABLE busy ADD a int;"}
    database.execute("CREATE TABLE busy ()")
    with database.connect() as holder:
        holder.execute("SELECT FROM busy")
        process = program(DRIVER, files).start(f"retry={2**63 - 1}", "migrate")
        for _ in range(2):
            read_line(process.stdout, "trying again")
    assert "migrate ok" in process.communicate(timeout=60)[0]


# ---- who migrates ----


def test_the_status_names_who_migrates(app: AppFactory, database: Database) -> None:
    body = "SELECT gate('body'),\n  1;"
    database.execute(*SETUP, "INSERT INTO closed VALUES ('body')")
    process = app({"001_slow.sql": body}).start("--only")
    wait_until(lambda: backends(database, "query ~ 'gate' AND state = 'active'"))
    result = app(FILES).run("--status", "--json")
    holder = json.loads(result.stdout)["lock_holder"]
    pid, since = database.rows(
        "SELECT pid, backend_start FROM pg_stat_activity WHERE query ~ 'gate' AND state = 'active'"
        " AND pid <> pg_backend_pid()"
    )[0]
    assert (holder["pid"], holder["application"]) == (pid, "inlay")
    assert datetime.fromisoformat(holder["since"]) == since
    assert holder["statement"] == "SELECT gate('body'),"
    text = app(FILES).run("--status").stdout
    assert f"\nthe migration lock is held by pid {pid} (inlay" in text
    assert "SELECT gate('body'),\n" in text
    database.execute("DELETE FROM closed")
    assert process.wait(60) == 0
    assert json.loads(app(FILES).run("--status", "--json").stdout)["lock_holder"] is None


def test_another_roles_statement_is_not_seen(app: AppFactory, database: Database) -> None:
    program = app(FILES)
    migrate(program)
    with psycopg.connect(database.admin_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key()])
        pid = holder.info.backend_pid
        read = json.loads(program.run("--status", "--json").stdout)["lock_holder"]
    assert (read["pid"], read["since"], read["statement"]) == (pid, None, None)


def test_without_pg_locks_a_wait_ends_all_the_same(
    pending: Program, database: Database, holder: Any
) -> None:
    database.admin("REVOKE SELECT ON pg_catalog.pg_locks FROM PUBLIC")
    result = pending.run("--check", WAIT)
    assert result.returncode == 5
    assert "was not obtained in time" in result.stderr and "pid" not in result.stderr

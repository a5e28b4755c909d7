"""Indexes that somebody else builds at the moment, and what dropping and rebuilding them leaves."""

from __future__ import annotations

import subprocess
from typing import Callable, Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, backends, end_orphans, finish, migrate, read_line, wait_until
from unfinished import ALONE, BUILDING, INDEX, INVALID, PROGRESS, TABLE, VALID
from unfinished import build_waits, leave_invalid, unheard, with_body

# ---- somebody else builds ----


class Builder:
    """A session that builds an index on t, which a third one keeps waiting."""

    def __init__(self, database: Database, name: str, admin: bool) -> None:
        url = database.admin_url if admin else database.url
        self.holder = database.connect()
        self.holder.execute("INSERT INTO t VALUES (7, 7)")
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [
                database.server.program("psql"),
                "-Xqc",
                f"CREATE INDEX CONCURRENTLY {name} ON t (b)",
                url,
            ],
            text=True,
        )
        build_waits(database)
        self.pid = str(database.value(f"SELECT pid FROM pg_stat_activity WHERE {BUILDING}"))

    def let_go(self) -> None:
        self.holder.rollback()
        assert self.process.wait(30) == 0

    def close(self) -> None:
        self.holder.close()
        self.process.kill()
        self.process.wait(30)


@pytest.fixture
def build(database: Database) -> Iterator[Callable[[str, bool], Builder]]:
    begun: list[Builder] = []

    def begin(name: str, admin: bool) -> Builder:
        begun.append(Builder(database, name, admin))
        return begun[-1]

    yield begin
    for builder in begun:
        builder.close()


Build = Callable[[str, bool], Builder]


@pytest.mark.parametrize("admin", [False, True], ids=["seen", "hidden"])
def test_an_invalid_one_that_is_being_built(
    app: AppFactory, database: Database, build: Build, admin: bool
) -> None:
    """What another role does is hidden from an ordinary one."""
    migrate(app(TABLE))
    builder = build("t_a", admin)
    program = app(with_body(INDEX))
    assert database.rows(INVALID) == [("t_a",)]
    outcome = migrate(program, "--lock-wait", "0")
    assert (outcome.exit, outcome.code, outcome.applied) == (5, "locked", [])
    assert outcome.error["message"] == (
        f"pid {builder.pid} builds an index on the table of public.t_a"
    )
    assert f"pg_terminate_backend({builder.pid})" in outcome.error["hint"]
    assert database.rows(INVALID) == [("t_a",)]
    running = program.start("--only", "--json")
    line = f"waiting for pid {builder.pid}, which builds an index on the table of public.t_a\n"
    while read_line(running.stderr) != line:
        assert running.poll() is None
    builder.let_go()
    assert finish(running).error["sqlstate"] == "42P07"  # theirs, and valid
    assert database.rows(VALID) == [("t_a",)]


def test_another_index_of_the_table_is_being_built(
    app: AppFactory, database: Database, build: Build
) -> None:
    """To wait in the server would deadlock with it."""
    migrate(app(TABLE))
    leave_invalid(database)
    builder = build("other", False)
    running = app(with_body(INDEX)).start("--only", "--json")
    while not read_line(running.stderr).startswith(f"waiting for pid {builder.pid}, which builds"):
        assert running.poll() is None
    builder.let_go()
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert database.rows(VALID) == [("other",), ("t_a",)] and database.rows(INVALID) == []


# ---- drop and reindex ----


def test_dropping_what_is_not_there(app: AppFactory, database: Database) -> None:
    outcome = migrate(app(with_body("DROP INDEX CONCURRENTLY t_a;\n")))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42704")
    assert database.rows(PROGRESS) == [("2", 0, None)]
    assert migrate(app(with_body("DROP INDEX CONCURRENTLY IF EXISTS t_a;\n"))).applied == [2]


def test_it_was_dropped_to_its_end(app: AppFactory, database: Database) -> None:
    """The server has not noticed that the client was gone."""
    migrate(app(TABLE))
    database.execute("CREATE INDEX t_a ON t (a)")
    program = app(with_body(f"{unheard(database)}DROP INDEX CONCURRENTLY t_a;\n"))
    with database.connect() as other:
        other.execute("SELECT FROM t")
        running = program.start("--only")
        wait_until(lambda: backends(database, "query ~ '^DROP' AND wait_event_type = 'Lock'"))
        running.kill()
        running.wait(20)
        other.rollback()
    wait_until(lambda: not advisory_locks(database))
    ((_, done, body),) = database.rows(PROGRESS)
    assert done == 1 and body.startswith("dropping 2 ") and body.endswith(" public.t_a")
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert "002_alone.sql: statement 2 is done: the index is gone" in outcome.stderr


REINDEXED = {
    "001_table.sql": "CREATE TABLE t (a text);\nCREATE INDEX t_a ON t (a);\n",
    "002_alone.sql": f"{ALONE}REINDEX TABLE CONCURRENTLY t;\n",
}
TIMED = {
    **REINDEXED,
    "002_alone.sql": "-- inlay: no-transaction lock_timeout=50ms\n"
    "REINDEX INDEX CONCURRENTLY t_a;\n",
}


def test_what_a_broken_reindex_leaves(app: AppFactory, database: Database) -> None:
    """What is left of its TOAST table only a superuser may drop: the server names it."""
    program = app(REINDEXED)
    migrate(app({"001_table.sql": REINDEXED["001_table.sql"]}))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES ('x')")
        running = program.start("--only")
        wait_until(lambda: backends(database, "query ~ '^REIND' AND wait_event_type = 'Lock'"))
        running.kill()
        end_orphans(database)
        wait_until(lambda: not advisory_locks(database))
    left = [name for (name,) in database.rows(INVALID)]
    assert len(left) == 2 and left[0].startswith("pg_toast.") and left[1] == "t_a_ccnew"
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert f'invalid index "{left[0]}"' in outcome.stderr  # in other words before PostgreSQL 17
    assert database.rows(INVALID) == [(left[0],)] and database.rows(VALID) == [("t_a",)]


def test_a_reindex_that_fails(app: AppFactory, database: Database) -> None:
    program = app(TIMED)
    migrate(app({"001_table.sql": REINDEXED["001_table.sql"]}))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES ('x')")
        for _ in range(2):
            assert migrate(program).error["sqlstate"] == "55P03"
            assert database.rows(INVALID) == [("t_a_ccnew",)]
    ((_, _, body),) = database.rows(PROGRESS)
    assert body.startswith("failed 1 fnv1a64:")
    assert migrate(program).applied == [2]
    assert database.rows(INVALID) == [] and database.rows(VALID) == [("t_a",)]


def test_what_somebody_elses_reindex_left_stays(app: AppFactory, database: Database) -> None:
    migrate(app({"001_table.sql": REINDEXED["001_table.sql"]}))
    with database.connect() as other, database.connect(autocommit=True) as session:
        other.execute("INSERT INTO t VALUES ('x')")
        session.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            session.execute("REINDEX INDEX CONCURRENTLY t_a")
    assert migrate(app(REINDEXED)).applied == [2]
    assert database.rows(INVALID) == [("t_a_ccnew",)]

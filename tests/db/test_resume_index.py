"""Indexes that are built concurrently: an INVALID one is found by its name, dropped when nobody
builds it, and never taken for done."""

from __future__ import annotations

import subprocess
from typing import Callable, Iterator

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, backends, finish, migrate, versions, wait_until
from unfinished import ALONE, INVALID, PROGRESS, VALID

TABLE = {"001_table.sql": "CREATE TABLE t (a int, b int);\nINSERT INTO t VALUES (1, 1), (1, 2);\n"}
INDEX = "CREATE INDEX CONCURRENTLY t_a ON t (a);\n"
UNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY t_a_key ON t (a);\n"
DEFINITIONS = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 't'::regclass"
BUILDING = "query ~ '^ *CREATE (UNIQUE )?INDEX CONC' AND wait_event_type = 'Lock'"


def with_body(body: str) -> dict[str, str]:
    return {**TABLE, "002_alone.sql": ALONE + body}


def build_waits(database: Database) -> None:
    wait_until(lambda: backends(database, BUILDING), "for the build")


def leave_invalid(database: Database, name: str = "t_a", table: str = "t", role: str = "") -> None:
    """A build of somebody else's that is cut off."""
    with database.connect() as other, database.connect(role or None, autocommit=True) as builder:
        other.execute(f"INSERT INTO {table} VALUES (0, 0)")
        builder.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            builder.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} (b)")
        other.rollback()


# ---- a build that fails ----


def test_duplicates_are_removed_and_it_is_run_again(app: AppFactory, database: Database) -> None:
    program = app(with_body(UNIQUE))
    for _ in range(2):
        outcome = migrate(program)
        assert (outcome.exit, outcome.error["sqlstate"]) == (1, "23505")
        assert "the INVALID index public.t_a_key that it left is dropped by the next run" in (
            outcome.error["hint"]
        )
        assert versions(database) == [1] and database.rows(INVALID) == [("t_a_key",)]
        ((key, done, body),) = database.rows(PROGRESS)
        assert (key, done) == ("2", 0) and body.startswith("failed 1 fnv1a64:")
        assert body.endswith(" public.t_a_key")
        assert "half done, 0 of 1\n" in program.run("--status").stdout
    database.execute("DELETE FROM t WHERE b = 2")
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert "dropping the INVALID index public.t_a_key, which an earlier try left" in outcome.stderr
    assert database.rows(VALID) == [("t_a_key",)] and database.rows(INVALID) == []


@pytest.mark.parametrize(
    "instead, indexes",
    [
        ("CREATE INDEX CONCURRENTLY t_a_key ON t (a);\n", ["t_a_key"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY other ON t (a, b);\n", ["other"]),
        ("SELECT 1;\n", []),
        ("", []),
    ],
    ids=["same name", "another name", "no index", "gone"],
)
def test_the_file_is_edited_instead(
    app: AppFactory, database: Database, instead: str, indexes: list[str]
) -> None:
    """What the old text left goes, whatever the new text is."""
    assert migrate(app(with_body(UNIQUE))).exit == 1
    outcome = migrate(app(with_body(instead)))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert [name for (name,) in database.rows(VALID)] == indexes and database.rows(INVALID) == []


def test_a_failure_that_leaves_nothing(app: AppFactory, database: Database) -> None:
    outcome = migrate(app(with_body("CREATE INDEX CONCURRENTLY t_a ON t (wrong);\n")))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42703")
    assert "INVALID" not in str(outcome.error["hint"])
    assert database.rows(PROGRESS) == [("2", 0, None)]
    assert migrate(app(with_body(INDEX))).applied == [2]


def test_its_own_lock_timeout(app: AppFactory, database: Database) -> None:
    program = app(
        {**TABLE, "002_alone.sql": f"-- inlay: no-transaction lock_timeout=50ms\n{INDEX}"}
    )
    migrate(app(TABLE))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES (3, 3)")
        outcome = migrate(program)
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "55P03")
    assert database.rows(INVALID) == [("t_a",)]
    assert migrate(program).applied == [2] and database.rows(INVALID) == []


# ---- an index of that name that was there before ----


def test_an_invalid_one_is_built_anew(app: AppFactory, database: Database) -> None:
    migrate(app(TABLE))
    leave_invalid(database)
    outcome = migrate(app(with_body(INDEX)))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert database.rows(DEFINITIONS) == [("CREATE INDEX t_a ON public.t USING btree (a)",)]


def test_one_that_if_not_exists_would_hide(app: AppFactory, database: Database) -> None:
    migrate(app(TABLE))
    leave_invalid(database)
    outcome = migrate(app(with_body(INDEX.replace("t_a ON", "IF NOT EXISTS t_a ON"))))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert database.rows(DEFINITIONS) == [("CREATE INDEX t_a ON public.t USING btree (a)",)]


def test_a_valid_one(app: AppFactory, database: Database) -> None:
    """It is as the server says; nobody drops it."""
    migrate(app(TABLE))
    database.execute("CREATE INDEX t_a ON t (b)")
    outcome = migrate(app(with_body(INDEX)))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42P07")
    assert "--migrate-resume-at 2:2" in outcome.error["hint"]
    assert database.rows(VALID) == [("t_a",)]
    outcome = migrate(app(with_body(INDEX.replace("t_a ON", "IF NOT EXISTS t_a ON"))))
    assert outcome.applied == [2] and database.rows(VALID) == [("t_a",)]


@pytest.mark.parametrize("other", ["CREATE INDEX t_a ON o (a)", "CREATE TABLE t_a ()"])
def test_another_tables(app: AppFactory, database: Database, other: str) -> None:
    migrate(app(TABLE))
    database.execute("CREATE TABLE o (a int, b int)", other)
    outcome = migrate(app(with_body(INDEX)))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42P07")
    outcome = migrate(app(with_body(INDEX.replace("t_a ON", "IF NOT EXISTS t_a ON"))))
    assert (outcome.exit, outcome.applied) == (1, [])
    assert "built no index: what is named t_a is no index of that table" in outcome.error["message"]
    assert database.value("SELECT to_regclass('t_a') IS NOT NULL")
    assert database.rows(PROGRESS) == [("2", 0, None)] and versions(database) == [1]


def test_an_invalid_one_of_another_table_stays(app: AppFactory, database: Database) -> None:
    migrate(app(TABLE))
    database.execute("CREATE TABLE o (a int, b int)")
    leave_invalid(database, table="o")
    assert migrate(app(with_body(INDEX))).error["sqlstate"] == "42P07"
    assert database.rows(INVALID) == [("t_a",)]


# ---- a build that was cut off ----

# The server does not notice that the client is gone, and builds it to its end.
UNHEARD = "SET client_connection_check_interval = 0;\n"
OID = "SELECT oid FROM pg_class WHERE relname = %s"


def cut(app: AppFactory, database: Database, body: str) -> None:
    """Kills the program while it builds an index; what it leaves is INVALID unless it is UNHEARD."""
    migrate(app(TABLE))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES (3, 3)")
        running = app(with_body(body)).start("--only")
        build_waits(database)
        running.kill()
        if UNHEARD not in body:
            wait_until(lambda: not advisory_locks(database))
        other.rollback()
    wait_until(lambda: not advisory_locks(database))


def test_it_was_built_to_its_end(app: AppFactory, database: Database) -> None:
    cut(app, database, UNHEARD + INDEX)
    built = database.value(OID, "t_a")
    ((_, done, body),) = database.rows(PROGRESS)
    assert done == 1 and body.startswith("building 2 ") and body.endswith(" public.t_a")
    outcome = migrate(app(with_body(UNHEARD + INDEX)))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    done = "002_alone.sql: statement 2 is done: CREATE INDEX t_a ON public.t USING btree (a)"
    assert done in outcome.stderr and database.value(OID, "t_a") == built


@pytest.mark.parametrize("instead", [INDEX.replace("(a)", "(a, b)"), "SELECT 1;\n", ""])
def test_it_was_built_and_then_edited(app: AppFactory, database: Database, instead: str) -> None:
    """Neither is the old index taken for the new one, nor is it dropped."""
    cut(app, database, UNHEARD + INDEX)
    program = app(with_body(UNHEARD + instead))
    outcome = migrate(program)
    assert (outcome.exit, outcome.code, outcome.applied) == (4, "mismatch", [])
    assert "statement 2 of version 2 (alone) has built its index, and was edited" in (
        outcome.error["message"]
    )
    assert outcome.error["detail"] == "CREATE INDEX t_a ON public.t USING btree (a)"
    assert database.rows(VALID) == [("t_a",)]
    database.execute("DROP INDEX t_a")
    assert migrate(program).applied == [2]
    assert len(database.rows(VALID)) == (1 if "INDEX" in instead else 0)


def test_somebody_builds_it_by_hand_after_a_failure(app: AppFactory, database: Database) -> None:
    """Ours it is not: a person says whether it is the one."""
    program = app(with_body(UNIQUE))
    migrate(program)
    database.execute("DROP INDEX t_a_key", "CREATE INDEX t_a_key ON t (a)")
    outcome = migrate(program)
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42P07")
    assert program.run("--resume-at", "2:2").returncode == 0
    assert migrate(program).applied == [2] and database.rows(VALID) == [("t_a_key",)]


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
    assert running.stderr is not None
    line = f"waiting for pid {builder.pid}, which builds an index on the table of public.t_a\n"
    while running.stderr.readline() != line:
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
    assert running.stderr is not None
    while not running.stderr.readline().startswith(f"waiting for pid {builder.pid}, which builds"):
        assert running.poll() is None
    builder.let_go()
    outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert database.rows(VALID) == [("other",), ("t_a",)] and database.rows(INVALID) == []


# ---- names ----

LONG = "é" * 40
NAMED = {
    "folded": ("", "CREATE INDEX CONCURRENTLY T_A ON Public.T (a);\n"),
    "quoted": ("", 'CREATE INDEX CONCURRENTLY "My ""I"" on x" ON "T;" (a);\n'),
    "cut": ("", f"CREATE INDEX CONCURRENTLY {LONG} ON t (a);\n"),
    "escaped": ("", 'CREATE INDEX CONCURRENTLY U&"d\\0061ta" ON t (a);\n'),
    "search_path": ("SET search_path = s, public;\n", INDEX),
    "role": ("SET ROLE {role};\nSET search_path = s;\n", INDEX),
}


@pytest.mark.parametrize("name", NAMED)
def test_names(app: AppFactory, database: Database, name: str) -> None:
    owner = database.add_role("worker") if name == "role" else database.role
    database.admin(
        f"GRANT {owner} TO {database.role}" if name == "role" else "SELECT 1",
        f"CREATE SCHEMA s AUTHORIZATION {owner}",
        "CREATE TABLE s.t (a int, b int)",
        f"ALTER TABLE s.t OWNER TO {owner}",
    )
    migrate(app(TABLE))
    database.execute('CREATE TABLE "T;" (a int)')
    before, index = NAMED[name]
    before = before.format(role=owner)
    table = {"quoted": '"T;"', "search_path": "s.t", "role": "s.t"}.get(name, "t")
    with psycopg.connect(database.admin_url) as other:
        other.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        running = app(with_body(before + index)).start("--only")
        build_waits(database)
        running.kill()
        wait_until(lambda: not advisory_locks(database))
    assert len(database.rows(INVALID)) == 1
    outcome = migrate(app(with_body(before + index)))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert "dropping the INVALID index" in outcome.stderr and database.rows(INVALID) == []
    assert database.value("SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass", table) == 1


def test_another_search_path(app: AppFactory, database: Database) -> None:
    """What set_config() set is not set again: the same words mean another table then."""
    migrate(app(TABLE))
    database.execute("CREATE SCHEMA s", "CREATE TABLE s.t (a int, b int)")
    body = f"SELECT set_config('search_path', 's', false);\n{UNHEARD}{INDEX}"
    with database.connect() as other:
        other.execute("INSERT INTO s.t VALUES (1, 1)")
        running = app(with_body(body)).start("--only")
        build_waits(database)
        running.kill()
    wait_until(lambda: not advisory_locks(database))
    outcome = migrate(app(with_body(body)))
    assert (outcome.exit, outcome.code) == (7, "refused") and database.rows(VALID) == []


# ---- drop and reindex ----


def test_dropping_what_is_not_there(app: AppFactory, database: Database) -> None:
    outcome = migrate(app(with_body("DROP INDEX CONCURRENTLY t_a;\n")))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "42704")
    assert database.rows(PROGRESS) == [("2", 0, None)]
    assert migrate(app(with_body("DROP INDEX CONCURRENTLY IF EXISTS t_a;\n"))).applied == [2]


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
    """Of the table. What is left of its TOAST table only a superuser may drop: the server names it."""
    program = app(REINDEXED)
    migrate(app({"001_table.sql": REINDEXED["001_table.sql"]}))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES ('x')")
        running = program.start("--only")
        wait_until(lambda: backends(database, "query ~ '^REIND' AND wait_event_type = 'Lock'"))
        running.kill()
        wait_until(lambda: not advisory_locks(database))
    left = [name for (name,) in database.rows(INVALID)]
    assert len(left) == 2 and left[0].startswith("pg_toast.") and left[1] == "t_a_ccnew"
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert f'cannot reindex invalid index "{left[0]}"' in outcome.stderr
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

"""Commits that do not wait for the disk: all but the last of a stretch, and never at the end of a
run that was cut short."""

from __future__ import annotations

import re
import subprocess

import psycopg

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from harness.server import Server
from outcomes import DRIVER, backends, migrate, numbered, tables, versions, wait_until

SLEEPS = "query ~ 'pg_sleep' AND state = 'active'"
KINDS = {
    "SELECT pg_catalog.set_config('synchronous_commit', 'off', true)": "off",
    "SELECT pg_catalog.pg_logical_emit_message(true, 'inlay', '')": "flush",
    "COMMIT": "commit",
}


def listen(database: Database) -> None:
    database.admin(f"ALTER ROLE {database.role} SET log_statement = 'all'")


def sequence(database: Database, name: str) -> list[str]:
    """What the server was told about commits by the program of this name, in order."""
    found = []
    for line in database.server.log().splitlines():
        statement = re.search(rf"{name} LOG:  execute <unnamed>: (.*)", line)
        if statement and statement[1] in KINDS:
            found.append(KINDS[statement[1]])
    return found


def url(database: Database, name: str) -> str:
    return f"{database.url}&application_name={name}_{database.name}"


def said(app: AppFactory, database: Database, *options: str) -> list[str]:
    """... of a run of five migrations, less the commit of the tables."""
    listen(database)
    program = app(numbered(5, "CREATE TABLE t{n} ();"))
    assert migrate(program, *options, url=url(database, "five")).exit == 0
    assert versions(database) == [1, 2, 3, 4, 5]
    return sequence(database, f"five_{database.name}")


def test_all_but_the_last(app: AppFactory, database: Database) -> None:
    assert said(app, database, "--asynchronous")[-9:] == [*["off", "commit"] * 4, "commit"]


def test_only_where_it_is_asked_for(app: AppFactory, database: Database) -> None:
    assert set(said(app, database)) == {"commit"}


def test_where_nobody_waits_anyway(app: AppFactory, database: Database) -> None:
    database.admin(f"ALTER ROLE {database.role} SET synchronous_commit = off")
    assert set(said(app, database, "--asynchronous")) == {"commit"}


def test_a_body_does_not_see_it(app: AppFactory, database: Database) -> None:
    see = "CREATE TABLE t{n} AS SELECT current_setting('synchronous_commit') AS s;"
    assert migrate(app(numbered(3, see)), "--asynchronous").exit == 0
    assert database.rows("TABLE t1") == database.rows("TABLE t2") == [("on",)]


def test_a_failure_waits_for_what_was_applied(app: AppFactory, database: Database) -> None:
    listen(database)
    files = {**numbered(5, "CREATE TABLE t{n} ();"), "0004_step.sql": "SELECT nothing;"}
    outcome = migrate(app(files), "--asynchronous", url=url(database, "bad"))
    assert (outcome.exit, outcome.applied) == (1, [1, 2, 3])
    assert sequence(database, f"bad_{database.name}")[-7:] == [*["off", "commit"] * 3, "flush"]


def test_so_does_a_stop(program: ProgramFactory, database: Database) -> None:
    listen(database)
    files = {**numbered(5, "CREATE TABLE t{n} ();"), "0003_step.sql": "SELECT pg_sleep(600);"}
    running = program(DRIVER, files).start(
        "stop-on-input",
        "asynchronous",
        "migrate",
        stdin=subprocess.PIPE,
        url=url(database, "stop"),
    )
    wait_until(lambda: backends(database, SLEEPS))
    stdout, _ = running.communicate("x", timeout=20)
    assert "migrate stopped\n" in stdout
    assert sequence(database, f"stop_{database.name}")[-1] == "flush"
    assert versions(database) == [1, 2]


def test_a_claim_that_hits_a_row(program: ProgramFactory, database: Database) -> None:
    """Somebody else commits what would have been the last: nothing may stay behind in memory."""
    listen(database)
    files = {"1_a.sql": "", "2_b.sql": "SELECT pg_sleep(1);", "3_c.sql": ""}
    running = program(DRIVER, files).start("asynchronous", "migrate", url=url(database, "again"))
    wait_until(lambda: backends(database, SLEEPS))
    database.execute("INSERT INTO applied_migrations (version, name) VALUES (3, 'c')")
    stdout, _ = running.communicate(timeout=20)
    assert "migrate ok\nresult applied=2 skipped=1" in stdout
    assert sequence(database, f"again_{database.name}")[-1] == "flush"


def test_a_role_that_may_not(app: AppFactory, database: Database) -> None:
    """The function is there for everybody, unless somebody has taken it away."""
    # PostgreSQL 17 gave it one argument more.
    of_text = (
        "SELECT oid::regprocedure FROM pg_proc WHERE proname = 'pg_logical_emit_message'"
        " AND proargtypes[2] = 'text'::regtype"
    )
    database.admin(f"REVOKE EXECUTE ON FUNCTION {database.value(of_text)} FROM PUBLIC")
    files = {**numbered(2, "CREATE TABLE t{n} ();"), "0002_step.sql": "SELECT nothing;"}
    outcome = migrate(app(files), "--asynchronous")
    assert (outcome.exit, outcome.applied) == (1, [1])
    (warning,) = outcome.warnings
    assert warning.startswith("what was applied may be lost if the server crashes now: permission")


def test_a_crash_right_after_a_failure(app: AppFactory) -> None:
    """What the program said to stay has stayed. The server's own writer is too late to help."""
    server = Server()
    try:
        with psycopg.connect(server.admin_url(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        server.restart()
        database = Database(server)
        files = {**numbered(9, "CREATE TABLE t{n} ();"), "0009_step.sql": "SELECT nothing;"}
        outcome = migrate(app(files), "--asynchronous", url=database.url)
        server.restart("immediate")
        assert (outcome.exit, outcome.applied) == (1, list(range(1, 9)))
        assert versions(database) == list(range(1, 9))
        assert tables(database) == {f"t{n}" for n in range(1, 9)}
    finally:
        server.close()

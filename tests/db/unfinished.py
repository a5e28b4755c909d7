"""Files without a transaction that are cut off: one for each kind of statement, and what must hold
when a later run has come to their end; and indexes that are left INVALID."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import Outcome, backends, migrate, versions, wait_until

ALONE = "-- inlay: no-transaction\n"
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
VALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid AND NOT indisprimary"
VALID += " AND indrelid = 't'::regclass ORDER BY 1"
LOG = "SELECT what FROM log ORDER BY what"
PROGRESS = "SELECT key, done, body FROM applied_migrations_state WHERE kind = 'progress'"

SETUP = """
CREATE TABLE t (a int, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 10) AS n;
CREATE INDEX t_b ON t (b);
CREATE TABLE log (what text);
CREATE PROCEDURE batches() LANGUAGE plpgsql AS $$
BEGIN FOR i IN 1..3 LOOP INSERT INTO log VALUES ('batch'); COMMIT; LOCK TABLE t; END LOOP; END $$;
"""
RESET = (
    "DROP TABLE IF EXISTS t, log",
    "DROP PROCEDURE IF EXISTS batches",
    "TRUNCATE applied_migrations, applied_migrations_state",
)


@dataclass(frozen=True)
class Kind:
    """A statement, what another transaction does to keep it waiting, and what is there after it."""

    statement: str
    blocker: str
    indexes: tuple[str, ...] = ("t_b",)
    known: bool = True  # a run finds out whether it is done


KINDS = {
    "ordinary": Kind("INSERT INTO log SELECT 'did' FROM t LIMIT 1", "LOCK TABLE t"),
    "index": Kind(
        "CREATE INDEX CONCURRENTLY t_a ON t (a)", "INSERT INTO t VALUES (0, 0)", ("t_a", "t_b")
    ),
    "drop": Kind("DROP INDEX CONCURRENTLY t_b", "SELECT FROM t", ()),
    "reindex": Kind("REINDEX TABLE CONCURRENTLY t", "INSERT INTO t VALUES (0, 0)"),
    "vacuum": Kind("VACUUM t", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"),
    "call": Kind("CALL batches()", "INSERT INTO t VALUES (0, 0)", known=False),
}


def files(kind: Kind) -> dict[str, str]:
    body = (
        f"INSERT INTO log VALUES ('before');\n{kind.statement};\nINSERT INTO log VALUES ('after')"
    )
    return {"001_setup.sql": SETUP, "002_alone.sql": f"{ALONE}{body};\n"}


def complete(program: Program, kind: Kind) -> list[Outcome]:
    """Runs it to its end, with the help of a person where only a person can know."""
    outcome = migrate(program)
    if outcome.code != "refused":
        return [outcome]
    assert not kind.known and outcome.applied == []
    assert (
        "statement 2 of version 2 (alone) was begun, and how much of it" in outcome.error["message"]
    )
    assert outcome.error["line"] == 3
    not_done, done = "not done: --migrate-resume-at 2:2.", "Done: --migrate-resume-at 2:3."
    for words in (not_done, done, "by hand: --migrate-mark 2"):
        assert words in outcome.error["hint"]
    database = program.database
    assert ("2", 1) == database.rows(PROGRESS)[0][:2]
    if database.value("SELECT count(*) FROM log WHERE what = 'batch'") == 3:
        assert program.run("--resume-at", "2:3").returncode == 0
    else:
        database.execute("DELETE FROM log WHERE what = 'batch'")
        assert program.run("--resume-at", "2:2").returncode == 0
    return [outcome, migrate(program)]


def assert_complete(database: Database, kind: Kind) -> None:
    """Every statement ran to its end, none of them twice."""
    assert versions(database) == [1, 2] and database.rows(PROGRESS) == []
    log = {"ordinary": ["did"], "call": ["batch"] * 3}.get(name_of(kind), [])
    assert [what for (what,) in database.rows(LOG)] == sorted(["before", "after", *log])
    assert tuple(name for (name,) in database.rows(VALID)) == kind.indexes
    assert database.rows(INVALID) == []


def name_of(kind: Kind) -> str:
    return next((name for name, other in KINDS.items() if other is kind), "")


def begin(app: AppFactory, kind: Kind) -> Program:
    """A database where the first migration is applied, and the program with both."""
    assert migrate(app({"001_setup.sql": SETUP})).exit == 0
    return app(files(kind))


# ---- indexes ----

TABLE = {"001_table.sql": "CREATE TABLE t (a int, b int);\nINSERT INTO t VALUES (1, 1), (1, 2);\n"}
INDEX = "CREATE INDEX CONCURRENTLY t_a ON t (a);\n"
UNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY t_a_key ON t (a);\n"
BUILDING = "query ~ '^ *CREATE (UNIQUE )?INDEX CONC' AND wait_event_type = 'Lock'"


def with_body(body: str) -> dict[str, str]:
    return {**TABLE, "002_alone.sql": ALONE + body}


def unheard(database: Database) -> str:
    """A statement after which the server does not notice that the client is gone, and goes on to
    the end. Before PostgreSQL 14 it never does, and the statement is there to be counted."""
    if database.server.major_version < 14:
        return "SET idle_in_transaction_session_timeout = 0;\n"
    return "SET client_connection_check_interval = 0;\n"


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

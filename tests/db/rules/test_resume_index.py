"""Indexes that are built concurrently: an INVALID one is found by its name, dropped when nobody
builds it, and never taken for done."""

from __future__ import annotations

import psycopg
import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import advisory_locks, end_orphans, migrate, versions, wait_until
from unfinished import INDEX, INVALID, PROGRESS, TABLE, UNIQUE, VALID
from unfinished import build_waits, leave_invalid, unheard, with_body

DEFINITIONS = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 't'::regclass"


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
    assert (outcome.exit, outcome.error["sqlstate"]) == (5, "55P03")
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

OID = "SELECT oid FROM pg_class WHERE relname = %s"


def cut(app: AppFactory, database: Database, body: str) -> None:
    """Kills the program while it builds an index, unheard."""
    migrate(app(TABLE))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES (3, 3)")
        running = app(with_body(body)).start("--only")
        build_waits(database)
        running.kill()
        other.rollback()
    wait_until(lambda: not advisory_locks(database))


def test_it_was_built_to_its_end(app: AppFactory, database: Database) -> None:
    cut(app, database, unheard(database) + INDEX)
    built = database.value(OID, "t_a")
    ((_, done, body),) = database.rows(PROGRESS)
    assert done == 1 and body.startswith("building 2 ") and body.endswith(" public.t_a")
    outcome = migrate(app(with_body(unheard(database) + INDEX)))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    done = "002_alone.sql: statement 2 is done: CREATE INDEX t_a ON public.t USING btree (a)"
    assert done in outcome.stderr and database.value(OID, "t_a") == built


@pytest.mark.parametrize("instead", [INDEX.replace("(a)", "(a, b)"), "SELECT 1;\n", ""])
def test_it_was_built_and_then_edited(app: AppFactory, database: Database, instead: str) -> None:
    """Neither is the old index taken for the new one, nor is it dropped."""
    cut(app, database, unheard(database) + INDEX)
    program = app(with_body(unheard(database) + instead))
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
        end_orphans(database)
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
    body = f"SELECT set_config('search_path', 's', false);\n{unheard(database)}{INDEX}"
    with database.connect() as other:
        other.execute("INSERT INTO s.t VALUES (1, 1)")
        running = app(with_body(body)).start("--only")
        build_waits(database)
        running.kill()
    wait_until(lambda: not advisory_locks(database))
    outcome = migrate(app(with_body(body)))
    assert (outcome.exit, outcome.code) == (7, "refused") and database.rows(VALID) == []

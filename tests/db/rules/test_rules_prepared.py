"""Where there are many migrations their seal is prepared once. A body that prepares statements, or
drops them all, does so as if it were alone."""

from __future__ import annotations

from typing import Mapping

import pytest

from conftest import AppFactory, ProgramFactory
from harness.database import Database
from outcomes import DRIVER, migrate, numbered, tables, versions
from phases import ROW_GATES, SETUP, Hold, Phase
from test_rules_retry import hold

COUNT = 24  # more than what is worth it
SEEN = "SELECT count(*) FROM pg_prepared_statements"


def among(*bodies: str) -> Mapping[str, str]:
    """Many small migrations, the tenth and those behind it with these bodies."""
    files = dict(numbered(COUNT, "CREATE TABLE t{n} ();"))
    for n, body in enumerate(bodies, 10):
        files[f"{n:04d}_step.sql"] = f"CREATE TABLE t{n} ();\n{body}\n"
    return files


def test_many_are_sealed_by_one(app: AppFactory, database: Database) -> None:
    see = f"CREATE TABLE seen{{n}} AS {SEEN} WHERE name = 'inlay seal';"
    assert migrate(app(numbered(COUNT, see))).exit == 0
    assert versions(database) == list(range(1, COUNT + 1))
    seen = [database.value(f"SELECT count FROM seen{n}") for n in range(1, COUNT + 1)]
    assert seen == [0] + [1] * (COUNT - 1)
    assert database.value("SELECT count(elapsed_ms) FROM applied_migrations") == COUNT


def test_few_are_not(app: AppFactory, database: Database) -> None:
    assert migrate(app(numbered(4, f"CREATE TABLE seen{{n}} AS {SEEN};"))).exit == 0
    assert database.value("SELECT count FROM seen4") == 0


def later(body: str) -> Mapping[str, str]:
    """What is applied already, and one more."""
    return {"0001_t.sql": "CREATE TABLE t ();", "0002_later.sql": f"CREATE TABLE u ();\n{body}"}


AHEAD = {
    "prepares": ("PREPARE p AS SELECT 1;\nEXECUTE p;", False),
    "drops its own": ("PREPARE p AS SELECT 1;\nDEALLOCATE p;", False),
    "drops all": ("DEALLOCATE ALL;", True),
    "prepares another": ('DEALLOCATE ALL;\nPREPARE "inlay seal" AS SELECT 1;', True),
}


@pytest.mark.parametrize("case", AHEAD)
def test_the_first_of_few_is_sealed_by_one_that_was_prepared_ahead(
    program: ProgramFactory, database: Database, case: str
) -> None:
    """Only what takes it away is run again. What a sequence gave is not given back."""
    body, twice = AHEAD[case]
    more = {"0003_more.sql": f"CREATE TABLE after AS {SEEN};"}
    files = {**later(f"CREATE TABLE seen AS {SEEN};\nSELECT nextval('times');\n{body}"), **more}
    database.execute("CREATE SEQUENCE times")
    program(DRIVER, {"0001_t.sql": files["0001_t.sql"]}).run("migrate")
    stdout = program(DRIVER, files).run("migrate").stdout
    assert "result applied=2 " in stdout
    assert versions(database) == [1, 2, 3]
    assert database.value("SELECT count FROM seen") == (0 if twice else 1)
    assert database.value("SELECT last_value FROM times") == 1 + twice
    assert stdout.count("it was rolled back and runs again on its own") == twice
    assert database.value("SELECT count FROM after") == 0
    assert database.value("SELECT count(elapsed_ms) FROM applied_migrations") == 3


def test_a_row_that_was_touched_is_found_at_once(
    program: ProgramFactory, database: Database
) -> None:
    files = later("UPDATE applied_migrations SET name = 'x' WHERE version = 2;")
    program(DRIVER, {"0001_t.sql": files["0001_t.sql"]}).run("migrate")
    stdout = program(DRIVER, files).run("migrate").stdout
    assert "migrate failed\n" in stdout and "event retried" not in stdout
    assert versions(database) == [1] and tables(database) == {"t"}


LEAVES = {
    "prepares": "PREPARE p AS SELECT 1;",
    "prepares within": "DO $$ BEGIN EXECUTE 'PREPARE p AS SELECT 1'; END $$;",
    "drops all": "DEALLOCATE ALL;",
    "prepares another": 'DEALLOCATE ALL;\nPREPARE "inlay seal" AS SELECT 1;',
}


@pytest.mark.parametrize("case", LEAVES)
def test_a_body_that_prepares_is_run_by_itself(
    program: ProgramFactory, database: Database, case: str
) -> None:
    """Twice: neither finds what the other left. What a sequence gave is not given back."""
    body = f"SELECT nextval('times');\n{LEAVES[case]}"
    database.execute("CREATE SEQUENCE times")
    driver = program(DRIVER, among(body, body, f"CREATE TABLE seen AS {SEEN};"))
    stdout = driver.run("migrate", "sql=SELECT 1").stdout
    assert f"result applied={COUNT} skipped=0 batch=1\n" in stdout
    assert versions(database) == list(range(1, COUNT + 1))
    assert len(tables(database)) == COUNT + 1
    again = "0010_step.sql uses PREPARE or DEALLOCATE, which clashes with inlay's own prepared"
    again += " statement; it was rolled back and runs again on its own"
    assert stdout.count(f"log info {again}\n") == 1
    assert stdout.count("event retried 10 ") == 1 and stdout.count("event applied ") == COUNT
    assert database.value("SELECT count FROM seen") == 0
    assert database.value("SELECT last_value FROM times") == 3


ENDS = {
    "commits": "COMMIT;\nBEGIN;",
    "commits and drops all": "COMMIT;\nDEALLOCATE ALL;\nBEGIN;",
    "commits and prepares": "COMMIT;\nPREPARE p AS SELECT 1;\nBEGIN;",
}


@pytest.mark.parametrize("case", ENDS)
def test_one_that_ends_its_transaction_is_not_run_again(
    app: AppFactory, database: Database, case: str
) -> None:
    outcome = migrate(app(among(ENDS[case]), allow_bad=True))
    assert (outcome.exit, outcome.code) == (1, "failed")
    assert "PARTLY COMMITTED" in outcome.error["outcome"]
    assert versions(database) == list(range(1, 10))
    assert tables(database) == {f"t{n}" for n in range(1, 11)}


TOUCHES = {
    "touches": "UPDATE applied_migrations SET name = name WHERE version = 10;",
    "deletes": "DELETE FROM applied_migrations WHERE version = 10;",
    "drops": "DROP TABLE applied_migrations;",
    "moves": "ALTER TABLE applied_migrations RENAME TO gone;",
    "retypes": "ALTER TABLE applied_migrations ALTER elapsed_ms TYPE text;",
}


@pytest.mark.parametrize("case", TOUCHES)
def test_its_row_is_guarded_as_that_of_one_alone(
    app: AppFactory, database: Database, case: str
) -> None:
    outcome = migrate(app(among(TOUCHES[case])))
    assert (outcome.exit, outcome.code) == (1, "failed")
    assert outcome.error["path"] == "migrations/0010_step.sql"
    assert versions(database) == list(range(1, 10))
    assert tables(database) == {f"t{n}" for n in range(1, 10)}


@pytest.mark.parametrize("body", ["", "SELECT 1 / 0;", "DEALLOCATE ALL;"])
def test_the_callers_connection_keeps_none(
    program: ProgramFactory, database: Database, body: str
) -> None:
    driver = program(DRIVER, among(body))
    lines = driver.run("silent", "caller", "migrate", f"sql={SEEN}").stdout.splitlines()
    assert lines[-1] == "sql 0"


def test_what_is_tried_again_finds_none(app: AppFactory, database: Database) -> None:
    """A lock that is not given in time: the rollback leaves what the body has prepared."""
    database.execute("CREATE TABLE busy (a int)")
    body = "-- inlay: lock_timeout=100ms\nPREPARE p AS SELECT 1;\nALTER TABLE busy ADD b int;"
    with hold(database, "LOCK busy") as holder:
        running = app({"1_busy.sql": body}).start("--only", "--json")
        holder.execute("SELECT pg_sleep(1)")
        holder.rollback()
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 0, stderr
    assert "trying again" in stderr
    assert versions(database) == [1]


def test_a_seal_that_somebody_cancelled_is_not_run_again(
    program: ProgramFactory, database: Database
) -> None:
    """It is not the body that has taken it away."""
    sealing = Phase("sealing", "inlay seal", gate="seal")
    files = numbered(COUNT, "CREATE TABLE t{n} ();")
    first = min(files)
    program(DRIVER, {first: files[first]}).run("migrate")
    database.execute(*SETUP, *ROW_GATES)
    held = Hold(database, sealing)
    process = program(DRIVER, files).start("migrate")
    database.admin(f"SELECT pg_cancel_backend({held.await_victim()})")
    stdout, stderr = process.communicate(timeout=60)
    held.let_go()
    assert "migrate failed\n" in stdout and "[57014]" in stderr
    assert "event retried" not in stdout and "on its own" not in stdout
    assert versions(database) == [1]

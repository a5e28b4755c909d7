"""Files without a transaction: statement by statement, each recorded with its own commit, gone on
with after a failure, and never under a timeout that would leave half an index."""

from __future__ import annotations

import pytest

from conftest import AppFactory
from harness.database import Database
from outcomes import backends, finish, migrate, tables, versions, wait_until

ALONE = "-- inlay: no-transaction\n"
TABLE = {"001_table.sql": "CREATE TABLE t (a int, b int);\nINSERT INTO t VALUES (1, 1), (1, 2);"}
INDEX = "CREATE INDEX CONCURRENTLY t_a ON t (a);\n"
VALID = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 't'::regclass"
PROGRESS = "SELECT key, done FROM applied_migrations_state WHERE kind = 'progress'"


def test_what_cannot_run_in_a_transaction(app: AppFactory, database: Database) -> None:
    body = f"{ALONE}{INDEX}VACUUM t;\nINSERT INTO t VALUES (2, 2);\n"
    body += "REINDEX INDEX CONCURRENTLY t_a;\nREINDEX TABLE t;\n"
    body += "CREATE INDEX CONCURRENTLY t_b ON t (b);\nDROP INDEX CONCURRENTLY t_b;\n"
    outcome = migrate(app({**TABLE, "002_alone.sql": body, "003_next.sql": "CREATE TABLE n ();"}))
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
    assert database.rows(VALID) == [("t_a", True)]
    assert database.rows(PROGRESS) == []
    row = "SELECT name, batch, elapsed_ms IS NOT NULL, checksum IS NOT NULL FROM applied_migrations"
    assert database.rows(row + " WHERE version = 2") == [("alone", 1, True, True)]


def test_what_is_done_stays_and_the_rest_follows(app: AppFactory, database: Database) -> None:
    first = f"{ALONE}INSERT INTO t VALUES (2, 2);\n{INDEX}"
    outcome = migrate(app({**TABLE, "002_alone.sql": first + "INSERT INTO t VALUES (1 / 0);\n"}))
    assert (outcome.exit, outcome.applied) == (1, [1])
    assert (outcome.error["line"], outcome.error["path"]) == (4, "migrations/002_alone.sql")
    assert outcome.error["outcome"] == (
        "002_alone.sql has no transaction: 2 of 3 statements done and kept;"
        " the next run continues with statement 3"
    )
    assert database.rows(VALID) == [("t_a", True)] and versions(database) == [1]
    assert database.rows(PROGRESS) == [("2", 2)]
    outcome = migrate(app({**TABLE, "002_alone.sql": first + "INSERT INTO t VALUES (3, 3);\n"}))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert "continuing after statement 2 of 3" in outcome.stderr
    assert database.rows("SELECT a FROM t ORDER BY a") == [(1,), (1,), (2,), (3,)]


def test_all_is_done_but_the_row(app: AppFactory, database: Database) -> None:
    """The history refuses it: no statement is run again, and the row comes with the next run."""
    body = f"{ALONE}INSERT INTO t VALUES (2, 2);\n"
    migrate(app(TABLE))
    database.execute("ALTER TABLE applied_migrations ADD CONSTRAINT few CHECK (version < 2)")
    outcome = migrate(app({**TABLE, "002_alone.sql": body}))
    assert (outcome.exit, outcome.applied) == (1, [])
    assert outcome.error["outcome"] == (
        "002_alone.sql has no transaction: 1 of 1 statements done and kept;"
        " the next run only writes its history row"
    )
    database.execute("ALTER TABLE applied_migrations DROP CONSTRAINT few")
    assert migrate(app({**TABLE, "002_alone.sql": body})).applied == [2]
    assert database.rows("SELECT a FROM t ORDER BY a") == [(1,), (1,), (2,)]
    assert database.rows(PROGRESS) == [] and versions(database) == [1, 2]


def test_what_follows_a_failure_may_change(app: AppFactory, database: Database) -> None:
    first = f"{ALONE}INSERT INTO t VALUES (2, 2);\n"
    migrate(app({**TABLE, "002_alone.sql": f"{first}SELECT 1 / 0;\nSELECT 1;"}))
    outcome = migrate(app({**TABLE, "002_alone.sql": first}))
    assert (outcome.exit, outcome.applied) == (0, [2])
    assert database.value("SELECT count(*) FROM t") == 3


@pytest.mark.parametrize("edited", ["INSERT INTO t VALUES (9, 9);\n", ""], ids=["edited", "gone"])
def test_what_is_done_may_not_change(app: AppFactory, database: Database, edited: str) -> None:
    done, bad = "INSERT INTO t VALUES (2, 2);\n", "SELECT 1 / 0;\n"
    migrate(app({**TABLE, "002_alone.sql": ALONE + done + bad}))
    program = app({**TABLE, "002_alone.sql": f"{ALONE}{edited}SELECT 2;\n"})
    outcome = migrate(program)
    assert (outcome.exit, outcome.code, outcome.applied) == (4, "mismatch", [])
    assert "finished the first 1 statements of version 2 (alone), and they were edited since" in (
        outcome.error["message"]
    )
    assert "--migrate-resume-at 2:STATEMENT" in outcome.error["hint"]
    assert "--migrate-mark 2" in outcome.error["hint"]
    assert database.value("SELECT count(*) FROM t") == 3 and versions(database) == [1]
    database.execute("DELETE FROM t WHERE a = 2")
    assert program.run("--resume-at", "2:1").returncode == 0
    assert migrate(program).applied == [2]
    assert database.value("SELECT count(*) FROM t WHERE a = 9") == (1 if edited else 0)


def test_more_done_than_there_is(app: AppFactory, database: Database) -> None:
    two = "INSERT INTO t VALUES (2, 2);\nINSERT INTO t VALUES (3, 3);\n"
    migrate(app({**TABLE, "002_alone.sql": f"{ALONE}{two}SELECT 1 / 0;"}))
    outcome = migrate(app({**TABLE, "002_alone.sql": f"{ALONE}INSERT INTO t VALUES (2, 2);"}))
    assert (outcome.exit, outcome.code) == (4, "mismatch")


def test_line_ends_and_comments_are_no_edit(app: AppFactory, database: Database) -> None:
    bad = "SELECT 1 / 0;\n"
    migrate(app({**TABLE, "002_alone.sql": f"{ALONE}INSERT INTO t\n  VALUES (2, 2);\n{bad}"}))
    body = f"{ALONE}-- more\nINSERT INTO t\r\n  VALUES (2, 2) ;\n"
    outcome = migrate(app({**TABLE, "002_alone.sql": body}))
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert database.value("SELECT count(*) FROM t") == 3


def test_settings_are_repeated_on_resume(app: AppFactory, database: Database) -> None:
    see = "INSERT INTO seen SELECT current_setting('work_mem'), current_schemas(false)::text;\n"
    head = f"{ALONE}CREATE TABLE public.seen (m text, s text);\nSET work_mem = '7MB';\n"
    head += f"SET search_path = public, pg_temp;\n{see}"
    assert migrate(app({"1_a.sql": f"{head}SELECT 1 / 0;\n{see}"})).exit == 1
    assert migrate(app({"1_a.sql": f"{head}{see}"})).applied == [1]
    rows = database.rows("SELECT * FROM seen")
    assert len(rows) == 2 and rows[0] == rows[1] and rows[0][0] == "7MB"


def test_a_statement_is_done_exactly_once(app: AppFactory, database: Database) -> None:
    """Its progress is in its own transaction: where that fails, it is not done."""
    migrate(app(TABLE))
    body = f"{ALONE}INSERT INTO t VALUES (2, 2);\n"
    database.execute(
        "CREATE RULE deaf AS ON INSERT TO applied_migrations_state DO INSTEAD NOTHING",
    )
    outcome = migrate(app({**TABLE, "002_alone.sql": body}))
    assert (outcome.exit, outcome.code) == (7, "refused")
    database.execute(
        "DROP RULE deaf ON applied_migrations_state",
        "ALTER TABLE applied_migrations_state ADD CHECK (done = 0)",
    )
    outcome = migrate(app({**TABLE, "002_alone.sql": body}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (1, "23514")
    assert database.value("SELECT count(*) FROM t") == 2
    drop = "DROP CONSTRAINT applied_migrations_state_done_check"
    database.execute(f"ALTER TABLE applied_migrations_state {drop}")
    assert migrate(app({**TABLE, "002_alone.sql": body})).applied == [2]
    assert database.value("SELECT count(*) FROM t") == 3


def test_a_procedure_may_commit(app: AppFactory, database: Database) -> None:
    procedure = (
        "CREATE PROCEDURE batches() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..3 LOOP"
        " INSERT INTO t VALUES (i, txid_current() % 1000000); COMMIT; END LOOP; END $$;\n"
    )
    body = f"{ALONE}CALL batches();\nINSERT INTO t VALUES (9, 9);\n"
    outcome = migrate(app({**TABLE, "002_p.sql": procedure, "003_call.sql": body}))
    assert (outcome.exit, outcome.applied) == (0, [1, 2, 3]), outcome.stderr
    assert database.value("SELECT count(DISTINCT b) FROM t WHERE a IN (1, 2, 3) AND b > 2") == 3
    assert database.value("SELECT count(*) FROM t WHERE a = 9") == 1


def test_no_timeout_ends_the_building_of_an_index(app: AppFactory, database: Database) -> None:
    """It waits for the transactions of others by its nature."""
    database.execute(
        f"ALTER ROLE {database.role} SET statement_timeout = '300ms'",
        f"ALTER ROLE {database.role} SET lock_timeout = '300ms'",
    )
    see = "INSERT INTO t SELECT 7, count(*) FROM pg_settings"
    see += " WHERE name IN ('lock_timeout', 'statement_timeout') AND setting = '300';\n"
    body = f"{ALONE}{INDEX}{see}"
    migrate(app(TABLE))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES (3, 3)")
        running = app({**TABLE, "002_index.sql": body}).start("--only", "--json")
        wait_until(
            lambda: backends(database, "query ~ 'INDEX CONCURRENTLY' AND wait_event_type = 'Lock'")
        )
        waited = "SELECT clock_timestamp() - query_start > '600ms' FROM pg_stat_activity"
        waited += " WHERE query ~ 'INDEX CONCURRENTLY' AND pid <> pg_backend_pid()"
        wait_until(lambda: database.rows(waited) != [(False,)])
        other.commit()
        outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr
    assert database.rows(VALID) == [("t_a", True)]
    assert database.value("SELECT b FROM t WHERE a = 7") == 2  # both timeouts are in force again


def test_a_file_may_have_timeouts_of_its_own(app: AppFactory, database: Database) -> None:
    head = "-- inlay: no-transaction lock_timeout=50ms\n"
    migrate(app(TABLE))
    with database.connect() as other:
        other.execute("INSERT INTO t VALUES (3, 3)")
        outcome = migrate(app({**TABLE, "002_index.sql": f"{head}{INDEX}"}))
    assert (outcome.exit, outcome.error["sqlstate"]) == (5, "55P03")
    see = "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l;"
    files = {**TABLE, "002_index.sql": f"{head}{INDEX}", "003_see.sql": see}
    assert migrate(app(files)).applied == [2, 3]
    assert database.value("TABLE seen") == "200ms"  # as if there had been no other file


@pytest.mark.parametrize("whose", ["the role's", "the file's"])
@pytest.mark.parametrize("body", ["INSERT INTO t VALUES (2, 2);\n", INDEX], ids=["insert", "index"])
def test_no_timeout_ends_what_is_recorded(
    app: AppFactory, database: Database, body: str, whose: str
) -> None:
    head = ALONE
    if whose == "the role's":
        for name in ("lock_timeout", "statement_timeout"):
            database.execute(f"ALTER ROLE {database.role} SET {name} = '300ms'")
    else:
        head = "-- inlay: no-transaction lock_timeout=300ms statement_timeout=300ms\n"
    first = f"{head}SELECT 1;\n"  # done, and recorded, before anybody is in the way
    assert migrate(app({**TABLE, "002_alone.sql": f"{first}SELECT 1 / 0;"})).applied == [1]
    waiting = "wait_event_type = 'Lock' AND clock_timestamp() - query_start > '600ms'"
    with database.connect() as other:
        other.execute("SET statement_timeout = 0")
        other.execute("LOCK TABLE applied_migrations_state IN EXCLUSIVE MODE")
        running = app({**TABLE, "002_alone.sql": first + body}).start("--only", "--json")
        wait_until(lambda: running.poll() is not None or backends(database, waiting))
        other.commit()
        outcome = finish(running)
    assert (outcome.exit, outcome.applied) == (0, [2]), outcome.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "SET default_transaction_read_only = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SELECT set_config('transaction_read_only', 'on', true)",
    ],
)
def test_a_file_that_makes_its_session_read_only(
    app: AppFactory, database: Database, setting: str
) -> None:
    outcome = migrate(app({"1_a.sql": f"{ALONE}SELECT 1;\n{setting};\nSELECT 2;\n"}))
    error = outcome.error
    assert (outcome.exit, error["sqlstate"], error["line"]) == (1, "25006", 3)
    assert error["message"].startswith("the session became read-only: how far the file has got")
    assert "default_transaction_read_only, or what does the same, out of" in error["hint"]
    assert migrate(app({"1_a.sql": f"{ALONE}SELECT 1;\nSELECT 2;\n"})).applied == [1]


def test_an_empty_file(app: AppFactory, database: Database) -> None:
    assert migrate(app({**TABLE, "002_empty.sql": ALONE})).applied == [1, 2]
    assert versions(database) == [1, 2] and database.rows(PROGRESS) == []


def test_status_tells_how_far_it_got(app: AppFactory, database: Database) -> None:
    program = app({"1_a.sql": f"{ALONE}CREATE TABLE a ();\nSELECT 1 / 0;\n"})
    migrate(program)
    assert tables(database) == {"a"}
    assert '"statements_done":1' in program.run("--status", "--json").stdout.replace(" ", "")

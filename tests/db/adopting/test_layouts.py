"""Other tools' directories at run time: places in parts of a file, transaction modes, going back,
and the names and versions that the history gets."""

from __future__ import annotations

import hashlib

from conftest import AppFactory
from harness.database import Database
from harness.program import Program
from outcomes import migrate, tables, versions

UP, DOWN = "-- +goose Up\n", "-- +goose Down\n"
ROWS = "SELECT version, name FROM applied_migrations ORDER BY version"
INDEX = "CREATE INDEX CONCURRENTLY i ON t (a);\n"


def undo(program: Program, count: int) -> str:
    """Undoes; returns what was said where it failed."""
    result = program.run("--down", str(count), "--yes")
    return "" if result.returncode == 0 else result.stderr


def test_both_directions_in_one_file(app: AppFactory, database: Database) -> None:
    program = app(
        {
            "00001_t.sql": f"{UP}CREATE TABLE t (a int);\n{DOWN}DROP TABLE t;\n",
            "00002_u.sql": f"{UP}-- +goose StatementBegin\nDO $$ BEGIN\nCREATE TABLE u ();\n"
            f"END $$;\n-- +goose StatementEnd\n{DOWN}DROP TABLE u;\n",
        }
    )
    assert migrate(program).exit == 0 and tables(database) == {"t", "u"}
    assert database.rows(ROWS) == [(1, "t"), (2, "u")]
    assert undo(program, 1) == "" and tables(database) == {"t"}
    assert undo(program, 1) == "" and tables(database) == set()
    assert versions(database) == []


def test_places_in_both_parts(app: AppFactory, database: Database) -> None:
    body = f"{UP}CREATE TABLE t (a int);\n{DOWN}DROP TABLE t;\n  DROP TABLE é, nothing;\n"
    program = app({"1_t.sql": body, "2_bad.sql": f"{UP}SELECT 1;\n\n SELECT 'é', b;\n{DOWN}"})
    error = migrate(program).error
    assert (error["path"], error["line"], error["column"]) == ("migrations/2_bad.sql", 4, 14)
    assert error["excerpt"].startswith("    4 |  SELECT 'é', b;\n")
    said = undo(program, 1)
    assert said.splitlines()[0].startswith('migrations/1_t.sql:5:3: error: table "é" does not')
    assert tables(database) == {"t"} and versions(database) == [1]


def test_a_transaction_that_is_left_out(app: AppFactory, database: Database) -> None:
    """The file is one transaction with its row all the same, and its places are the file's."""
    good = "-- a file that cannot be edited\nBEGIN;\nCREATE TABLE t ();\nCOMMIT;\n"
    bad = "BEGIN;\nCREATE TABLE u ();\n  SELECT b;\nCOMMIT;\n"
    program = app({"1_t.sql": good, "2_u.sql": bad}, embed=["--strip-transaction"])
    outcome = migrate(program)
    assert outcome.applied == [1] and tables(database) == {"t"}
    assert (outcome.error["line"], outcome.error["column"]) == (3, 10)
    checksum = database.value("SELECT checksum FROM applied_migrations")
    assert checksum == hashlib.sha256(good.encode()).hexdigest()


def test_versions_with_points(app: AppFactory, database: Database) -> None:
    files = {"V1__a.sql": "CREATE TABLE a ();", "V1.0.1__b_c.sql": "CREATE TABLE b ();"}
    assert migrate(app(files)).exit == 0
    assert database.rows(ROWS) == [(10**12, "1 a"), (10**12 + 10**4, "1.0.1 b c")]


def test_the_first_with_points_is_refused(app: AppFactory, database: Database) -> None:
    """It would give what is applied another number, and nothing runs twice."""
    files = {"V1__a.sql": "CREATE TABLE IF NOT EXISTS a ();", "V2__b.sql": "SELECT 1;"}
    assert migrate(app(files)).applied == [1, 2]
    outcome = migrate(app({**files, "V2.1__c.sql": "CREATE TABLE c ();"}))
    assert (outcome.exit, outcome.code) == (4, "mismatch")
    assert tables(database) == {"a"} and versions(database) == [1, 2]


def test_names_of_their_own(app: AppFactory, database: Database) -> None:
    pattern = r"(?P<name>exchange)-(?P<version>[0-9]+)\.sql"
    files = {"exchange-0002.sql": "CREATE TABLE b ();", "exchange-0001.sql": "CREATE TABLE a ();"}
    assert migrate(app(files, embed=["--pattern", pattern])).applied == [1, 2]
    assert database.rows(ROWS) == [(1, "exchange"), (2, "exchange")]


def test_marks_of_tern_and_sql_migrate(app: AppFactory, database: Database) -> None:
    half = "\n---- create above / drop below ----\n"
    program = app({"1_t.sql": f"CREATE TABLE t ();{half}DROP TABLE t;"}, embed=["--layout", "tern"])
    assert migrate(program).applied == [1] and tables(database) == {"t"}
    assert undo(program, 1) == "" and tables(database) == set()
    text = "-- +migrate Up\nCREATE TABLE u ();\n-- +migrate Down\nDROP TABLE u;\n"
    program = app({"1_u.sql": text}, embed=["--layout", "sql-migrate"])
    assert migrate(program).applied == [1] and tables(database) == {"u"}
    assert undo(program, 1) == "" and tables(database) == set()


def test_the_other_parts_edit_is_an_edit_of_the_file(app: AppFactory, database: Database) -> None:
    body = "-- migrate:up\nCREATE TABLE t ();\n-- migrate:down\n"
    migrate(app({"1_t.sql": body}))
    outcome = migrate(app({"1_t.sql": f"{body}DROP TABLE t;\n", "2_u.sql": "-- migrate:up\n"}))
    assert (outcome.exit, outcome.code) == (4, "mismatch")


def test_transaction_modes_of_each_direction(app: AppFactory, database: Database) -> None:
    program = app(
        {
            "1_t.sql": "-- migrate:up\nCREATE TABLE t (a int);\n",
            "2_i.sql": f"-- migrate:up transaction:false\n{INDEX}-- migrate:down\nDROP INDEX i;\n",
        }
    )
    assert migrate(program).applied == [1, 2]
    assert database.value("SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass")
    assert undo(program, 1) == "" and versions(database) == [1]
    assert "1_t" in undo(program, 1) and tables(database) == {"t"}  # it has no way down


def test_statements_that_could_run_in_a_transaction(app: AppFactory, database: Database) -> None:
    """Said is said, in each direction: what ran before a failure stays."""
    halves = (
        "-- migrate:up{}\nCREATE TABLE {} ();\n{}-- migrate:down{}\nDROP TABLE {};\nSELECT 1/0;"
    )
    program = app(
        {
            "1_a.sql": halves.format("", "a", "", " transaction:false", "a"),
            "2_b.sql": halves.format(" transaction:false", "b", "", "", "b"),
            "3_c.sql": halves.format(" transaction:false", "c", "SELECT 1/0;\n", "", "c"),
        }
    )
    outcome = migrate(program)
    assert (outcome.exit, outcome.applied) == (1, [1, 2])
    assert tables(database) == {"a", "b", "c"}
    database.execute("DROP TABLE c; DELETE FROM applied_migrations_state")
    assert "division by zero" in undo(program, 1) and tables(database) == {"a", "b"}
    assert program.run("--unmark", "2", "--yes").returncode == 0
    assert "division by zero" in undo(program, 1) and tables(database) == {"b"}


def test_a_directory_for_each(app: AppFactory, database: Database) -> None:
    program = app(
        {
            "00000000000000_setup/up.sql": "CREATE TABLE t (a int);",
            "2024-01-31-120000-0000_later/up.sql": "ALTER TABLE t ADD c int;",
            "2024-01-31-120000_sooner/up.sql": "ALTER TABLE t ADD b int;",
            "2024-02-01-000000_index/up.sql": INDEX,
            "2024-02-01-000000_index/down.sql": "DROP INDEX CONCURRENTLY i;",
            "2024-02-01-000000_index/metadata.toml": "run_in_transaction = false\n",
            "2024-02-02-000000_bad/up.sql": "SELECT 1;\nSELECT nothing;",
        }
    )
    outcome = migrate(program)
    assert outcome.error["path"] == "migrations/2024-02-02-000000_bad/up.sql"
    assert (outcome.error["line"], outcome.error["column"]) == (2, 8)
    assert database.rows(ROWS) == [
        (0, "setup"),
        (2024013112000000000, "sooner"),
        (2024013112000000001, "later"),
        (2024020100000000000, "index"),
    ]
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
    assert database.rows(f"{columns} ORDER BY attnum") == [("a",), ("b",), ("c",)]
    assert undo(program, 1) == ""
    assert database.value("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass") == 0


def test_versions_that_no_file_name_begins_with(app: AppFactory, database: Database) -> None:
    program = app(
        {
            "2024-01-31-120000_t/up.sql": "CREATE TABLE t ();",
            "2024-01-31-120001_u/up.sql": "CREATE TABLE u ();",
        }
    )
    assert program.run("--only").returncode == 0
    shown = [line.split()[:3] for line in program.run("--status").stdout.splitlines()]
    assert ["2024013112000000000", "t", "applied"] in shown
    assert ["2024013112000100000", "u", "applied"] in shown


def test_what_flyway_and_sqlx_record(app: AppFactory, database: Database) -> None:
    table = {"V1__the_table.sql": "CREATE TABLE t (a int);", "V2__the_index.sql": INDEX}
    program = app({**table, "U2__away.sql": "DROP INDEX CONCURRENTLY i;"})
    assert migrate(program).applied == [1, 2]
    assert database.rows(ROWS) == [(1, "the table"), (2, "the index")]
    assert undo(program, 1) == "" and versions(database) == [1]
    rest = {"1_the_table.sql": "CREATE TABLE t (a int);", "2_the_index.sql": INDEX}
    rest["2_the_index.sql"] = f"-- no-transaction\n{INDEX}"
    assert migrate(app(rest)).applied == [2]
    assert database.rows(ROWS) == [(1, "the table"), (2, "the index")]
